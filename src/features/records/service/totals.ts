/**
 * How many records a list has. A total is kept for as long as the tables it was counted from stay
 * as they are, so that a client which pages through a list counts it once; the rows of a whole
 * table are counted once and kept up to date by the writes.
 */

import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import type { Query } from "./filters.ts";
import { runStatement } from "./statements.ts";

interface Total {
  readonly version: number;
  readonly total: number;
}

export class Totals {
  /** By statement and values, least recently used first. */
  readonly #totals = new Map<string, Total>();
  #chars = 0;

  async of(context: Context, query: Query): Promise<number> {
    const { tables, whole, repeatable } = query.countSource;
    if (whole !== undefined) return context.db.rowCount(whole);
    // A view may read more than tables: the clock, or chance.
    const version = repeatable && tables ? context.db.version(tables) : undefined;
    if (version === undefined) return count(context, query);
    const statement = query.count();
    const key = statement.sql + JSON.stringify(statement.values);
    const known = this.#totals.get(key);
    if (known?.version === version) {
      this.#totals.delete(key);
      this.#totals.set(key, known);
      return known.total;
    }
    const total = await count(context, query);
    if (context.db.version(tables) === version) this.#keep(key, { version, total });
    return total;
  }

  #keep(key: string, total: Total): void {
    if (!this.#totals.delete(key)) this.#chars += key.length;
    this.#totals.set(key, total);
    for (const oldest of this.#totals.keys()) {
      const few = this.#totals.size <= LIMITS.listTotalsMax;
      if (few && this.#chars <= LIMITS.listTotalCharsMax) return;
      this.#totals.delete(oldest);
      this.#chars -= oldest.length;
    }
  }
}

async function count(context: Context, query: Query): Promise<number> {
  const [row] = await runStatement<{ total: number }>(context, query.count());
  return row?.total ?? 0;
}
