/**
 * Reads that were measured to be slow, on a thread with a connection of its own: a statement that
 * looks at a hundred thousand rows would hold everybody else up for as long as it takes. Owns the
 * thread, which closes its connection before it ends.
 */

import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { SqlValue } from "./database.ts";
import { databaseBusy, databaseFailed } from "./errors.ts";
import { DatabaseThread } from "./thread.ts";

export interface SlowRead {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** For the statement itself, once its turn has come. */
  readonly limitMs: number;
}

export interface SlowResult {
  readonly rows: unknown[];
  readonly tookMs: number;
}

export interface ReadingThread {
  /** One after another. Errors: 503 `query_too_slow`, `database_busy` past the queue's bound. */
  read(read: SlowRead): Promise<SlowResult>;
  /** Lets what runs finish. Idempotent. */
  close(): Promise<void>;
}

const PROGRAM = `
import { Database } from "bun:sqlite";
let db, deadline = 0, ticks = 0, late = false;
const statements = new Map();
function open({ path, busyMs, cacheKib }) {
  db = new Database(path, { readonly: true, strict: true });
  db.run("PRAGMA busy_timeout = " + busyMs);
  db.run("PRAGMA temp_store = MEMORY");
  db.run("PRAGMA cache_size = -" + cacheKib);
  db.function("tick", () => {
    if (++ticks % 64 !== 0 || performance.now() < deadline) return 1;
    late = true;
    throw new Error("late");
  });
}
function prepared(sql, most) {
  const known = statements.get(sql);
  if (known) return known;
  if (statements.size >= most) {
    const [oldest] = statements.keys();
    statements.get(oldest).finalize();
    statements.delete(oldest);
  }
  const statement = db.prepare(sql);
  statements.set(sql, statement);
  return statement;
}
self.onmessage = ({ data }) => {
  late = false;
  try {
    if (data.close) {
      statements.clear();
      db?.close(true);
      return postMessage({ rows: [], tookMs: 0 });
    }
    if (!db) open(data);
    const began = performance.now();
    deadline = began + data.limitMs;
    const rows = prepared(data.sql, data.statementsMax).all(...data.values);
    postMessage({ rows, tookMs: performance.now() - began });
  } catch (error) {
    postMessage({ late, error: String(error) });
  }
};
`;

interface Answer extends Partial<SlowResult> {
  readonly late?: boolean;
  readonly error?: string;
}

const STATEMENTS_MAX = 100;
const CACHE_KIB = 16_384;

export function readingThread(path: string): ReadingThread {
  return new Thread(path);
}

class Thread implements ReadingThread {
  readonly #path: string;
  readonly #thread = new DatabaseThread<Answer>({ name: "reading thread", source: PROGRAM });
  #waiting = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async read(read: SlowRead): Promise<SlowResult> {
    if (this.#waiting >= LIMITS.slowReadsWaitingMax) throw databaseBusy();
    this.#waiting++;
    try {
      const { rows, tookMs, late, error } = await this.#ask(read);
      if (late) throw fail.unavailable("query_too_slow", "The query took too long.");
      if (rows && tookMs !== undefined) return { rows, tookMs };
      throw databaseFailed(new Error(`reading thread: ${error}`));
    } finally {
      this.#waiting--;
    }
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  async #ask(read: SlowRead): Promise<Answer> {
    const settings = { busyMs: LIMITS.busyTimeoutMs, cacheKib: CACHE_KIB };
    const more = { ...settings, path: this.#path, statementsMax: STATEMENTS_MAX };
    try {
      return await this.#thread.ask({ ...read, ...more });
    } catch (error) {
      throw databaseFailed(error);
    }
  }
}
