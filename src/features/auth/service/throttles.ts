/** Pauses and windows by key, bounded: beyond that the oldest go, which only ever forgives. */

import type { Clock } from "../../../base/clock.ts";
import { LIMITS } from "../../../base/limits.ts";

/** Whether something happened to a key a moment ago. */
export class Pauses {
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #ends = new Map<string, number>();

  constructor(clock: Clock, pauseMs: number) {
    this.#clock = clock;
    this.#pauseMs = pauseMs;
  }

  /** False: the key is in its pause. True: it was not, and its pause begins now. */
  begin(key: string): boolean {
    const now = this.#clock.monotonic();
    if ((this.#ends.get(key) ?? 0) > now) return false;
    this.#ends.delete(key);
    bound(this.#ends);
    this.#ends.set(key, now + this.#pauseMs);
    return true;
  }

  end(key: string): void {
    this.#ends.delete(key);
  }
}

interface Window {
  count: number;
  readonly endsAt: number;
}

/** So many in a time; the time begins with the first. */
export class Windows {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #windowMs: number;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, options: { readonly max: number; readonly windowMs: number }) {
    this.#clock = clock;
    this.#max = options.max;
    this.#windowMs = options.windowMs;
  }

  /** Counts one more. Returns 0 while that fits, else the milliseconds until it will. */
  take(key: string): number {
    const now = this.#clock.monotonic();
    const window = this.#windows.get(key);
    if (window && window.endsAt > now) {
      if (window.count >= this.#max) return window.endsAt - now;
      window.count += 1;
      return 0;
    }
    this.#windows.delete(key);
    bound(this.#windows);
    this.#windows.set(key, { count: 1, endsAt: now + this.#windowMs });
    return 0;
  }
}

/** A map's keys are in the order they came. */
export function bound(map: Map<string, unknown>, max: number = LIMITS.authThrottlesMax): void {
  if (map.size < max) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
