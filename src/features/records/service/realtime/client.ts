/**
 * One realtime connection. Ends with its stream; the stream ends with its session: when the bound
 * token expires or is revoked, the client goes or reads too slowly, or nothing was sent for long.
 */

import type { Clock, Timer } from "../../../../base/clock.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Caller } from "../../../../core/access.ts";
import type { Stream } from "../../../../core/session.ts";
import type { Group } from "./subscribers.ts";

export class RealtimeClient {
  /** What the client proves its connection with when it subscribes. */
  readonly id: string;
  /** Its subscriptions by their text. */
  readonly groups = new Map<string, Group>();
  /** Whom rules are asked for; a guest until the first subscription with a token. */
  caller: Caller;
  readonly #stream: Stream;
  readonly #clock: Clock;
  #idle: Timer;
  #sentAt: number;

  constructor(stream: Stream, clock: Clock) {
    this.id = stream.session.id;
    this.caller = stream.session.caller;
    this.#stream = stream;
    this.#clock = clock;
    this.#sentAt = clock.monotonic();
    this.#idle = this.#watchIdle(LIMITS.realtimeIdleMs);
    stream.onEnd(() => this.#idle.clear());
  }

  get ended(): boolean {
    return this.#stream.ended;
  }

  /** `data` is JSON, made already where it goes to many. */
  send(event: string, data: unknown): void {
    if (this.ended) return;
    this.#sentAt = this.#clock.monotonic();
    this.#stream.push({ id: this.id, event, data });
  }

  /** The connection belongs to `caller` from now on, and ends with its token. */
  bind(caller: Caller): void {
    this.#stream.session.renew(caller);
  }

  cutOff(): void {
    this.#stream.end("slow_consumer");
  }

  /** One timer, set anew when it is due: messages only note the time. */
  #watchIdle(delayMs: number): Timer {
    return this.#clock.after(delayMs, () => {
      const left = this.#sentAt + LIMITS.realtimeIdleMs - this.#clock.monotonic();
      if (left > 0) this.#idle = this.#watchIdle(left);
      else this.#stream.end("finished");
    });
  }
}
