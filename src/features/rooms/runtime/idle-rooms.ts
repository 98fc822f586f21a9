/** Rooms that guests made: each is removed when it stood empty for a while. close: the timers. */

import type { Clock, Timer } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";

export interface IdleRoomsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly idleMs: number;
  /** Where it fails, the room is tried again after another `idleMs`. */
  readonly remove: (roomId: string) => Promise<void>;
}

export class IdleRooms {
  readonly #options: IdleRoomsOptions;
  /** Every room of this sort; undefined: somebody is in it. */
  readonly #timers = new Map<string, Timer | undefined>();
  #closed = false;

  constructor(options: IdleRoomsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#timers.size;
  }

  empty(roomId: string): void {
    if (this.#closed) return;
    this.#timers.get(roomId)?.clear();
    const { clock, idleMs } = this.#options;
    this.#timers.set(
      roomId,
      clock.after(idleMs, () => void this.#remove(roomId)),
    );
  }

  occupied(roomId: string): void {
    this.#timers.get(roomId)?.clear();
    this.#timers.set(roomId, undefined);
  }

  forget(roomId: string): void {
    this.#timers.get(roomId)?.clear();
    this.#timers.delete(roomId);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) timer?.clear();
    this.#timers.clear();
  }

  async #remove(roomId: string): Promise<void> {
    try {
      await this.#options.remove(roomId);
    } catch (cause) {
      this.#options.log.warn("an empty room could not be removed", { room: roomId, cause });
      if (this.#timers.has(roomId)) this.empty(roomId);
    }
  }
}
