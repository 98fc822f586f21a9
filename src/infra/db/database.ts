/**
 * The database as the rest of the server sees it. SQLite is the embedded engine; another one comes
 * behind the same interface, which is why everything here is asynchronous.
 */

export type SqlValue = string | number | bigint | boolean | Uint8Array | null;
export type SqlRow = Readonly<Record<string, string | number | Uint8Array | null>>;

/** Reads. Values are always bound; identifiers in the text come from the schema only. */
export interface Reader {
  get<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined>;
  all<Row = SqlRow>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>;
  /**
   * A number that is another one after a commit that changed rows of one of these tables (of any
   * table, where none are named): until then what was read from them is still right. Undefined
   * where nothing may be kept: in a transaction, and where triggers write unseen. What another
   * process commits counts `LIMITS.noticeOthersMs` later.
   */
  version(tables: readonly string[] | undefined): number | undefined;
  /** Rows of a table; counted once and kept up to date by the writes. */
  rowCount(table: string): Promise<number>;
  /**
   * `all` for a statement built from a client's text: one that carries `AND tick()` is broken off
   * after `limitMs` with 503 `query_too_slow`. Nothing else can interrupt a running statement.
   */
  readWithin<Row = SqlRow>(
    limitMs: number,
    sql: string,
    ...values: readonly SqlValue[]
  ): Promise<Row[]>;
}

/** What a write transaction can do; reads inside it see its own writes. */
export interface Transaction extends Reader {
  run(sql: string, ...values: readonly SqlValue[]): Promise<{ readonly changes: number }>;
  /** Undoes `work` alone when it throws; the transaction goes on. */
  savepoint<T>(work: () => Promise<T>): Promise<T>;
}

export interface WriteOptions {
  /**
   * Has a transaction to itself. Without it, writes that queue together share one transaction, each
   * in its savepoint, one after another, and are answered after its commit.
   */
  readonly exclusive?: boolean;
}

export interface Database extends Reader {
  readonly dialect: "sqlite" | "postgres";
  /**
   * Runs `work` in the write transaction and resolves after its commit. `work` must await nothing
   * but the transaction itself. Errors: what `work` throws (its changes are undone), 503
   * `database_busy` when the queue is full or the wait too long, 503 `database_failed` when the
   * commit fails (a full disk, a lost file).
   */
  write<T>(work: (tx: Transaction) => Promise<T>, options?: WriteOptions): Promise<T>;
  /** Moves the write-ahead log into the main file, off the event loop where that can block. */
  checkpoint(): Promise<void>;
  /** Finishes queued writes, checkpoints, closes. Idempotent. */
  close(): Promise<void>;
}
