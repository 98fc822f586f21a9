/**
 * Hook rings: each handler stands around the rest and decides with `next()` whether and when the
 * rest runs. Code before `next()` may change or refuse (by throwing), code after it sees the result.
 */

import { assert } from "../base/errors.ts";

/** `next` runs the rings further in; not calling it leaves the action out. */
export type HookHandler<E> = (event: E, next: () => Promise<void>) => Promise<void>;

interface Ring {
  readonly handler: HookHandler<unknown>;
  readonly priority: number;
  readonly order: number;
}

export class Hooks {
  readonly #rings = new Map<string, Ring[]>();
  #order = 0;

  /**
   * Adds a handler to a point, `record.create:rooms`. Lower priorities stand further out; equal ones
   * in the order of binding. Returns what takes it off again.
   */
  bind<E>(point: string, handler: HookHandler<E>, priority = 0): () => void {
    const ring: Ring = {
      handler: handler as HookHandler<unknown>,
      priority,
      order: this.#order++,
    };
    const rings = [...(this.#rings.get(point) ?? []), ring];
    rings.sort((a, b) => a.priority - b.priority || a.order - b.order);
    this.#rings.set(point, rings);
    return () => {
      const left = (this.#rings.get(point) ?? []).filter((other) => other !== ring);
      if (left.length > 0) this.#rings.set(point, left);
      else this.#rings.delete(point);
    };
  }

  /** Whether anybody listens: a point without handlers costs this look-up. */
  has(point: string): boolean {
    return this.#rings.has(point);
  }

  /** Runs the rings of a point around `action`. What a ring or the action throws comes out. */
  run<E extends object>(point: string, event: E, action: () => Promise<void>): Promise<void> {
    const rings = this.#rings.get(point);
    if (!rings) return action();
    const enter = async (index: number): Promise<void> => {
      const ring = rings[index];
      if (!ring) return action();
      let entered = false;
      const next = () => {
        assert(!entered, `next() called twice in a handler of ${point}`);
        entered = true;
        return enter(index + 1);
      };
      await ring.handler(event, next);
    };
    return enter(0);
  }
}
