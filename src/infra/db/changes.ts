/**
 * What committed writes have changed, by table, so that a result may be kept for as long as the
 * tables it was read from stay as they are. Read off the statements themselves: whoever writes, and
 * whatever writes, it is noticed.
 */

import { LIMITS } from "../../base/limits.ts";

/** What one statement does. Without a table: anything. */
interface Effect {
  readonly table: string | undefined;
  /** Rows of the table for each changed row: one more, one less, as many; undefined: unknown. */
  readonly rows: 1 | -1 | 0 | undefined;
}

interface Entry {
  readonly table: string | undefined;
  readonly rows: number | undefined;
}

const ANYTHING: Effect = { table: undefined, rows: undefined };

export class Changes {
  readonly #effects = new Map<string, Effect>();
  /** Of the open transaction, in order, so that a savepoint can be undone. */
  #pending: Entry[] = [];
  readonly #versions = new Map<string, number>();
  readonly #rows = new Map<string, number>();
  #anyVersion = 0;
  #allVersion = 0;
  #last = 0;

  /** A statement of the open transaction ran and changed so many rows. */
  note(sql: string, changed: number): void {
    const { table, rows } = this.#effect(sql);
    if (table !== undefined && changed === 0) return;
    this.#pending.push({ table, rows: rows === undefined ? undefined : rows * changed });
  }

  /** The same for a statement that answers rows, as one with RETURNING does. */
  noteAnswer(sql: string): void {
    if (!READ.test(sql)) this.#pending.push(ANYTHING);
  }

  /** For `undoTo`: how far the transaction has come. */
  get mark(): number {
    return this.#pending.length;
  }

  undoTo(mark: number): void {
    this.#pending.length = Math.min(mark, this.#pending.length);
  }

  /** In the same turn of the event loop as the commit itself: nobody reads in between. */
  commit(): void {
    if (this.#pending.length === 0) return;
    const version = ++this.#last;
    this.#anyVersion = version;
    for (const { table, rows } of this.#pending) {
      if (table === undefined) this.#forget(version);
      else this.#count(table, { version, rows });
    }
    this.#pending = [];
  }

  /** Something else than this process may have written. */
  doubtAll(): void {
    this.#anyVersion = ++this.#last;
    this.#forget(this.#last);
  }

  /** Differs from an earlier one when one of these tables (any, where none are named) changed. */
  version(tables: readonly string[] | undefined): number {
    if (tables === undefined) return this.#anyVersion;
    let latest = this.#allVersion;
    for (const table of tables) {
      latest = Math.max(latest, this.#versions.get(table.toLowerCase()) ?? 0);
    }
    return latest;
  }

  /** Is another number after every change that may be one of the schema. */
  get schemaVersion(): number {
    return this.#allVersion;
  }

  /** Rows of a table as of the last commit, if they were counted once. */
  rows(table: string): number | undefined {
    return this.#rows.get(table.toLowerCase());
  }

  setRows(table: string, rows: number): void {
    this.#rows.set(table.toLowerCase(), rows);
  }

  #forget(version: number): void {
    this.#allVersion = version;
    this.#rows.clear();
  }

  #count(table: string, to: { readonly version: number; readonly rows: number | undefined }): void {
    this.#versions.set(table, to.version);
    const rows = this.#rows.get(table);
    if (rows === undefined) return;
    if (to.rows === undefined) this.#rows.delete(table);
    else this.#rows.set(table, rows + to.rows);
  }

  #effect(sql: string): Effect {
    let effect = this.#effects.get(sql);
    if (!effect) {
      effect = effectOf(sql);
      if (this.#effects.size >= LIMITS.statementCacheMax) this.#effects.clear();
      this.#effects.set(sql, effect);
    }
    return effect;
  }
}

const READ = /^\s*(SELECT|PRAGMA|EXPLAIN|VALUES)\b/i;
const WRITE = /^\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+[`"[]?(\w+)[`"\]]?(?=[\s(]|$)/i;
/** A row that is there already may be changed, left or replaced instead. */
const CONFLICT = /\bON\s+CONFLICT\b/i;

function effectOf(sql: string): Effect {
  const [, verb = "", table] = WRITE.exec(sql) ?? [];
  const end = sql.indexOf(";");
  const isOne = end === -1 || sql.slice(end + 1).trim() === "";
  if (table === undefined || !isOne) return ANYTHING;
  const name = table.toLowerCase();
  if (/^UPDATE/i.test(verb)) return { table: name, rows: 0 };
  if (/^DELETE/i.test(verb)) return { table: name, rows: -1 };
  return { table: name, rows: CONFLICT.test(sql) ? undefined : 1 };
}
