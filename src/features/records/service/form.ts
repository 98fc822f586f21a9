/** The SQL of compiled texts: everything but the values. */

import { assert } from "../../../base/errors.ts";
import type { SqlValue } from "../../../infra/db/database.ts";
import { limitTo } from "../../../infra/db/limit.ts";
import { type Collection, isMultiple } from "../schema.ts";
import { elements, isAmong, rowCount, TICK, unstoredRow } from "./dialect.ts";
import {
  ALWAYS,
  allOf,
  bound,
  column,
  type Fragment,
  identifier,
  NOTHING,
  type Run,
  sql,
  valuesOf,
} from "./fragment.ts";
import type { Tables } from "./joins.ts";
import { fieldNamed } from "./paths.ts";
import type { Observations } from "./scope.ts";

type Timed = Tables & { readonly timed: boolean };

export interface FormParts extends Timed {
  readonly collection: Collection;
  readonly observations: Observations;
  /** Tables among the names that a text of SQL mentions; undefined where a view is one of them. */
  readonly tablesIn: (sql: string) => readonly string[] | undefined;
  readonly condition: Fragment;
  readonly order: Fragment | undefined;
  /** What a count needs of the tables. */
  readonly counted: Timed;
}

export interface CountSource {
  /** Undefined where a view is read. */
  readonly tables: readonly string[] | undefined;
  /** The one table whose rows are all counted. */
  readonly whole?: string;
  /** Whether the same count is the same as long as the tables are. */
  readonly repeatable: boolean;
}

export type StatementKind = "accepts" | "count" | "row" | "rows" | "rowsOf" | `referring:${string}`;

export interface Page {
  /** -1: all rows. */
  readonly limit: number;
  readonly offset: number;
}

/** Alias of the table whose rows are asked for. */
export const BASE = "b";

/**
 * How rows are counted: with `count(*)` and no more tables than the conditions need. Joins of single
 * relations cannot repeat a row, so only lists and back relations cost a `DISTINCT`. A collection
 * without rule and filter is counted by its smallest index, a rule `owner = @request.auth.id` by an
 * index that begins with `owner`; neither reads the table.
 */
export class Form {
  readonly #parts: FormParts;
  readonly #statements = new Map<StatementKind, Fragment>();
  #countSource: CountSource | undefined;
  /** The text of the last page that was asked for: most have one length. */
  #page: { readonly limit: number; readonly sql: string } | undefined;

  constructor(parts: FormParts) {
    this.#parts = parts;
  }

  /** Whether the SQL is also right for another request. */
  fits(run: Run): boolean {
    return this.#parts.observations.hold(run);
  }

  /** About the memory of all its statements. */
  get chars(): number {
    const { joins, order = NOTHING, condition } = this.#parts;
    return 4 * (joins.sql.length + condition.sql.length + order.sql.length);
  }

  /** Ends with `LIMIT` and `OFFSET`; the sort's index is worth it for short pages only. */
  page(run: Run, { limit, offset }: Page) {
    const { sql: text, values, timed } = this.statement("rows", run);
    if (this.#page?.limit !== limit) {
      this.#page = { limit, sql: `${text} ${limitTo(limit)} OFFSET ?` };
    }
    return { sql: this.#page.sql, values: [...values, offset], timed };
  }

  statement(kind: StatementKind, run: Run) {
    let fragment = this.#statements.get(kind);
    if (!fragment) {
      fragment = this.#build(kind);
      this.#statements.set(kind, fragment);
    }
    // One row by its id is quick.
    const timed =
      kind === "count" ? this.#parts.counted.timed : this.#parts.timed && kind !== "row";
    return { sql: fragment.sql, values: valuesOf(fragment, run), timed };
  }

  /** What the count depends on, beside its values. */
  get countSource(): CountSource {
    this.#countSource ??= this.#findCountSource();
    return this.#countSource;
  }

  #findCountSource(): CountSource {
    const { collection, counted, condition, tablesIn } = this.#parts;
    const { sql: text } = this.#count();
    const whole = condition === ALWAYS && counted.joins.sql === "" && collection.type !== "view";
    return {
      tables: tablesIn(text),
      ...(whole && { whole: collection.name }),
      // A stored "now" is read off the engine's own clock.
      repeatable: !text.includes("strftime("),
    };
  }

  #build(kind: StatementKind): Fragment {
    switch (kind) {
      case "rows":
        return this.#rows([]);
      case "count":
        return this.#count();
      case "row":
        return sql`${this.#rows([sql`${column(BASE, "id")} = ${given("id")}`])} LIMIT 1`;
      case "rowsOf":
        return this.#rows([isAmong(column(BASE, "id"), given("ids"))]);
      case "accepts":
        return this.#accepts();
      default: {
        const referring = this.#referring(kind.slice("referring:".length));
        // A sum: a bare value would be one that SQLite plans, and so compiles, by.
        return sql`${this.#rows([referring])} LIMIT ${given("limit")} + 0`;
      }
    }
  }

  #rows(more: readonly Fragment[]): Fragment {
    const { collection, joins, several, order } = this.#parts;
    const distinct = several ? sql`DISTINCT ` : NOTHING;
    const from = sql`${identifier(collection.name)} AS ${identifier(BASE)}${joins}`;
    const sorted = order ? sql` ORDER BY ${order}` : NOTHING;
    return sql`SELECT ${distinct}${identifier(BASE)}.* FROM ${from}${this.#where(more, this.#parts)}${sorted}`;
  }

  #count(): Fragment {
    const { collection, counted } = this.#parts;
    const view = collection.type === "view";
    const total = rowCount(BASE, { distinct: counted.several, view });
    const from = sql`${identifier(collection.name)} AS ${identifier(BASE)}${counted.joins}`;
    return sql`SELECT ${total} AS ${identifier("total")} FROM ${from}${this.#where([], counted)}`;
  }

  #accepts(): Fragment {
    const { collection, joins } = this.#parts;
    const columns = collection.fields.map(({ name }) => [name, given(name)] as const);
    const from = sql`${unstoredRow(columns)} AS ${identifier(BASE)}${joins}`;
    return sql`SELECT 1 AS ${identifier("ok")} FROM ${from}${this.#where([], this.#parts)} LIMIT 1`;
  }

  #referring(name: string): Fragment {
    const field = fieldNamed(this.#parts.collection, name);
    assert(field?.type === "relation", `${name} is a relation`);
    const stored = column(BASE, name);
    if (!isMultiple(field)) return isAmong(stored, given("ids"));
    const among = isAmong(sql`value`, given("ids"));
    return sql`EXISTS (SELECT 1 FROM ${elements(stored)} WHERE ${among})`;
  }

  #where(more: readonly Fragment[], { timed, ticks }: Timed): Fragment {
    // Ticks come first, because a condition that fails keeps those after it from being asked.
    const first = timed ? [TICK, ...ticks] : [];
    const all = allOf([...first, ...more, this.#parts.condition]);
    return all === ALWAYS ? NOTHING : sql` WHERE ${all}`;
  }
}

function given(name: string): Fragment {
  return bound((run): SqlValue => run.given?.[name] ?? null);
}
