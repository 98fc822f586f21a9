/**
 * Answers of one turn of the event loop leave together. Each write to a socket wakes its reader,
 * and waking one that sleeps costs more than all the rest of a short answer; of several writes in a
 * row only the first does. Measured with 32 connections: 69 µs of CPU for a view instead of 95.
 */

import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";

interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
  readonly closedAt: number;
}

export class Departures {
  readonly #clock: Pick<Clock, "monotonic">;
  #gate: Gate | undefined;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Resolves at the end of this turn, or when the first that waits has waited for long enough. */
  together(): Promise<void> {
    const now = this.#clock.monotonic();
    const gate = this.#gate ?? this.#close(now);
    if (now - gate.closedAt > LIMITS.answersHeldMs) this.#open(gate);
    return gate.opened;
  }

  #close(now: number): Gate {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const gate = { opened, open, closedAt: now };
    this.#gate = gate;
    setImmediate(() => this.#open(gate));
    return gate;
  }

  #open(gate: Gate): void {
    if (this.#gate === gate) this.#gate = undefined;
    gate.open();
  }
}
