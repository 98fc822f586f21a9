/**
 * Reads that were measured to be slow, on a thread with a connection of its own: a statement that
 * looks at a hundred thousand rows would hold everybody else up for as long as it takes. Owns, and
 * ends in this order: the connection, the thread. Both start with the first use.
 */

import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { SqlValue } from "./database.ts";
import { databaseBusy, databaseFailed } from "./errors.ts";

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

/** A text for the reason that the checkpoint's thread has. */
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
  #thread: Worker | undefined;
  #program: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
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
      if (!rows || tookMs === undefined)
        throw databaseFailed(new Error(`reading thread: ${error}`));
      return { rows, tookMs };
    } finally {
      this.#waiting--;
    }
  }

  async close(): Promise<void> {
    await this.#last;
    if (!this.#thread) return;
    try {
      await this.#ask({ close: true });
    } finally {
      this.#drop();
    }
  }

  /** The next waits for this one's end, whatever that is. */
  #ask(message: SlowRead | { readonly close: true }): Promise<Answer> {
    const answer = this.#last.then(() => this.#send(message));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #send(message: object): Promise<Answer> {
    const thread = this.#thread ?? this.#start();
    const answer = Promise.withResolvers<Answer>();
    thread.onmessage = ({ data }) => answer.resolve(data);
    thread.onerror = ({ message: text }) => answer.reject(new Error(`reading thread: ${text}`));
    thread.ref();
    const settings = { busyMs: LIMITS.busyTimeoutMs, cacheKib: CACHE_KIB };
    thread.postMessage({
      ...message,
      ...settings,
      path: this.#path,
      statementsMax: STATEMENTS_MAX,
    });
    try {
      return await answer.promise;
    } catch (error) {
      this.#drop();
      throw databaseFailed(error);
    } finally {
      thread.unref();
    }
  }

  #start(): Worker {
    this.#program = URL.createObjectURL(new Blob([PROGRAM], { type: "text/javascript" }));
    this.#thread = new Worker(this.#program);
    return this.#thread;
  }

  #drop(): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    if (this.#program) URL.revokeObjectURL(this.#program);
    this.#program = undefined;
  }
}
