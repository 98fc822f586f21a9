/** Where a request comes from, forwarded headers counting only from trusted proxies. */

import type { RequestOrigin, Traffic } from "../../core/traffic.ts";
import { inNetwork, type Network, parseNetwork } from "../../tools/network.ts";

export class ClientAddress {
  readonly #trusted: readonly Network[];

  /** Addresses and networks as `10.0.0.0/8`; others were refused with the configuration. */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = trustedProxies.flatMap((text) => parseNetwork(text) ?? []);
  }

  /**
   * The rightmost forwarded address that is not a trusted proxy itself; `peer` when the connection
   * does not come from one.
   */
  of(request: Request, peer: string): string {
    if (!this.#trusts(peer)) return peer;
    const forwarded = (request.headers.get("x-forwarded-for") ?? "")
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
    return forwarded.findLast((address) => !this.#trusts(address)) ?? forwarded[0] ?? peer;
  }

  #trusts(address: string): boolean {
    return this.#trusted.some((network) => inNetwork(network, address));
  }
}

/** Its connection is gone, so the system does not tell any more. No address that anybody has. */
const GONE = "0.0.0.0";
/** Of a request that came over no connection. */
const OWN = "127.0.0.1";

export interface OriginSources {
  readonly clientAddress: ClientAddress;
  readonly server: { requestIP(request: Request): { readonly address: string } | null } | null;
  readonly traffic: Pick<Traffic, "addressOf"> | undefined;
}

/** Asks the system when somebody wants to know: that is a tenth of what a short read costs. */
export class HttpOrigin implements RequestOrigin {
  readonly #request: Request;
  readonly #sources: OriginSources;
  #ip: string | undefined;
  #peer: string | undefined;

  constructor(request: Request, sources: OriginSources) {
    this.#request = request;
    this.#sources = sources;
  }

  get peer(): string {
    const { server } = this.#sources;
    this.#peer ??= server ? (server.requestIP(this.#request)?.address ?? GONE) : OWN;
    return this.#peer;
  }

  get ip(): string {
    const { clientAddress, traffic } = this.#sources;
    // What the operator set while the server runs goes before what it was started with.
    this.#ip ??=
      traffic?.addressOf(this.#request.headers) ?? clientAddress.of(this.#request, this.peer);
    return this.#ip;
  }
}
