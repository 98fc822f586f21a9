/**
 * Moves the write-ahead log into the main file on a thread of its own.
 *
 * Measured (two shared cores, rows of 270 bytes, one index): a passive checkpoint of 1,000 pages
 * takes 11 ms (16 at most), one of 4,000 pages 28 ms (83 at most), most of it waiting for the disk.
 * That is too long for the event loop. The thread costs 5 ms to start and 5 to 9 MB, so it starts
 * with the first checkpoint; a command that writes a few rows never has one.
 */

import { assert } from "../../base/errors.ts";
import { DatabaseThread } from "./thread.ts";

export type CheckpointMode = "passive" | "truncate";

export interface CheckpointResult {
  /** Somebody's reading or writing kept it from finishing. */
  readonly busy: boolean;
  /** Pages in the log, and how many of them are in the main file now. */
  readonly logPages: number;
  readonly movedPages: number;
}

export interface Checkpointer {
  /** Calls run one after another. Rejects when the thread fails; the next call starts another. */
  run(mode: CheckpointMode): Promise<CheckpointResult>;
  /** Closes its connection, then ends the thread. Idempotent. */
  close(): Promise<void>;
}

const PROGRAM = `
import { Database } from "bun:sqlite";
let db;
self.onmessage = ({ data: { path, mode, busyMs, close } }) => {
  try {
    if (close) {
      db?.close(true);
      postMessage({});
      return;
    }
    if (!db) {
      db = new Database(path, { readwrite: true, create: false });
      db.run("PRAGMA busy_timeout = " + busyMs);
      db.run("PRAGMA synchronous = NORMAL");
      db.run("PRAGMA wal_autocheckpoint = 0");
    }
    postMessage(db.query("PRAGMA wal_checkpoint(" + mode + ")").get());
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
`;

/** How long the thread waits for a lock; the event loop does not wait with it. */
const BUSY_MS = 1_000;

export function threadCheckpointer(path: string): Checkpointer {
  return new ThreadCheckpointer(path);
}

class ThreadCheckpointer implements Checkpointer {
  readonly #path: string;
  readonly #thread = new DatabaseThread({ name: "checkpoint thread", source: PROGRAM });

  constructor(path: string) {
    this.#path = path;
  }

  async run(mode: CheckpointMode): Promise<CheckpointResult> {
    const question = { path: this.#path, mode, busyMs: BUSY_MS };
    return parseCheckpoint(await this.#thread.ask(question));
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** The row that `PRAGMA wal_checkpoint` answers, as a result. */
export function parseCheckpoint(row: unknown): CheckpointResult {
  assert(typeof row === "object" && row !== null, "a checkpoint answers with a row");
  if ("error" in row) throw new Error(`checkpoint: ${String(row.error)}`);
  assert("busy" in row && "log" in row && "checkpointed" in row, "a checkpoint's three columns");
  return {
    busy: row.busy !== 0,
    // -1: no log yet.
    logPages: Math.max(0, Number(row.log)),
    movedPages: Math.max(0, Number(row.checkpointed)),
  };
}
