/** Runs what the filter language compiled. */

import { AppError } from "../../../base/errors.ts";
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

/** Undefined where a rule cannot be applied: then it lets nobody through, with no word of why. */
export function unlessInvalid<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof AppError && error.code === "invalid_rule") return undefined;
    throw error;
  }
}
