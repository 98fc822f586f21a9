/** SQL of view collections: each is a view of the database around its query. */

import type { Reader, Transaction } from "../../../infra/db/database.ts";
import { quoteIdentifier as quote } from "../../../infra/db/identifiers.ts";
import { limitTo } from "../../../infra/db/limit.ts";

export interface ColumnInfo {
  readonly name: string;
  /** Declared type; "" for an expression. */
  readonly type: string;
}

/** What stands around a query; the line ends keep a comment at its end from going on. */
const OPENING = " FROM (\n";
const CLOSING = "\n)";

/** Name of the view that a query is tried out with. */
const TRIAL = "_parvis_trial_view";

/**
 * Makes the view. Ids are texts in every collection: where the query's are not (`columns` says so),
 * they become it. Error: the engine's, where the query is not right.
 */
export async function createView(
  tx: Transaction,
  name: string,
  { query, columns }: { readonly query: string; readonly columns: readonly ColumnInfo[] },
): Promise<void> {
  const isText = columns.some((column) => column.name === "id" && /^text$/i.test(column.type));
  const list = columns.map((column) => {
    const quoted = quote(column.name);
    return column.name === "id" ? `CAST(${quoted} AS TEXT) AS ${quoted}` : quoted;
  });
  const selected = isText ? "*" : list.join(", ");
  await tx.run(`CREATE VIEW ${quote(name)} AS SELECT ${selected}${OPENING}${query}${CLOSING}`);
}

export async function dropView(tx: Transaction, name: string): Promise<void> {
  await tx.run(`DROP VIEW IF EXISTS ${quote(name)}`);
}

/** Columns that the query gives. Error: the engine's, where the query is not right. */
export async function queryColumns(tx: Transaction, query: string): Promise<ColumnInfo[]> {
  await tx.run(`CREATE VIEW ${quote(TRIAL)} AS SELECT *${OPENING}${query}${CLOSING}`);
  // Only a look at the columns finds out that a table or column of them is missing.
  const columns = await tx.all<ColumnInfo>("SELECT name, type FROM pragma_table_info(?)", TRIAL);
  await dropView(tx, TRIAL);
  return columns;
}

/**
 * The query inside a view as the engine keeps it: with the names that tables and columns have got
 * since. Undefined for a view that is not there or was made in another way than `createView` does.
 */
export async function viewQueryOf(reader: Reader, name: string): Promise<string | undefined> {
  const row = await reader.get<{ sql: string }>(
    "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?",
    name,
  );
  const sql = row?.sql ?? "";
  const start = sql.indexOf(OPENING);
  if (start >= 0 && sql.endsWith(CLOSING)) {
    return sql.slice(start + OPENING.length, -CLOSING.length);
  }
  // As PocketBase writes it, where its ids are texts.
  const inside = /^CREATE VIEW \S+ AS SELECT \* FROM \(([\s\S]+)\)$/.exec(sql)?.[1];
  return inside?.startsWith("SELECT CAST(") ? undefined : inside;
}

/** Does something for which no view may be there; they are as before after it. */
export async function withoutViews(tx: Transaction, work: () => Promise<void>): Promise<void> {
  const views = await tx.all<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'view' AND sql IS NOT NULL",
  );
  for (const { name } of views) await dropView(tx, name);
  await work();
  for (const { sql } of views) await tx.run(sql);
}

/** Some rows of a query, for whoever is writing it. `limitMs` bounds the time between rows. */
export function sampleRows(
  reader: Reader,
  query: string,
  { limitMs, rows }: { readonly limitMs: number; readonly rows: number },
) {
  const sql = `SELECT *${OPENING}${query}${CLOSING} WHERE tick() ${limitTo(rows)}`;
  return reader.readWithin(limitMs, sql);
}
