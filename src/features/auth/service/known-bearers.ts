/**
 * Tokens that were found valid, for as long as no row of their collection is written: most requests
 * of a client bring the same one. Bounded; the oldest goes first.
 */

import { LIMITS } from "../../../base/limits.ts";
import type { TokenBearer } from "./accounts.ts";

interface Known {
  readonly bearer: TokenBearer;
  /** Of the collection's table, when the record was read. */
  readonly version: number;
}

export class KnownBearers {
  readonly #known = new Map<string, Known>();

  /** Undefined: it has to be verified. */
  find(token: string, now: number): Known | undefined {
    const known = this.#known.get(token);
    if (!known) return undefined;
    if (known.bearer.claims.exp * 1000 > now) return known;
    this.#known.delete(token);
    return undefined;
  }

  add(token: string, known: Known): void {
    this.#known.delete(token);
    this.#known.set(token, known);
    if (this.#known.size <= LIMITS.knownBearersMax) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
