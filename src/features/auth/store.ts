/** SQL of accounts and of what belongs to them. Identifiers come from the schema. */

import type { Reader, SqlRow } from "../../infra/db/database.ts";
import { quoteIdentifier as quote } from "../../infra/db/identifiers.ts";
import { limitTo } from "../../infra/db/limit.ts";

/** A row by a field whose unique index compares letters in any case. */
export function findInAnyCase(
  reader: Reader,
  {
    table,
    field,
    value,
  }: { readonly table: string; readonly field: string; readonly value: string },
): Promise<SqlRow | undefined> {
  return reader.get<SqlRow>(
    `SELECT * FROM ${quote(table)} WHERE ${quote(field)} = ? COLLATE NOCASE LIMIT 1`,
    value,
  );
}

/**
 * Ids of rows of one auth collection that were made before a time, oldest first. Reads the table
 * through: it holds what is alive, and a job asks once an hour.
 */
export async function idsMadeBefore(
  reader: Reader,
  options: {
    readonly table: "_mfas" | "_otps";
    readonly collectionId: string;
    /** As stored. */
    readonly before: string;
    readonly limit: number;
  },
): Promise<string[]> {
  const rows = await reader.all<{ id: string }>(
    `SELECT id FROM ${quote(options.table)}
      WHERE collectionRef = ? AND created < ?
      ORDER BY created
      ${limitTo(options.limit)}`,
    options.collectionId,
    options.before,
  );
  return rows.map(({ id }) => id);
}
