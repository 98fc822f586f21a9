/** What every type of field does with values. One maker for each; `kinds.ts` is their table. */

import type { FieldError } from "../../base/errors.ts";

/** What a database column holds. */
export type ColumnValue = string | number | boolean | null;

export interface CheckContext {
  /** The record is about to be created. */
  readonly isNew: boolean;
  /** The field's stored value before an update; undefined for a new record. */
  readonly stored: unknown;
}

export interface ValueKind {
  /** What a record has where nothing was ever set. */
  zero(): unknown;
  /** The value of a client's input. Never fails; an already cast value is itself, but for json. */
  cast(input: unknown): unknown;
  /** The fault of a cast value; undefined for none. What needs the database is not looked at. */
  check(value: unknown, context: CheckContext): FieldError | undefined;
  /** What the column stores for a cast value. */
  encode(value: unknown): ColumnValue;
  /** The value of what a column holds, whoever wrote it. */
  decode(stored: unknown): unknown;
  /** The value as JSON for those who may see it. */
  publish(value: unknown): unknown;
  /** The value as rules see it under `@request.body`. */
  forRules(value: unknown): unknown;
}

/** The parts that most kinds share: values that are their own JSON. */
export const plainKind = {
  publish: (value: unknown) => value,
  forRules: (value: unknown) => value,
} as const;
