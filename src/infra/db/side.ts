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
import { DatabaseThread } from "./thread.ts";
import { databaseClosed } from "./writer.ts";

export interface SideStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** Run once for each row. One text goes to the thread faster than many, and than JSON. */
export interface SideRows {
  readonly sql: string;
  /** Values of a row, all of them texts. */
  readonly columns: number;
  /** The values of one row after the other, with a NUL between each two. */
  readonly rows: string;
}

export interface SideChange {
  /** Rows that the last statement changed. */
  readonly changes: number;
  /** What the database takes afterwards, without pages that wait for new rows. */
  readonly bytes: number;
}

export interface SideDatabase {
  /** As `Reader.readWithin`. */
  read<Row>(limitMs: number, statement: SideStatement): Promise<Row[]>;
  /** In one transaction. */
  write(statements: readonly (SideStatement | SideRows)[]): Promise<SideChange>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface SideOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Run each time it is opened: `CREATE … IF NOT EXISTS`. */
  readonly schema: readonly string[];
}

const PROGRAM = `
import { Database } from "bun:sqlite";
let db;
function open({ path, schema, busyMs, cacheKib }) {
  db = new Database(path, { readwrite: true, create: true, strict: true });
  db.run("PRAGMA busy_timeout = " + busyMs);
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run("PRAGMA temp_store = MEMORY");
  db.run("PRAGMA cache_size = -" + cacheKib);
  db.run("PRAGMA wal_autocheckpoint = 4000");
  for (const sql of schema) db.run(sql);
}
function write(statements) {
  let changes = 0;
  for (const { sql, values, rows, columns } of statements) {
    const statement = db.query(sql);
    if (rows === undefined) {
      changes = statement.run(...values).changes;
      continue;
    }
    const texts = rows.split("\\0");
    for (let at = 0; at < texts.length; at += columns) {
      statement.run(...texts.slice(at, at + columns));
    }
  }
  return changes;
}
const bytes = () => db.query(
  "SELECT (page_count - freelist_count) * page_size AS bytes " +
  "FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
).get().bytes;
self.onmessage = ({ data }) => {
  try {
    if (data.close) db?.close(true);
    else if (!db) open(data);
    const changes = data.statements ? db.transaction(write)(data.statements) : 0;
    postMessage(data.close ? {} : { changes, bytes: bytes() });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
`;

/**
 * What is written is appended, and few pages do for that: 1,000 log entries after 300,000 take 6 to
 * 7 ms on the thread, and 5 to 6 with 16 MiB, which every server would fill, and hold, in time.
 */
const CACHE_KIB = 2_048;

export function openSideDatabase(options: SideOptions): SideDatabase {
  return new ThreadDatabase(options);
}

interface Answer extends Partial<SideChange> {
  readonly error?: string;
}

class ThreadDatabase implements SideDatabase {
  readonly #options: SideOptions;
  readonly #thread = new DatabaseThread<Answer>({
    name: "side database",
    source: PROGRAM,
    faultOf: ({ error }) => error,
  });
  #reading: Connection | undefined;
  #hasFolder = false;
  #closing: Promise<void> | undefined;

  constructor(options: SideOptions) {
    this.#options = options;
  }

  async read<Row>(limitMs: number, { sql, values }: SideStatement): Promise<Row[]> {
    if (this.#closing) throw databaseClosed();
    if (!this.#reading) await this.#write([]);
    const { path, clock } = this.#options;
    this.#reading ??= new Connection({ path, clock, readonly: true });
    const reading = this.#reading;
    try {
      return reading.within(limitMs, () => reading.all(sql, values) as Row[]);
    } catch (error) {
      throw statementError(error);
    }
  }

  async write(statements: readonly (SideStatement | SideRows)[]): Promise<SideChange> {
    if (this.#closing) throw databaseClosed();
    return this.#write(statements);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#thread.idle();
    this.#reading?.close();
    await this.#thread.close();
  }

  async #write(statements: readonly (SideStatement | SideRows)[]): Promise<SideChange> {
    const { path, schema } = this.#options;
    if (!this.#hasFolder) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#hasFolder = true;
    const settings = { path, schema, busyMs: LIMITS.busyTimeoutMs, cacheKib: CACHE_KIB };
    const { changes = 0, bytes = 0 } = await this.#thread.ask({ statements, ...settings });
    return { changes, bytes };
  }
}
