/** The one bus of the process: typed topics, bounded listeners, errors in a listener contained. */

import { assert } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";

export type Listener<Event> = (event: Event) => void;

export class Bus<Event extends { readonly topic: string }> {
  readonly #listeners = new Map<string, Set<Listener<Event>>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Calls every listener of the topic, in the order they subscribed; what one throws is logged. */
  publish(event: Event): void {
    for (const listener of [...(this.#listeners.get(event.topic) ?? [])]) {
      try {
        listener(event);
      } catch (cause) {
        this.#log.error("bus listener failed", { topic: event.topic, cause });
      }
    }
  }

  /** Returns what unsubscribes; doing that twice is fine. */
  subscribe(topic: string, listener: Listener<Event>): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    assert(listeners.size < LIMITS.busListenersMax, `too many listeners on ${topic}`);
    this.#listeners.set(topic, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) {
        this.#listeners.delete(topic);
      }
    };
  }

  /** Whether anybody listens, so that a costly event need not be made. */
  has(topic: string): boolean {
    return this.#listeners.has(topic);
  }
}
