/**
 * A thread with a connection of its own, asked one thing after another. It starts with the first
 * question, and after a failure of its own with the next one. close() has the thread close its
 * connection, then ends it.
 */

export interface ThreadOptions<Answer> {
  /** For errors. */
  readonly name: string;
  /**
   * The thread's whole program: a text because a module of the executable cannot be found by the
   * same address from source and compiled, and some lines do not deserve an entry point. It answers
   * every message with one of its own, and `{close: true}` once its connection is closed.
   */
  readonly source: string;
  /** What is wrong in an answer after which the thread is not to be trusted any more. */
  readonly faultOf?: (answer: Answer) => string | undefined;
}

export class DatabaseThread<Answer> {
  readonly #options: ThreadOptions<Answer>;
  #worker: Worker | undefined;
  /** Kept until the thread ends: it is read some time after `new Worker`. */
  #address: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ThreadOptions<Answer>) {
    this.#options = options;
  }

  /** Rejects when the thread fails; of other failures its answer tells. */
  ask(message: object): Promise<Answer> {
    const answer = this.#last.then(() => this.#send(message));
    // The next waits for this one's end, whatever that is.
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Resolves when everything that was asked is answered. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.idle();
    if (!this.#worker) return;
    try {
      await this.ask({ close: true });
    } finally {
      this.#drop();
    }
  }

  async #send(message: object): Promise<Answer> {
    const { name, faultOf } = this.#options;
    const worker = this.#worker ?? this.#start();
    const answer = Promise.withResolvers<Answer>();
    worker.onmessage = ({ data }) => answer.resolve(data);
    worker.onerror = ({ message: text }) => answer.reject(new Error(`${name}: ${text}`));
    // Only while there is something to do does the thread keep the process alive.
    worker.ref();
    worker.postMessage(message);
    try {
      const answered = await answer.promise;
      const fault = faultOf?.(answered);
      if (fault !== undefined) throw new Error(`${name}: ${fault}`);
      return answered;
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      worker.unref();
    }
  }

  #start(): Worker {
    const program = new Blob([this.#options.source], { type: "text/javascript" });
    this.#address = URL.createObjectURL(program);
    this.#worker = new Worker(this.#address);
    return this.#worker;
  }

  #drop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = undefined;
  }
}
