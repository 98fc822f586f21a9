/** A write transaction as its one job sees it. */

import { assert } from "../../base/errors.ts";
import type { Connection } from "./connection.ts";
import type { SqlRow, SqlValue, Transaction } from "./database.ts";
import { databaseFailed } from "./errors.ts";

export class SqliteTransaction implements Transaction {
  readonly #connection: Connection;
  #open = true;
  #depth = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    this.#assertOpen();
    return this.#connection.get(sql, values) as Row | undefined;
  }

  async all<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    this.#assertOpen();
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
    return this.#connection.run(sql, values);
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const depth = ++this.#depth;
    this.#connection.run(`SAVEPOINT nested_${depth}`);
    try {
      const value = await work();
      this.#leave(depth, `RELEASE nested_${depth}`);
      return value;
    } catch (error) {
      this.#undo(depth);
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

  #undo(depth: number): void {
    // Gone already: the transaction ended, or SQLite undid all of it (a full disk does that).
    if (!this.#open || this.#depth < depth || !this.#connection.inTransaction) return;
    this.#connection.run(`ROLLBACK TO nested_${depth}`);
    this.#leave(depth, `RELEASE nested_${depth}`);
  }

  #assertOpen(): void {
    assert(this.#open, "a transaction is used after its end");
    if (this.#connection.inTransaction) return;
    // Work that caught a full disk's error and goes on: its statements would commit one by one.
    throw databaseFailed(new Error("SQLite has undone the whole transaction"));
  }
}
