/** Refusals of a schema change that belong to no key of the collection. */

import { type AppError, fail } from "../../../../base/errors.ts";
import { sqliteCode } from "../../../../infra/db/errors.ts";

/** Only superusers get to see these, so the reason may be told. */
export function refusedChange(reason: string, cause?: unknown): AppError {
  return fail.invalid("schema_change_failed", reason, cause === undefined ? {} : { cause });
}

/** Why the engine refused a statement that an operator's text is part of; undefined otherwise. */
export function engineReason(thrown: unknown): string | undefined {
  const code = sqliteCode(thrown) ?? "";
  const isRefusal = code === "SQLITE_ERROR" || code.startsWith("SQLITE_CONSTRAINT");
  return isRefusal && thrown instanceof Error ? thrown.message : undefined;
}
