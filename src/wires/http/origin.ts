/** Where a request comes from, forwarded headers counting only from trusted proxies. */

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
