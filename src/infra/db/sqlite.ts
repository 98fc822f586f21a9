/**
 * The embedded database. Owns, and closes in this order: the writer's queue (finished), the thread
 * for slow reads, the checkpoint's thread, the reading connection, the writing connection.
 */

import { accessSync, constants, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { AppError, assert } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { Metrics } from "../metrics/metrics.ts";
import { Changes } from "./changes.ts";
import {
  type Checkpointer,
  type CheckpointResult,
  parseCheckpoint,
  threadCheckpointer,
} from "./checkpointer.ts";
import { Connection } from "./connection.ts";
import type { Database, SqlRow, SqlValue, Transaction, WriteOptions } from "./database.ts";
import { isBusy, openFailure, statementError } from "./errors.ts";
import { type DatabaseMeter, databaseMeter } from "./meter.ts";
import { type ReadingThread, readingThread } from "./reading-thread.ts";
import { countRows } from "./transaction.ts";
import { databaseClosed, pause, Writer } from "./writer.ts";

export interface SqliteOptions {
  /** A file; its directory is made when it is missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Makes what moves the log of the database at a path; a thread of its own unless given. */
  readonly checkpointer?: (path: string) => Checkpointer;
  /** Makes what reads slowly; a thread of its own unless given. */
  readonly slowReader?: (path: string) => ReadingThread;
  /** Where it counts itself; nobody looks at it unless given. */
  readonly metrics?: Metrics;
}

export interface DatabaseStats {
  /** Writes in the queue. */
  readonly waiting: number;
  /** Transactions committed since the start. */
  readonly commits: number;
  /** Pages of the log that were not in the main file at the last commit. */
  readonly logPages: number;
}

export interface SqliteDatabase extends Database {
  readonly dialect: "sqlite";
  stats(): DatabaseStats;
}

/**
 * Opens or makes the database at `path`. Blocks: call it at the start. Errors (503, the message
 * names the path): `data_dir_unwritable`, `database_corrupt`, `database_open_failed`.
 */
export function openSqlite(options: SqliteOptions): SqliteDatabase {
  assert(!options.path.startsWith(":") && options.path !== "", "the database has a file");
  const { path, clock } = options;
  let writing: Connection | undefined;
  try {
    // Password hashes lie in here: the folder is its owner's alone.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // The engine only says that it cannot open the file. Its log is a second file beside it.
    accessSync(dirname(path), constants.W_OK);
    writing = new Connection({ path, clock, readonly: false });
    // One that may only be read opens without a word and fails at the first write.
    accessSync(path, constants.W_OK);
    const reading = new Connection({ path, clock, readonly: true });
    return new EmbeddedDatabase({ ...options, writing, reading });
  } catch (error) {
    writing?.close();
    throw openFailure(path, error);
  }
}

function isTooSlow(error: unknown): boolean {
  return error instanceof AppError && error.code === "query_too_slow";
}

const SELECT = /^\s*SELECT\b/i;
const HIDDEN_WRITES = `
  SELECT 1 FROM sqlite_schema
   WHERE type = 'trigger'
      OR (type = 'table' AND (sql LIKE '%ON DELETE%' OR sql LIKE '%ON UPDATE%'))
   LIMIT 1`;

interface Parts extends SqliteOptions {
  readonly writing: Connection;
  readonly reading: Connection;
}

class EmbeddedDatabase implements SqliteDatabase {
  readonly dialect = "sqlite";
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #writing: Connection;
  readonly #reading: Connection;
  readonly #writer: Writer;
  readonly #changes = new Changes();
  /** SQLite's own mark of what other processes committed. */
  #foreignVersion: unknown;
  #nextNotice = Number.NEGATIVE_INFINITY;
  /** Whether triggers or foreign keys write what no statement says, as of a mark of the schema. */
  #hidden: { readonly schema: number; readonly writes: boolean } | undefined;
  readonly #checkpointer: Checkpointer;
  /** Statements that take too long here, and the thread that reads them. */
  readonly #slow = new Set<string>();
  readonly #apart: ReadingThread;
  readonly #meter: DatabaseMeter;
  #moving = false;
  #restarting = false;
  /** Length of the log at the last attempt to move it; the next one is worth it a step later. */
  #triedPages = 0;
  #logSize = { length: 0, unmoved: 0 };
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor(parts: Parts) {
    const { clock, log, writing } = parts;
    this.#clock = clock;
    this.#log = log;
    this.#writing = writing;
    this.#reading = parts.reading;
    this.#checkpointer = (parts.checkpointer ?? threadCheckpointer)(parts.path);
    this.#apart = (parts.slowReader ?? readingThread)(parts.path);
    const committed = () => this.#afterCommit();
    const changes = this.#changes;
    const meter = databaseMeter(parts.metrics ?? new Metrics(), this);
    this.#meter = meter;
    this.#writer = new Writer({ connection: writing, changes, clock, log, committed, meter });
  }

  get<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return this.#read(() => this.#reader(sql).get(sql, values) as Row | undefined);
  }

  all<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return this.#read(() => this.#reader(sql).all(sql, values) as Row[]);
  }

  async readWithin<Row = SqlRow>(
    limitMs: number,
    sql: string,
    ...values: readonly SqlValue[]
  ): Promise<Row[]> {
    const here = Math.min(limitMs, LIMITS.readHereMs);
    const read = () => {
      const reader = this.#reader(sql);
      return reader.within(here, () => reader.all(sql, values) as Row[]);
    };
    if (!this.#slow.has(sql)) {
      try {
        return await this.#read(read);
      } catch (error) {
        if (here === limitMs || !isTooSlow(error)) throw error;
        this.#noteSlow(sql);
      }
    }
    const { rows, tookMs } = await this.#apart.read({ sql, values, limitMs });
    this.#meter.readSeconds.observe(tookMs / 1000);
    // Other values, or an index: it need not stay slow.
    if (tookMs < LIMITS.readHereMs / 2) this.#slow.delete(sql);
    return rows as Row[];
  }

  #noteSlow(sql: string): void {
    this.#slow.add(sql);
    if (this.#slow.size <= LIMITS.statementCacheMax) return;
    for (const oldest of this.#slow) {
      this.#slow.delete(oldest);
      return;
    }
  }

  version(tables: readonly string[] | undefined): number | undefined {
    if (this.#closed || this.#closing) return undefined;
    this.#noticeOthers();
    return this.#writesHidden() ? undefined : this.#changes.version(tables);
  }

  async rowCount(table: string): Promise<number> {
    const before = this.version([table]);
    if (before === undefined) return countRows(this, table);
    const known = this.#changes.rows(table);
    if (known !== undefined) return known;
    const rows = await countRows(this, table);
    if (this.version([table]) === before) this.#changes.setRows(table, rows);
    return rows;
  }

  /** This connection's own commits do not change the mark. Asking costs as much as a read. */
  #noticeOthers(): void {
    const now = this.#clock.monotonic();
    if (now < this.#nextNotice) return;
    this.#nextNotice = now + LIMITS.noticeOthersMs;
    const { data_version: version } = this.#writing.get("PRAGMA data_version") as SqlRow;
    if (version === this.#foreignVersion) return;
    this.#foreignVersion = version;
    this.#changes.doubtAll();
  }

  #writesHidden(): boolean {
    const schema = this.#changes.schemaVersion;
    if (!this.#hidden || this.#hidden.schema !== schema) {
      const found = this.#reading.get(HIDDEN_WRITES);
      this.#hidden = { schema, writes: found !== undefined };
    }
    return this.#hidden.writes;
  }

  write<T>(work: (tx: Transaction) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    if (this.#closing) return Promise.reject(databaseClosed());
    return this.#writer.queue(options.exclusive ? "exclusive" : "shared", work);
  }

  async checkpoint(): Promise<void> {
    if (this.#closing) throw databaseClosed();
    await this.#checkpointer.run("passive");
    // What came in meanwhile is little, so writes wait for a moment only.
    await this.#writer.queue("pause", async () => {
      const { busy } = await this.#checkpointer.run("truncate");
      if (busy) this.#log.info("another process reads the database, its log stays as it is");
    });
  }

  stats(): DatabaseStats {
    const { waiting, commits } = this.#writer;
    return { waiting, commits, logPages: this.#logSize.unmoved };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writer.idle();
    try {
      await this.#apart.close();
      // A short log is moved by the engine when the last connection closes.
      const long = this.#measureLog().unmoved >= LIMITS.walCheckpointPages;
      if (long) await this.#checkpointer.run("passive");
      await this.#checkpointer.close();
    } catch (error) {
      this.#log.warn("the last checkpoint failed, the next start repeats it", { error });
    }
    this.#closed = true;
    this.#reading.close();
    this.#writing.close();
  }

  /**
   * Each commit makes the other connection read its pages anew, so the writing one is faster
   * wherever it stands between transactions. It is asked for nothing that could write.
   */
  #reader(sql: string): Connection {
    const isFree = !this.#writing.inTransaction && SELECT.test(sql);
    const reader = isFree ? this.#writing : this.#reading;
    reader.share();
    return reader;
  }

  /** In WAL mode readers wait only for another process that recovers or removes the log. */
  async #read<T>(work: () => T): Promise<T> {
    const started = this.#clock.monotonic();
    const deadline = started + LIMITS.busyTimeoutMs;
    for (;;) {
      if (this.#closed) throw databaseClosed();
      try {
        const result = work();
        this.#meter.readSeconds.observe((this.#clock.monotonic() - started) / 1000);
        return result;
      } catch (error) {
        const again = isBusy(error) && this.#clock.monotonic() < deadline;
        if (!again) throw statementError(error);
      }
      await pause(this.#clock, 5);
    }
  }

  #measureLog(): { readonly length: number; readonly unmoved: number } {
    if (!this.#writing.inTransaction) {
      this.#writing.unshare();
      // Asks only, about 1 µs.
      const row = this.#writing.get("PRAGMA wal_checkpoint(NOOP)");
      const { logPages, movedPages } = parseCheckpoint(row);
      this.#logSize = { length: logPages, unmoved: logPages - movedPages };
    }
    return this.#logSize;
  }

  #afterCommit(): void {
    // Whoever wrote must see it, also from this connection.
    this.#reading.unshare();
    const { length, unmoved } = this.#measureLog();
    if (length < this.#triedPages) this.#triedPages = 0;
    const step = Math.min(unmoved, length - this.#triedPages);
    if (this.#closing || step < LIMITS.walCheckpointPages) return;
    if (length >= LIMITS.walRestartPages) this.#restartLog();
    else this.#moveLog();
  }

  /** Beside reads and writes. */
  #moveLog(): void {
    if (this.#moving) return;
    this.#moving = true;
    void this.#attempt(() => this.#checkpointer.run("passive")).then(() => {
      this.#moving = false;
    });
  }

  /**
   * Only at its end may a log start over, and beside a stream of writes a checkpoint never gets
   * there: so writes wait for what is left after one more beside them. That is short, unless the
   * disk is slower than they are.
   */
  #restartLog(): void {
    if (this.#restarting) return;
    this.#restarting = true;
    const move = () => this.#checkpointer.run("passive");
    const restart = async () => {
      const moved = await move();
      return this.#closing ? moved : this.#writer.queue("pause", move);
    };
    void this.#attempt(restart).then(() => {
      this.#restarting = false;
    });
  }

  async #attempt(checkpoint: () => Promise<CheckpointResult>): Promise<void> {
    try {
      // What it reports is the log as it was when it began.
      this.#triedPages = (await checkpoint()).logPages;
    } catch (error) {
      this.#triedPages = this.#logSize.length;
      this.#log.warn("a checkpoint failed, the log grows until the next one", { error });
    }
  }
}
