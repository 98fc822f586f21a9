/**
 * A second, unimportant database: written by a thread of its own, so that the event loop pays for
 * no insert, and read here. Both start with their first use. close() finishes what was written,
 * closes the reading connection, then the thread's, then ends the thread.
 */

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { Connection } from "./connection.ts";
import type { SqlValue } from "./database.ts";
import { statementError } from "./errors.ts";
import { databaseClosed } from "./writer.ts";

export interface SideStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** Run once for each row. */
export interface SideRows {
  readonly sql: string;
  /** JSON text of a list of rows, each a list of values; an object among them is bound as JSON. */
  readonly rows: string;
}

export interface SideDatabase {
  /** As `Reader.readWithin`. */
  read<Row>(limitMs: number, statement: SideStatement): Promise<Row[]>;
  /** In one transaction; the number of rows that the last statement changed. */
  write(statements: readonly (SideStatement | SideRows)[]): Promise<number>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface SideOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Run each time it is opened: `CREATE … IF NOT EXISTS`. */
  readonly schema: readonly string[];
}

/** A text for the reason that the checkpoint's thread has. */
const PROGRAM = `
import { Database } from "bun:sqlite";
let db;
function open({ path, schema, busyMs }) {
  db = new Database(path, { readwrite: true, create: true, strict: true });
  db.run("PRAGMA busy_timeout = " + busyMs);
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run("PRAGMA temp_store = MEMORY");
  db.run("PRAGMA cache_size = -16384");
  db.run("PRAGMA wal_autocheckpoint = 4000");
  for (const sql of schema) db.run(sql);
}
function write(statements) {
  let changes = 0;
  for (const { sql, values, rows } of statements) {
    const statement = db.query(sql);
    if (rows === undefined) changes = statement.run(...values).changes;
    else for (const row of JSON.parse(rows)) statement.run(...row.map(bound));
  }
  return changes;
}
function bound(value) {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}
self.onmessage = ({ data }) => {
  try {
    if (data.close) db?.close(true);
    else if (!db) open(data);
    const changes = data.statements ? db.transaction(write)(data.statements) : 0;
    postMessage({ changes });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
`;

export function openSideDatabase(options: SideOptions): SideDatabase {
  return new ThreadDatabase(options);
}

class ThreadDatabase implements SideDatabase {
  readonly #options: SideOptions;
  #reading: Connection | undefined;
  #thread: Worker | undefined;
  #program: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: SideOptions) {
    this.#options = options;
  }

  async read<Row>(limitMs: number, { sql, values }: SideStatement): Promise<Row[]> {
    if (this.#closing) throw databaseClosed();
    if (!this.#reading) await this.#ask({ statements: [] });
    const { path, clock } = this.#options;
    this.#reading ??= new Connection({ path, clock, readonly: true });
    const reading = this.#reading;
    try {
      return reading.within(limitMs, () => reading.all(sql, values) as Row[]);
    } catch (error) {
      throw statementError(error);
    }
  }

  async write(statements: readonly (SideStatement | SideRows)[]): Promise<number> {
    if (this.#closing) throw databaseClosed();
    return this.#ask({ statements });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#last;
    this.#reading?.close();
    if (!this.#thread) return;
    try {
      await this.#ask({ close: true });
    } finally {
      this.#drop();
    }
  }

  /** One after another: the next waits for this one's end, whatever that is. */
  #ask(message: {
    readonly statements?: readonly (SideStatement | SideRows)[];
    readonly close?: true;
  }) {
    const answer = this.#last.then(() => this.#send(message));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #send(message: object): Promise<number> {
    const thread = this.#thread ?? this.#start();
    const answer = Promise.withResolvers<{ changes?: number; error?: string }>();
    thread.onmessage = ({ data }) => answer.resolve(data);
    thread.onerror = ({ message: text }) => answer.reject(new Error(`side database: ${text}`));
    thread.ref();
    const { path, schema } = this.#options;
    thread.postMessage({ ...message, path, schema, busyMs: LIMITS.busyTimeoutMs });
    try {
      const { changes = 0, error } = await answer.promise;
      if (error !== undefined) throw new Error(`side database: ${error}`);
      return changes;
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      thread.unref();
    }
  }

  #start(): Worker {
    mkdirSync(dirname(this.#options.path), { recursive: true, mode: 0o700 });
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
