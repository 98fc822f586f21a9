/** Time as a parameter: the real clock for the server, one moved by hand for tests. */

export interface Timer {
  /** Idempotent; a cleared timer never fires again. */
  clear(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds that never go back, for measuring spans. */
  monotonic(): number;
  after(delayMs: number, run: () => void): Timer;
  every(periodMs: number, run: () => void): Timer;
}

/** Timers do not keep the process alive: what must keep it alive is the listening socket. */
export function realClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      timer.unref();
      return { clear: () => clearTimeout(timer) };
    },
    every(periodMs, run) {
      const timer = setInterval(run, periodMs);
      timer.unref();
      return { clear: () => clearInterval(timer) };
    },
  };
}

interface Pending {
  at: number;
  readonly order: number;
  readonly periodMs: number | undefined;
  readonly run: () => void;
}

/** Stands still until `advance`. Timers fire in order of their due time, then of their making. */
export class FakeClock implements Clock {
  #now: number;
  #elapsed = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(start = Date.UTC(2024, 0, 10, 12)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#add(delayMs, undefined, run);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#add(periodMs, periodMs, run);
  }

  /** How many timers wait: a leak check for tests. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing what falls due, and lets promises settle after each firing. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (let next = this.#due(end); next; next = this.#due(end)) {
      this.#moveTo(next.at);
      if (next.periodMs === undefined) this.#pending.delete(next);
      else next.at += next.periodMs;
      next.run();
      await settle();
    }
    this.#moveTo(end);
    await settle();
  }

  #add(delayMs: number, periodMs: number | undefined, run: () => void): Timer {
    const at = this.#elapsed + Math.max(0, delayMs);
    const entry: Pending = { at, order: this.#order++, periodMs, run };
    this.#pending.add(entry);
    return { clear: () => void this.#pending.delete(entry) };
  }

  #due(end: number): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.at > end) continue;
      const earlier =
        !first || entry.at < first.at || (entry.at === first.at && entry.order < first.order);
      if (earlier) first = entry;
    }
    return first;
  }

  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

/** Lets every promise that is ready run on, without waiting for time to pass. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((done) => setImmediate(done));
}
