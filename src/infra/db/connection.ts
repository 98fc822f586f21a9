/**
 * One SQLite connection: its settings, its prepared statements, and the traps of bun:sqlite.
 * Everything here is synchronous.
 */

import { Database as Engine, type Statement } from "bun:sqlite";
import type { Clock } from "../../base/clock.ts";
import { assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { SqlValue } from "./database.ts";

type Prepared = Statement<unknown, SqlValue[]>;
/** A prepared statement and how many values it takes. */
interface Known {
  readonly statement: Prepared;
  readonly count: number;
}

export interface ConnectionOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly readonly: boolean;
}

/** Waiting for a lock holds the event loop; longer waits are made of retries between its turns. */
const BUSY_STEP_MS = 2;

/** `tick()` reads the clock once in this many calls: a read costs more than the call. */
const TICKS_PER_READING = 64;

export class Connection {
  readonly #engine: Engine;
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #statements = new Map<string, Known>();
  #deadline: number | undefined;
  #ticks = 0;
  /** Reads of this turn of the event loop. */
  #reads = 0;
  /** Whether the open transaction is the one that reads share. */
  #sharing = false;

  /** Throws what SQLite throws; `openFailure` words it. Waits for other processes' locks. */
  constructor(options: ConnectionOptions) {
    this.#clock = options.clock;
    const mode = options.readonly ? { readonly: true } : { readwrite: true, create: true };
    this.#engine = new Engine(options.path, { ...mode, strict: true });
    try {
      this.#configure(options);
    } catch (error) {
      this.#engine.close(true);
      throw error;
    }
  }

  /** A transaction that somebody began; what reads share is none. */
  get inTransaction(): boolean {
    return !this.#sharing && this.#engine.inTransaction;
  }

  /**
   * To be called before a read: from the second one on, the reads of one turn of the event loop
   * stand on one lock and one look at the log of the database, which is most of what a short read
   * costs: 1.3 µs each instead of 4.8.
   */
  share(): void {
    if (this.#sharing) return;
    this.#reads += 1;
    if (this.#reads === 1) setImmediate(() => this.#endTurn());
    else this.#begin();
  }

  /** What follows sees the newest state, and may begin a transaction. */
  unshare(): void {
    if (!this.#sharing) return;
    this.#sharing = false;
    if (this.#engine.inTransaction) this.run("COMMIT");
  }

  #begin(): void {
    this.run("BEGIN");
    this.#sharing = true;
  }

  #endTurn(): void {
    this.#reads = 0;
    this.unshare();
  }

  get(sql: string, values: readonly SqlValue[] = []): unknown {
    return this.#prepare(sql, values).get(...values) ?? undefined;
  }

  all(sql: string, values: readonly SqlValue[] = []): unknown[] {
    return this.#prepare(sql, values).all(...values);
  }

  /** Several statements in one text only without values. `changes` leaves out those of triggers. */
  run(sql: string, values: readonly SqlValue[] = []): { readonly changes: number } {
    if (values.length === 0 && mayHoldSeveral(sql)) {
      return { changes: this.#engine.run(sql).changes };
    }
    return { changes: this.#prepare(sql, values).run(...values).changes };
  }

  /** Runs `work`; statements in it that call `tick()` fail when they run longer than `limitMs`. */
  within<T>(limitMs: number, work: () => T): T {
    this.#deadline = this.#clock.monotonic() + limitMs;
    try {
      return work();
    } finally {
      this.#deadline = undefined;
    }
  }

  /** Finalizes every statement, without which the log's files would stay behind. */
  close(): void {
    this.unshare();
    this.#statements.clear();
    this.#engine.close(true);
  }

  #configure(options: ConnectionOptions): void {
    const db = this.#engine;
    db.run(`PRAGMA busy_timeout = ${LIMITS.busyTimeoutMs}`);
    if (!options.readonly) {
      const { journal_mode: mode } = parseMode(db.query("PRAGMA journal_mode = WAL").get());
      assertMode(mode, options.path);
      db.run("PRAGMA synchronous = NORMAL");
      db.run("PRAGMA foreign_keys = ON");
      db.run("PRAGMA wal_autocheckpoint = 0");
      db.run(`PRAGMA journal_size_limit = ${LIMITS.walKeptBytes}`);
    }
    db.run("PRAGMA temp_store = MEMORY");
    db.run(`PRAGMA cache_size = ${-Math.floor(LIMITS.pageCacheBytes / 1024)}`);
    db.query("SELECT count(*) FROM sqlite_schema").get();
    db.function("tick", () => this.#tick());
    db.run(`PRAGMA busy_timeout = ${BUSY_STEP_MS}`);
  }

  #tick(): number {
    if (this.#deadline === undefined || ++this.#ticks % TICKS_PER_READING !== 0) return 1;
    if (this.#clock.monotonic() < this.#deadline) return 1;
    throw fail.unavailable("query_too_slow", "The query took too long.");
  }

  #prepare(sql: string, values: readonly SqlValue[]): Prepared {
    const known = this.#statements.get(sql) ?? this.#compile(sql);
    // Called with no values, the engine would silently use those of the call before.
    if (known.count !== values.length) {
      assert(false, `${values.length} values for ${known.count} in: ${sql}`);
    }
    // Which ones were used last matters only where some will have to go.
    if (this.#statements.size > LIMITS.statementCacheMax / 2) {
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
    }
    return known.statement;
  }

  #compile(sql: string): Known {
    // The engine would silently run the first statement only.
    assert(!mayHoldSeveral(sql), `one statement, and texts with a semicolon bound, in: ${sql}`);
    const statement = this.#engine.prepare<unknown, SqlValue[]>(sql);
    const known = { statement, count: statement.paramsCount };
    this.#statements.set(sql, known);
    if (this.#statements.size > LIMITS.statementCacheMax) this.#evict();
    return known;
  }

  #evict(): void {
    for (const [sql, { statement }] of this.#statements) {
      this.#statements.delete(sql);
      statement.finalize();
      return;
    }
  }
}

function mayHoldSeveral(sql: string): boolean {
  const first = sql.indexOf(";");
  return first !== -1 && sql.slice(first + 1).trim() !== "";
}

function parseMode(row: unknown): { journal_mode: unknown } {
  assert(typeof row === "object" && row !== null && "journal_mode" in row, "journal_mode answers");
  return { journal_mode: row.journal_mode };
}

function assertMode(mode: unknown, path: string): void {
  if (mode === "wal") return;
  const message = `The file system of the database has no shared memory (WAL refused): ${path}`;
  throw fail.unavailable("database_open_failed", message);
}
