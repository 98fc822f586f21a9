/**
 * When a participant that said nothing is gone. One that lost its connection gets a grace, a
 * shorter one where its signalling ended too; a closed connection is gone at once; who never
 * answers, or never gets through, has a deadline. close: both timers.
 */

import type { Clock, Timer } from "../../../base/clock.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { PeerState } from "../../../infra/media/engine.ts";
import type { LeaveReason } from "../events.ts";

export interface DepartureOptions {
  readonly clock: Clock;
  /** From the loss of the connection. */
  readonly graceMs: number;
  readonly leave: (reason: LeaveReason) => void;
}

export class Departure {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #leave: (reason: LeaveReason) => void;
  #deadline: Timer | undefined;
  #grace: Timer | undefined;
  /** Monotonic. */
  #suspendedAt: number | undefined;
  #streamEnded = false;
  #closed = false;

  constructor(options: DepartureOptions) {
    this.#clock = options.clock;
    this.#graceMs = options.graceMs;
    this.#leave = options.leave;
  }

  /** A new connection is wanted: an answer must come. */
  expectAnswer(): void {
    if (this.#closed) return;
    this.#endGrace();
    this.#armDeadline();
  }

  /** An answer came: the connection must come up, unless it is already. */
  answered(): void {
    if (!this.#closed && this.#deadline) this.#armDeadline();
  }

  peerState(state: PeerState): void {
    if (this.#closed || state === "new") return;
    this.#endDeadline();
    this.#endGrace();
    if (state === "closed") this.#leave("left");
    else if (state === "suspended") {
      this.#suspendedAt = this.#clock.monotonic();
      this.#armGrace();
    }
  }

  streamAttached(): void {
    this.#streamEnded = false;
    this.#armGrace();
  }

  /** Alone it removes nobody: media may flow all the same. */
  streamEnded(): void {
    this.#streamEnded = true;
    this.#armGrace();
  }

  close(): void {
    this.#closed = true;
    this.#endDeadline();
    this.#endGrace();
  }

  #armDeadline(): void {
    this.#endDeadline();
    this.#deadline = this.#clock.after(LIMITS.joinAnswerMs, () => this.#leave("timeout"));
  }

  #endDeadline(): void {
    this.#deadline?.clear();
    this.#deadline = undefined;
  }

  #endGrace(): void {
    this.#grace?.clear();
    this.#suspendedAt = undefined;
  }

  #armGrace(): void {
    if (this.#closed || this.#suspendedAt === undefined) return;
    this.#grace?.clear();
    const lost = this.#clock.monotonic() - this.#suspendedAt;
    const left = Math.max(0, this.#graceMs - lost);
    const waitMs = this.#streamEnded ? Math.min(left, LIMITS.iceGraceUnsignalledMs) : left;
    this.#grace = this.#clock.after(waitMs, () => this.#leave("connection_lost"));
  }
}
