/** Runs what the filter language compiled. */

import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import type { SqlRow } from "../../../infra/db/database.ts";
import type { Statement } from "./filters.ts";

/** Error: 503 `query_too_slow` for a client's text that takes longer than `LIMITS.queryMs`. */
export function runStatement<Row = SqlRow>(context: Context, statement: Statement): Promise<Row[]> {
  const { sql, values, timed } = statement;
  return timed
    ? context.db.readWithin<Row>(LIMITS.queryMs, sql, ...values)
    : context.db.all<Row>(sql, ...values);
}
