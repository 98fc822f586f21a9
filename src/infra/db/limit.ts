/** How many rows a statement answers. */

import { assert } from "../../base/errors.ts";

/**
 * `LIMIT 20`, as text. SQLite plans by the number, so a bound one has it compile the statement anew
 * each time it runs, which costs more than many a short read itself.
 */
export function limitTo(rows: number): string {
  assert(Number.isSafeInteger(rows), `a limit of ${rows} rows`);
  return `LIMIT ${rows}`;
}
