/** Times between tries: doubling, with jitter, bounded in length and in number. */

export interface BackoffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** Tries before `next` gives up; Infinity: never. */
  readonly tries: number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #tried = 0;

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /**
   * Milliseconds to wait before the next try, undefined when all are used up. Half of the time is
   * random, so that the pages of one room do not come back in one instant after a restart.
   */
  next(): number | undefined {
    const { firstMs, mostMs, tries } = this.#options;
    if (this.#tried >= tries) return undefined;
    const full = Math.min(mostMs, firstMs * 2 ** Math.min(this.#tried, 30));
    this.#tried += 1;
    return Math.round(full / 2 + (full / 2) * this.#random());
  }

  reset(): void {
    this.#tried = 0;
  }
}
