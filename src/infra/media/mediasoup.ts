/**
 * The media engine on mediasoup: a pool of worker processes, rooms spread over them by load.
 * close: slots → processes and rooms; calls under way fail with 503.
 */

import type { Clock } from "../../base/clock.ts";
import { assert } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { TokenBuckets } from "../../tools/token-bucket.ts";
import type {
  MediaConfig,
  MediaEngine,
  MediaRoom,
  MediaWorkerStatus,
  Reachability,
} from "./engine.ts";
import { offeredAddresses } from "./parameters.ts";
import { checkReachability } from "./reachability.ts";
import { openRoom } from "./room.ts";
import { type Mediasoup, unavailable, type WorkerPlace, WorkerSlot } from "./workers.ts";

/** A worker that dies while a room is made is one try; no room is worth more than these. */
const CREATE_TRIES = 3;

/** Lines of the worker's own log that are passed on; a flood of packets must not become one of lines. */
const LOG_LIMIT = { count: 30, windowMs: 60_000 };

export interface EngineParts {
  readonly log: Log;
  readonly clock: Clock;
}

/** Starts nothing yet, and does not load mediasoup: `start` does. */
export function createMediasoupEngine(config: MediaConfig, parts: EngineParts): MediaEngine {
  return new MediasoupEngine(config, parts);
}

class MediasoupEngine implements MediaEngine {
  readonly #config: MediaConfig;
  readonly #clock: Clock;
  readonly #log: Log;
  #slots: WorkerSlot[] = [];
  /** Calls that wait for a worker to come up. */
  readonly #waiting = new Set<() => void>();
  #addresses: readonly string[] = [];
  #state: "new" | "started" | "closed" = "new";

  constructor(config: MediaConfig, { log, clock }: EngineParts) {
    assert(config.workers >= 1, "the engine has a worker");
    this.#config = config;
    this.#log = log.child({ part: "media" });
    this.#clock = clock;
  }

  async start(): Promise<void> {
    assert(this.#state === "new", "the engine is started once");
    this.#state = "started";
    const mediasoup = await this.#load();
    this.#addresses = offeredAddresses(this.#config);
    this.#slots = Array.from({ length: this.#config.workers }, (_, index) =>
      this.#slot(index, mediasoup),
    );
    const starts = await Promise.allSettled(this.#slots.map((slot) => slot.start()));
    const failed = starts.find((start) => start.status === "rejected");
    if (failed === undefined) return;
    await this.close();
    throw failed.reason;
  }

  async createRoom(roomId: string): Promise<MediaRoom> {
    const deadline = this.#clock.monotonic() + LIMITS.workerWaitMs;
    let cause: unknown;
    for (let tries = 0; tries < CREATE_TRIES; tries++) {
      const place = await this.#freeSlot(deadline);
      try {
        return await this.#openRoom(roomId, place);
      } catch (thrown) {
        if (place.slot.process === place.process) throw thrown;
        cause = thrown;
      }
    }
    throw unavailable("The media worker died while the room was opened.", cause);
  }

  status(): readonly MediaWorkerStatus[] {
    return this.#slots.map((slot) => slot.status());
  }

  async memoryBytes(): Promise<number> {
    const bytes = await Promise.all(this.#slots.map((slot) => slot.memoryBytes()));
    return bytes.reduce((sum, each) => sum + each, 0);
  }

  async check(): Promise<readonly Reachability[]> {
    const checks = this.#slots.flatMap(({ process }) =>
      process === undefined
        ? []
        : [checkReachability(process, { addresses: this.#addresses, clock: this.#clock })],
    );
    return (await Promise.all(checks)).flat();
  }

  async close(): Promise<void> {
    this.#state = "closed";
    for (const slot of this.#slots) slot.close();
    for (const wake of [...this.#waiting]) wake();
  }

  /** Loaded here and not above: most commands never need it, and it costs a tenth of a second. */
  async #load(): Promise<Mediasoup> {
    const mediasoup = await import("mediasoup");
    const lines = new TokenBuckets(1);
    const mayLog = () => lines.take("worker", LOG_LIMIT, this.#clock.monotonic()) === 0;
    mediasoup.setLogEventListeners({
      onwarn: (source, line) => {
        if (mayLog()) this.#log.warn("media engine", { source, line });
      },
      onerror: (source, line, cause) => {
        if (mayLog()) this.#log.warn("media engine error", { source, line, cause });
      },
    });
    return mediasoup;
  }

  #slot(index: number, mediasoup: Mediasoup): WorkerSlot {
    const onUp = () => {
      for (const wake of [...this.#waiting]) wake();
    };
    return new WorkerSlot({
      index,
      config: this.#config,
      mediasoup,
      clock: this.#clock,
      log: this.#log,
      onUp,
    });
  }

  async #openRoom(id: string, place: WorkerPlace): Promise<MediaRoom> {
    const room = await openRoom({
      id,
      place,
      addresses: this.#addresses,
      log: this.#log,
      workerLoad: this.#config.workerLoad ?? LIMITS.workerLoad,
      leastLoaded: () => this.#leastLoaded(),
    });
    if (this.#state === "closed") {
      room.close();
      throw unavailable("The media engine is closed.");
    }
    return room;
  }

  /** The least loaded worker that is up; when none is, the first to come up before `deadline`. */
  async #freeSlot(deadline: number): Promise<WorkerPlace> {
    for (;;) {
      if (this.#state !== "started") throw unavailable("The media engine is closed.");
      const best = this.#leastLoaded();
      if (best !== undefined) return best;
      const left = deadline - this.#clock.monotonic();
      if (left <= 0 || this.#waiting.size >= LIMITS.roomsLiveMax) {
        throw unavailable("No media worker is up. Try again in a moment.");
      }
      await this.#wake(left);
    }
  }

  #leastLoaded(): WorkerPlace | undefined {
    let best: (WorkerPlace & { readonly load: number }) | undefined;
    for (const slot of this.#slots) {
      const { process, load } = slot;
      if (process !== undefined && (best === undefined || load < best.load)) {
        best = { slot, process, load };
      }
    }
    return best;
  }

  #wake(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.clear();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#clock.after(withinMs, wake);
      this.#waiting.add(wake);
    });
  }
}
