/**
 * One worker process with its port and its rooms, replaced when it dies. close: process → its rooms
 * are closed. died: its rooms are lost, a new process takes the port.
 */

import { accessSync, constants, readFileSync, statSync } from "node:fs";
import type { types } from "mediasoup";
import type { Clock, Timer } from "../../base/clock.ts";
import { type AppError, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import type { MediaConfig, MediaWorkerStatus } from "./engine.ts";

/** A worker that lived this long was well: its next death is answered at once again. */
const STABLE_MS = 60_000;

/** Wait before the second restart in a row; each further one doubles it. */
const BACKOFF_MS = 250;

export interface Mediasoup {
  createWorker(settings: types.WorkerSettings): Promise<types.Worker>;
}

export interface WorkerProcess {
  readonly worker: types.Worker;
  readonly server: types.WebRtcServer;
}

/** A worker that is up, and what is kept of it. */
export interface WorkerPlace {
  readonly slot: WorkerSlot;
  readonly process: WorkerProcess;
}

/** What a worker needs to know of the routers on it. */
export interface WorkerTenant {
  readonly load: number;
  readonly room: { lose(): void; close(): void };
}

export interface SlotParts {
  readonly index: number;
  readonly config: MediaConfig;
  readonly mediasoup: Mediasoup;
  readonly clock: Clock;
  readonly log: Log;
  /** A process is up, the first or a replacement. */
  readonly onUp: () => void;
}

export class WorkerSlot {
  readonly index: number;
  readonly port: number;
  readonly branches = new Set<WorkerTenant>();
  readonly #parts: SlotParts;
  readonly #log: Log;
  #process: WorkerProcess | undefined;
  #restart: Timer | undefined;
  #restarts = 0;
  /** Deaths and failed starts in a row. */
  #failures = 0;
  #upSince = 0;
  #closed = false;

  constructor(parts: SlotParts) {
    this.index = parts.index;
    this.port = parts.config.port + parts.index;
    this.#parts = parts;
    this.#log = parts.log.child({ worker: parts.index, port: this.port });
  }

  /** Undefined while the process is being replaced. */
  get process(): WorkerProcess | undefined {
    return this.#process;
  }

  /** Those with a router here. */
  get rooms(): readonly WorkerTenant["room"][] {
    return [...new Set([...this.branches].map(({ room }) => room))];
  }

  get load(): number {
    let load = 0;
    for (const branch of this.branches) load += branch.load;
    return load;
  }

  /** Error: 503 `media_unavailable` naming the port or path. */
  async start(): Promise<void> {
    const process = await this.#spawn();
    if (this.#closed) {
      process.worker.close();
      return;
    }
    this.#process = process;
    this.#upSince = this.#parts.clock.monotonic();
    process.worker.once("died", (error) => this.#died(process, error));
    this.#log.info("media worker up", { pid: process.worker.pid });
    this.#parts.onUp();
  }

  status(): MediaWorkerStatus {
    return {
      index: this.index,
      pid: this.#process?.worker.pid ?? 0,
      port: this.port,
      alive: this.#process !== undefined,
      rooms: this.rooms.length,
      restarts: this.#restarts,
    };
  }

  /** Resident bytes; 0 while down. */
  async memoryBytes(): Promise<number> {
    const worker = this.#process?.worker;
    if (worker === undefined) return 0;
    const resident = residentBytes(worker.pid);
    if (resident !== undefined) return resident;
    try {
      // The largest it ever was, in KiB, is what other systems tell.
      return (await worker.getResourceUsage()).ru_maxrss * 1024;
    } catch (cause) {
      this.#log.debug("media worker did not tell its memory", { cause });
      return 0;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#restart?.clear();
    for (const room of this.rooms) room.close();
    this.#process?.worker.close();
    this.#process = undefined;
  }

  async #spawn(): Promise<WorkerProcess> {
    const { config, mediasoup } = this.#parts;
    checkExecutable(config.workerPath);
    let worker: types.Worker;
    try {
      worker = await ignoringSignals(() =>
        mediasoup.createWorker({ workerBin: config.workerPath, logLevel: "error" }),
      );
    } catch (cause) {
      throw unavailable(`The media worker ${config.workerPath} does not start.`, cause);
    }
    try {
      const { port } = this;
      const listen = { ip: config.listenIp, port };
      const server = await worker.createWebRtcServer({
        listenInfos: [
          { protocol: "udp", ...listen },
          { protocol: "tcp", ...listen },
        ],
      });
      return { worker, server };
    } catch (cause) {
      worker.close();
      throw unavailable(
        `Media port ${this.port} (UDP and TCP) on ${config.listenIp} cannot be opened: ` +
          "it is taken, or the address is not this machine's.",
        cause,
      );
    }
  }

  #died(process: WorkerProcess, cause: Error): void {
    if (this.#closed || this.#process !== process) return;
    this.#process = undefined;
    const { clock } = this.#parts;
    if (clock.monotonic() - this.#upSince >= STABLE_MS) this.#failures = 0;
    this.#log.error("media worker died", { rooms: this.rooms.length, cause });
    // The replacement is under way before the rooms' owners ask for it.
    this.#scheduleRestart();
    for (const room of this.rooms) room.lose();
  }

  #scheduleRestart(): void {
    const { clock } = this.#parts;
    const backoff = this.#failures === 0 ? 0 : BACKOFF_MS * 2 ** (this.#failures - 1);
    this.#failures++;
    const delay = Math.min(backoff, LIMITS.workerRestartBackoffMaxMs);
    this.#restart = clock.after(delay, () => void this.#replace());
  }

  async #replace(): Promise<void> {
    try {
      this.#restarts++;
      await this.start();
    } catch (cause) {
      this.#log.error("media worker not replaced", { failures: this.#failures, cause });
      if (!this.#closed) this.#scheduleRestart();
    }
  }
}

export function unavailable(message: string, cause?: unknown): AppError {
  return fail.unavailable("media_unavailable", message, { cause });
}

function checkExecutable(path: string): void {
  try {
    if (statSync(path).isFile()) {
      accessSync(path, constants.X_OK);
      return;
    }
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw unavailable(
      `The media worker ${path} is ${missing ? "missing" : "not executable"}.`,
      cause,
    );
  }
  throw unavailable(`The media worker ${path} is not a file.`);
}

/**
 * mediasoup closes its workers on SIGINT and SIGTERM by itself, and a worker closed while it starts
 * never settles. Here the engine's owner decides: rooms are told before their media stops.
 * What `create` does before its first await is where the listeners are put on.
 */
function ignoringSignals<T>(create: () => Promise<T>): Promise<T> {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = signals.map((signal) => new Set(process.rawListeners(signal)));
  const created = create();
  signals.forEach((signal, index) => {
    for (const listener of process.rawListeners(signal)) {
      if (before[index]?.has(listener)) continue;
      process.off(signal, listener as NodeJS.SignalsListener);
    }
  });
  return created;
}

/** From the kernel's own count, where there is one. */
function residentBytes(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}
