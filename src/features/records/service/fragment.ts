/**
 * Pieces of SQL that carry their values in the order of their marks, so that a piece may be put
 * anywhere, and twice. A value is given now or read from each request when the statement runs.
 */

import type { SqlValue } from "../../../infra/db/database.ts";
import { quoteColumn, quoteIdentifier } from "../../../infra/db/identifiers.ts";
import type { RequestInfo } from "./request.ts";

/** What one use of a compiled filter works with. */
export interface Run {
  readonly request: RequestInfo;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Ids, limits and the like that the statement around the filter needs. */
  readonly given?: Readonly<Record<string, SqlValue>>;
}

export type Bound = SqlValue | ((run: Run) => SqlValue);

export interface Fragment {
  readonly sql: string;
  readonly values: readonly Bound[];
}

/** A template of SQL whose holes are fragments; a value enters through `bound` only. */
export function sql(texts: TemplateStringsArray, ...parts: readonly Fragment[]): Fragment {
  let text = texts[0] ?? "";
  const values: Bound[] = [];
  for (const [index, part] of parts.entries()) {
    text += part.sql + (texts[index + 1] ?? "");
    for (const value of part.values) values.push(value);
  }
  return { sql: text, values };
}

export function bound(value: Bound): Fragment {
  return { sql: "?", values: [value] };
}

export function column(table: string, name: string): Fragment {
  return { sql: quoteColumn(table, name), values: [] };
}

export function identifier(name: string): Fragment {
  return { sql: quoteIdentifier(name), values: [] };
}

export const NOTHING: Fragment = { sql: "", values: [] };

export function concat(parts: readonly Fragment[], separator = ""): Fragment {
  return {
    sql: parts.map((part) => part.sql).join(separator),
    values: parts.flatMap((part) => part.values),
  };
}

/** Conditions whose outcome is known before any row is read; compared by identity. */
export const ALWAYS: Fragment = { sql: "1", values: [] };
export const NEVER: Fragment = { sql: "0", values: [] };

export function allOf(conditions: readonly Fragment[]): Fragment {
  if (conditions.includes(NEVER)) return NEVER;
  return junction(
    conditions.filter((condition) => condition !== ALWAYS),
    { separator: " AND ", none: ALWAYS },
  );
}

export function anyOf(conditions: readonly Fragment[]): Fragment {
  if (conditions.includes(ALWAYS)) return ALWAYS;
  return junction(
    conditions.filter((condition) => condition !== NEVER),
    { separator: " OR ", none: NEVER },
  );
}

interface JunctionOptions {
  readonly separator: string;
  readonly none: Fragment;
}

function junction(conditions: readonly Fragment[], { separator, none }: JunctionOptions): Fragment {
  const [first] = conditions;
  if (!first) return none;
  return conditions.length === 1 ? first : sql`(${concat(conditions, separator)})`;
}

export function valuesOf(fragment: Fragment, run: Run): SqlValue[] {
  return fragment.values.map((value) => (typeof value === "function" ? value(run) : value));
}
