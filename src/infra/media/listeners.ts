/** Listeners of one event, called in the order of their adding. */

import { assert } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";

/** An engine object has one owner and so a handful of listeners; more is a leak. */
const LISTENERS_MAX = 16;

export class Listeners<Value> {
  readonly #event: string;
  readonly #log: Log;
  #listeners: ((value: Value) => void)[] = [];

  constructor(event: string, log: Log) {
    this.#event = event;
    this.#log = log;
  }

  add(listener: (value: Value) => void): void {
    assert(this.#listeners.length < LISTENERS_MAX, `listeners of ${this.#event} are removed`);
    this.#listeners.push(listener);
  }

  /**
   * A listener that throws is logged and the others still run: the caller is the worker's channel,
   * whose emitter drops exceptions without a word.
   */
  emit(value: Value): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch (cause) {
        this.#log.error("media listener failed", { event: this.#event, cause });
      }
    }
  }

  clear(): void {
    this.#listeners = [];
  }
}
