/**
 * Marks memberships whose time ran out; what follows (the end of live participations, the notice)
 * is the write ring's. Access never waits for it: that is decided by the date at each use. close:
 * the timer.
 */

import type { Timer } from "../../../base/clock.ts";
import { LIMITS } from "../../../base/limits.ts";
import { SYSTEM } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import type { RecordsService } from "../../records/index.ts";
import { ROOM_MEMBERS } from "../schema.ts";
import { overdueMembers } from "../store.ts";

export class Expiry {
  readonly #host: FeatureHost;
  readonly #records: RecordsService;
  #timer: Timer | undefined;
  #running = false;

  constructor(host: FeatureHost, records: RecordsService) {
    this.#host = host;
    this.#records = records;
  }

  /** What ran out while the server was off is marked at once. */
  async start(): Promise<void> {
    await this.sweep();
    this.#timer = this.#host.clock.every(LIMITS.membershipSweepMs, () => void this.sweep());
  }

  close(): void {
    this.#timer?.clear();
  }

  /** Stretch by stretch, so that other writes come in between. What fails is tried next time. */
  async sweep(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const context = this.#host.context({ caller: SYSTEM });
    try {
      for (let round = 0; round < LIMITS.membershipSweepRoundsMax; round++) {
        const marked = await context.transaction(() => this.#markSome(context));
        if (marked < LIMITS.membershipSweepRows) break;
      }
    } catch (cause) {
      this.#host.log.error("memberships that ran out could not be marked", { cause });
    } finally {
      this.#running = false;
    }
  }

  /** Looks inside the transaction: what was just renewed has not run out. */
  async #markSome(context: Context): Promise<number> {
    const ids = await overdueMembers(context, LIMITS.membershipSweepRows);
    for (const id of ids) {
      const target = { collection: ROOM_MEMBERS, id };
      await this.#records.update(context, target, { status: "expired" });
    }
    return ids.length;
  }
}
