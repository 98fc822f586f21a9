/** Work that an answer does not wait for, mails above all. stop() waits for what is under way. */

import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import type { FeatureHost } from "../../../core/registry.ts";

type Host = Pick<FeatureHost, "clock" | "context" | "log">;

export class Background {
  readonly #host: Host;
  readonly #running = new Set<Promise<void>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Starts it, in a context of its own: the request's may have a transaction open. What it throws
   * goes to the log under `what`. Where as much waits as may, it is left out, which the log tells:
   * false then.
   */
  run(what: string, work: (context: Context) => Promise<void>): boolean {
    if (this.#running.size >= LIMITS.mailsWaitingMax) {
      this.#host.log.error("too much work waits, this was left out", { what });
      return false;
    }
    const running = this.#attempt(what, work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return true;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Waits no longer than a stop may take. */
  async stop(): Promise<void> {
    if (this.#running.size === 0) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#host.clock.after(LIMITS.shutdownGraceMs, resolve);
    await Promise.race([this.settled(), late]);
    timer.clear();
  }

  async #attempt(what: string, work: (context: Context) => Promise<void>): Promise<void> {
    try {
      await work(this.#host.context());
    } catch (cause) {
      this.#host.log.error("work in the background failed", { what, cause });
    }
  }
}
