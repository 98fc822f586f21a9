/**
 * When connections send what they hold: after the first turn of the event loop that brought no
 * more, all of them in one go. A write to a socket costs more than its bytes, so messages that come
 * together leave together; and the longer sending takes, the more writes share the next commit.
 */

import { LIMITS } from "../../base/limits.ts";
import type { Counter } from "../../infra/metrics/families.ts";

export class Flusher {
  readonly #delivered: Counter;
  #waiting: (() => void)[] = [];
  #messages = 0;

  constructor(delivered: Counter) {
    this.#delivered = delivered;
  }

  /** Another message is held. */
  count(): void {
    this.#messages += 1;
    this.#delivered.inc();
  }

  /** Runs `flush` soon. A connection asks again only after that. */
  soon(flush: () => void): void {
    this.#waiting.push(flush);
    if (this.#waiting.length === 1) this.#look(LIMITS.realtimeFlushTurnsMax);
  }

  #look(turnsLeft: number): void {
    const seen = this.#messages;
    setImmediate(() => {
      if (this.#messages > seen && turnsLeft > 1) this.#look(turnsLeft - 1);
      else this.#flushAll();
    });
  }

  #flushAll(): void {
    const all = this.#waiting;
    this.#waiting = [];
    flushFrom(all, 0);
  }
}

/** The event loop gets its turn between many connections. */
function flushFrom(all: readonly (() => void)[], first: number): void {
  const end = first + LIMITS.realtimeFlushesPerTurn;
  for (const flush of all.slice(first, end)) flush();
  if (end < all.length) setImmediate(() => flushFrom(all, end));
}
