/** Names of tables and columns in SQL text. They come from the schema, never from a request. */

import { assert } from "../../base/errors.ts";

/**
 * `name` quoted. Backticks, because SQLite reads an unknown name in double quotes as a string, so a
 * misspelt column would compare as text instead of failing.
 */
export function quoteIdentifier(name: string): string {
  assert(/^\w+$/.test(name), `identifier ${JSON.stringify(name)}`);
  return `\`${name}\``;
}

/** `table.column`, both quoted. */
export function quoteColumn(table: string, column: string): string {
  return `${quoteIdentifier(table)}.${quoteIdentifier(column)}`;
}
