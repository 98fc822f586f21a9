/** A write transaction as its one job sees it. */

import { assert } from "../../base/errors.ts";
import type { Changes } from "./changes.ts";
import type { Connection } from "./connection.ts";
import type { Reader, SqlRow, SqlValue, Transaction } from "./database.ts";
import { databaseFailed } from "./errors.ts";
import { quoteIdentifier } from "./identifiers.ts";

export class SqliteTransaction implements Transaction {
  readonly #connection: Connection;
  readonly #changes: Changes;
  #open = true;
  #depth = 0;

  constructor(connection: Connection, changes: Changes) {
    this.#connection = connection;
    this.#changes = changes;
  }

  async get<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    this.#assertOpen();
    this.#changes.noteAnswer(sql);
    return this.#connection.get(sql, values) as Row | undefined;
  }

  async all<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    this.#assertOpen();
    this.#changes.noteAnswer(sql);
    return this.#connection.all(sql, values) as Row[];
  }

  async readWithin<Row = SqlRow>(
    limitMs: number,
    sql: string,
    ...values: readonly SqlValue[]
  ): Promise<Row[]> {
    this.#assertOpen();
    const work = () => this.#connection.all(sql, values) as Row[];
    return this.#connection.within(limitMs, work);
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<{ readonly changes: number }> {
    this.#assertOpen();
    const result = this.#connection.run(sql, values);
    this.#changes.note(sql, result.changes);
    return result;
  }

  /** What is not committed is nobody's to keep. */
  version(): undefined {
    return undefined;
  }

  async rowCount(table: string): Promise<number> {
    return countRows(this, table);
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const depth = ++this.#depth;
    const { mark } = this.#changes;
    this.#connection.run(`SAVEPOINT nested_${depth}`);
    try {
      const value = await work();
      this.#leave(depth, `RELEASE nested_${depth}`);
      return value;
    } catch (error) {
      if (this.#undo(depth)) this.#changes.undoTo(mark);
      throw error;
    }
  }

  /** The job is done. Throws when a savepoint of it still runs. */
  end(): void {
    assert(this.#depth === 0, "every savepoint was awaited");
    this.#open = false;
  }

  /** The job failed; whatever of it still runs gets an assertion. */
  abandon(): void {
    this.#open = false;
  }

  #leave(depth: number, sql: string): void {
    this.#assertOpen();
    // Two at once would release each other's.
    assert(this.#depth === depth, "savepoints of one transaction do not overlap");
    this.#connection.run(sql);
    this.#depth--;
  }

  #undo(depth: number): boolean {
    // Gone already: the transaction ended, or SQLite undid all of it (a full disk does that).
    if (!this.#open || this.#depth < depth || !this.#connection.inTransaction) return false;
    this.#connection.run(`ROLLBACK TO nested_${depth}`);
    this.#leave(depth, `RELEASE nested_${depth}`);
    return true;
  }

  #assertOpen(): void {
    assert(this.#open, "a transaction is used after its end");
    if (this.#connection.inTransaction) return;
    // Work that caught a full disk's error and goes on: its statements would commit one by one.
    throw databaseFailed(new Error("SQLite has undone the whole transaction"));
  }
}

/** By the table's smallest index where it has one. */
export async function countRows(reader: Reader, table: string): Promise<number> {
  const sql = `SELECT count(*) AS total FROM ${quoteIdentifier(table)}`;
  return (await reader.get<{ total: number }>(sql))?.total ?? 0;
}
