/** What SQLite's result codes mean to the rest of the server. */

import { AppError, fail } from "../../base/errors.ts";

/** Extended result code by name (`SQLITE_CONSTRAINT_UNIQUE`), undefined for anything else thrown. */
export function sqliteCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  const { code } = thrown;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined;
}

/** Another connection or process has the lock; the same statement may succeed a moment later. */
export function isBusy(thrown: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(thrown) ?? "");
}

export interface BrokenConstraint {
  readonly kind: "unique" | "not_null" | "foreign_key" | "check" | "other";
  /** `table.column` of a unique or not-null constraint; empty where the engine does not say. */
  readonly columns: readonly string[];
}

const CONSTRAINT_KINDS: Readonly<Record<string, BrokenConstraint["kind"]>> = {
  SQLITE_CONSTRAINT_UNIQUE: "unique",
  SQLITE_CONSTRAINT_PRIMARYKEY: "unique",
  SQLITE_CONSTRAINT_ROWID: "unique",
  SQLITE_CONSTRAINT_NOTNULL: "not_null",
  SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
  SQLITE_CONSTRAINT_CHECK: "check",
};

/**
 * Which constraint a failed statement broke, undefined when it failed for another reason. Stores
 * turn it into the field error or conflict that their clients understand.
 */
export function brokenConstraint(thrown: unknown): BrokenConstraint | undefined {
  const code = sqliteCode(thrown);
  if (!code?.startsWith("SQLITE_CONSTRAINT")) return undefined;
  const kind = CONSTRAINT_KINDS[code] ?? "other";
  const named = kind === "unique" || kind === "not_null";
  const list = named && thrown instanceof Error ? thrown.message.split("failed: ")[1] : undefined;
  return { kind, columns: list?.split(", ").filter((name) => /^\w+\.\w+$/.test(name)) ?? [] };
}

export function databaseBusy(cause?: unknown): AppError {
  const message = "The database is busy. Try again in a moment.";
  return fail.unavailable("database_busy", message, { cause, retryAfter: 1 });
}

export function databaseFailed(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const full = sqliteCode(cause) === "SQLITE_FULL";
  const message = full ? "The server's disk is full." : "The database could not do its work.";
  return fail.unavailable("database_failed", message, { cause });
}

const STORAGE_FAILURE = /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|NOMEM|PROTOCOL)/;

/**
 * The storage's failures as AppErrors. Everything else stays as it was thrown: AppErrors of the
 * caller's own, constraints for `brokenConstraint`, wrong SQL, which is a programmer's mistake.
 */
export function statementError(thrown: unknown): unknown {
  if (isBusy(thrown)) return databaseBusy(thrown);
  return STORAGE_FAILURE.test(sqliteCode(thrown) ?? "") ? databaseFailed(thrown) : thrown;
}

/** Why the file at `path` could not be opened, as one line an operator can act on. */
export function openFailure(path: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const code = systemCode(cause) ?? sqliteCode(cause) ?? "";
  if (/^(EACCES|EPERM|EROFS|ENOTDIR|EEXIST|SQLITE_READONLY.*)$/.test(code)) {
    const message = `The data directory is not writable: ${path}`;
    return fail.unavailable("data_dir_unwritable", message, { cause });
  }
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code)) {
    const message = `The file is damaged or not a database: ${path}`;
    return fail.unavailable("database_corrupt", message, { cause });
  }
  const reason = /^(SQLITE_FULL|ENOSPC|EDQUOT)$/.test(code)
    ? "the disk is full"
    : isBusy(cause)
      ? "another process holds its lock"
      : messageOf(cause);
  const message = `The database could not be opened (${reason}): ${path}`;
  return fail.unavailable("database_open_failed", message, { cause });
}

function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" && /^E[A-Z]+$/.test(thrown.code) ? thrown.code : undefined;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
