/** One request as the wires see it; what few operations ask for is made when it is asked for. */

import type { Caller } from "../../core/access.ts";
import type { RequestFacts } from "../../core/context.ts";
import type { Arrival } from "../../core/traffic.ts";
import type { SentFiles } from "../../tools/fields/upload.ts";

/** The part of Bun's server a handler may touch. */
export interface HttpServer {
  requestIP(request: Request): { readonly address: string } | null;
  /** Seconds a silent connection is kept; 0 for ever. */
  timeout(request: Request, seconds: number): void;
}

export interface CallParts {
  readonly arrival: Arrival;
  readonly server: HttpServer | null;
  readonly requestId: string;
  /** Largest body where the operation names no bound of its own. */
  readonly bodyBytesMax: number;
}

const NO_QUERY = new URLSearchParams();

export class HttpCall implements RequestFacts {
  readonly arrival: Arrival;
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly server: HttpServer | null;
  readonly requestId: string;
  readonly bodyBytesMax: number;
  /** Who calls, once somebody asked. */
  caller: Caller | undefined;
  files?: SentFiles;
  #query: URLSearchParams | undefined;

  constructor({ arrival, server, requestId, bodyBytesMax }: CallParts) {
    this.arrival = arrival;
    this.request = arrival.request;
    this.params = arrival.params;
    this.server = server;
    this.requestId = requestId;
    this.bodyBytesMax = bodyBytesMax;
  }

  get ip(): string {
    return this.arrival.origin.ip;
  }

  get method(): string {
    return this.request.method;
  }

  get headers(): Headers {
    return this.request.headers;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  get hasQuery(): boolean {
    return this.arrival.search !== "";
  }

  get query(): URLSearchParams {
    this.#query ??= this.hasQuery ? new URLSearchParams(this.arrival.search) : NO_QUERY;
    return this.#query;
  }
}

/** Path and query (with its `?`) of an absolute address, as they were sent. */
export function splitAddress(address: string): Pick<Arrival, "pathname" | "search"> {
  const start = address.indexOf("/", address.indexOf("://") + 3);
  if (start === -1) return { pathname: "/", search: "" };
  const question = address.indexOf("?", start);
  if (question === -1) return { pathname: address.slice(start), search: "" };
  return { pathname: address.slice(start, question), search: address.slice(question) };
}
