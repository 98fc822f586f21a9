/** What the platform has to do with every HTTP request, whatever route it takes. */

import type { AppError } from "../base/errors.ts";
import type { Caller } from "./access.ts";

/** Where a request came from. Found out when it is asked for; "0.0.0.0" once the client is gone. */
export interface RequestOrigin {
  /** The client's address, proxies taken into account. */
  readonly ip: string;
  /** The other end of the connection. */
  readonly peer: string;
}

/** A request as it came. */
export interface Arrival {
  readonly request: Request;
  /** Of its address: the path as it came, and the query with its question mark. */
  readonly pathname: string;
  readonly search: string;
  readonly origin: RequestOrigin;
  /** Parameters of its path, where a route took it. */
  readonly params: Readonly<Record<string, string>>;
  /** Under which names rate limit rules know it, beside its path. */
  readonly rateTags: readonly string[];
}

export interface Departure {
  readonly status: number;
  /** Milliseconds. */
  readonly tookMs: number;
  /** Undefined: it failed or was answered before anybody asked who calls. */
  readonly caller: Caller | undefined;
  readonly error: AppError | undefined;
  /** Successes of the route stay out of the request log. */
  readonly quiet: boolean;
}

export interface Traffic {
  /** More comes than it takes note of: an answer may leave no entry. */
  readonly isFlooded: boolean;
  /** The client's address where a header that the operator trusts names it. */
  addressOf(headers: Headers): string | undefined;
  /** Errors: 429 `rate_limited` where a rule of the operator is used up. */
  admit(arrival: Arrival, caller: Caller): void;
  /** Takes note; never throws and never waits. */
  depart(arrival: Arrival, departure: Departure): void;
}
