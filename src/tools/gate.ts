/** Lets so many run at once; the others wait in order, up to a bound. */

export interface GateOptions {
  readonly runningMax: number;
  /** Reached: `run` calls `refuse` and throws what it returns. */
  readonly waitingMax: number;
  readonly refuse: () => Error;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Runs `task` when its turn has come; what it throws goes to the caller and frees its place. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#options.runningMax) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.#options.waitingMax) throw this.#options.refuse();
    await new Promise<void>((proceed) => this.#waiting.push(proceed));
  }

  /** The place goes to the first who waits, so that nobody can slip in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }
}
