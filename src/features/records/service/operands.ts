/**
 * Comparisons. An operand is a value of the joined row that is being looked at; one that crosses a
 * list also knows all the values that can be reached from the base row (`every`).
 */

import { assert } from "../../../base/errors.ts";
import type { Operator } from "../../../tools/filter/expression.ts";
import { likePattern } from "../../../tools/filter/like.ts";
import { containing, like, notLike, ONE_ROW, real } from "./dialect.ts";
import {
  ALWAYS,
  allOf,
  type Bound,
  bound,
  concat,
  type Fragment,
  NEVER,
  type Run,
  sql,
} from "./fragment.ts";
import type { Scalar } from "./request.ts";
import type { Observations } from "./scope.ts";

/** All values of an operand for one base row: at least one row, of NULLs when there are none. */
export interface Every {
  /** Left joins that start at the base row's tables. */
  readonly joins: readonly Fragment[];
  readonly value: Fragment;
  /** What makes a row count. */
  readonly conditions: readonly Fragment[];
}

export interface Operand {
  readonly value: Fragment;
  /** NULL and '' are interchangeable, so one side that is known to be either decides the form. */
  readonly content: "empty" | "filled" | "unknown";
  /** NULL and '' differ: JSON and distances. */
  readonly exact?: boolean;
  /** Never NULL. */
  readonly present?: boolean;
  /** Its form on the right of `~`, where that is not simply the value with wildcards around. */
  readonly pattern?: Fragment;
  /** What else must hold wherever the operand is compared. */
  readonly guards?: readonly Fragment[];
  readonly every?: Every;
  /** What kind of column it comes from, by which the engine converts what it is compared with. */
  readonly affinity?: Affinity;
  /** Not empty and known before a row is read: two of a kind can be compared at once. */
  readonly settled?: { readonly kind: Affinity; readonly read: Bound };
}

export type Affinity = "numeric" | "text";

export const NULL: Operand = { value: sql`NULL`, content: "empty" };
export const TRUE: Operand = {
  value: sql`1`,
  content: "filled",
  settled: { kind: "numeric", read: 1 },
};
export const FALSE: Operand = {
  value: sql`0`,
  content: "filled",
  settled: { kind: "numeric", read: 0 },
};

/** A value from the filter's text or the request; `kind` is that of what `read` will give. */
export function valueOperand(kind: ScalarKind, read: Bound): Operand {
  const text = (value: unknown) => likePattern(toLikeText(value));
  const pattern = bound(typeof read === "function" ? (run) => text(read(run)) : text(read));
  switch (kind) {
    case "null":
      return NULL;
    case "empty":
      return { value: sql`''`, content: "empty", pattern: bound(likePattern("")) };
    case "number":
      return { value: real(bound(read)), content: "filled", pattern };
    default:
      return { value: bound(read), content: "filled", pattern };
  }
}

export type ScalarKind = "boolean" | "empty" | "integer" | "null" | "number" | "text";

export function kindOf(value: Scalar): ScalarKind {
  if (value === null) return "null";
  if (value === "") return "empty";
  return typeof value === "string" ? "text" : typeof value === "number" ? "number" : "boolean";
}

function toLikeText(value: unknown): string {
  assert(typeof value !== "object" || value === null, "a pattern is made of a scalar");
  return value === null ? "" : String(value);
}

/** An operand whose value is part of the text, or hardly ever differs between requests. */
export function settledOperand(kind: ScalarKind, read: Bound): Operand {
  const operand = valueOperand(kind, read);
  if (operand.content === "empty") return operand;
  return { ...operand, settled: { kind: kind === "text" ? "text" : "numeric", read } };
}

export interface ComparisonParts {
  readonly left: Operand;
  readonly operator: Operator;
  /** One reachable value is enough. */
  readonly any: boolean;
  readonly right: Operand;
}

/**
 * Without `any` the joined row's values must satisfy the operator, and no reachable value may make
 * its opposite true; unknown is no counterexample.
 */
export function comparison(observations: Observations, parts: ComparisonParts): Fragment {
  const { left, operator, any, right } = parts;
  const known = settled(observations, parts);
  if (known !== undefined) return known ? ALWAYS : NEVER;
  const conditions = [compare(left, operator, right)];
  if (!any && (left.every || right.every)) {
    const opposite = sql`NOT (${compare(reachable(left), operator, reachable(right))})`;
    const chains = [left, right].flatMap((operand) => operand.every?.joins ?? []);
    const rows = [left, right].flatMap((operand) => operand.every?.conditions ?? []);
    const where = allOf([...rows, opposite]);
    conditions.push(sql`NOT EXISTS (SELECT 1 FROM ${ONE_ROW}${concat(chains)} WHERE ${where})`);
  }
  conditions.push(...(left.guards ?? []), ...(right.guards ?? []));
  return allOf(conditions);
}

function reachable(operand: Operand): Operand {
  return operand.every ? { ...operand, value: operand.every.value } : operand;
}

/** The outcome where it is the same for all rows; texts are only asked whether they are equal. */
function settled(observations: Observations, parts: ComparisonParts): boolean | undefined {
  const { operator } = parts;
  const [left, right] = [parts.left.settled, parts.right.settled];
  if (!left || !right || left.kind !== right.kind) return undefined;
  const [a, b] = [left, right].map(
    ({ read }) =>
      (run: Run) =>
        comparable(read, run),
  );
  if (!a || !b) return undefined;
  if (operator === "=") return observations.see((run) => a(run) === b(run));
  if (operator === "!=") return observations.see((run) => a(run) !== b(run));
  if (left.kind === "text") return undefined;
  if (operator === "<") return observations.see((run) => a(run) < b(run));
  if (operator === "<=") return observations.see((run) => a(run) <= b(run));
  if (operator === ">") return observations.see((run) => a(run) > b(run));
  if (operator === ">=") return observations.see((run) => a(run) >= b(run));
  return undefined;
}

function comparable(read: Bound, run: Run): number | string {
  const value = typeof read === "function" ? read(run) : read;
  return typeof value === "string" ? value : Number(value);
}

function compare(left: Operand, operator: Operator, right: Operand): Fragment {
  switch (operator) {
    case "=":
      return equality(left, right, true);
    case "!=":
      return equality(left, right, false);
    case "~":
      return like(left.value, right.pattern ?? containing(right.value));
    case "!~":
      return notLike(left.value, right.pattern ?? containing(right.value));
    default:
      return sql`${left.value} ${{ sql: operator, values: [] }} ${right.value}`;
  }
}

/** Never unknown where `equal` is false: a missing value differs from every other. */
function equality(left: Operand, right: Operand, equal: boolean): Fragment {
  const [a, b] = [left.value, right.value];
  if (left.exact || right.exact) return equal ? sql`${a} IS ${b}` : sql`${a} IS NOT ${b}`;
  const contents = [left.content, right.content];
  if (contents.includes("empty") && !contents.includes("unknown")) {
    const same = !contents.includes("filled");
    return same === equal ? ALWAYS : NEVER;
  }
  if (left.content === "empty") return emptiness(right, equal);
  if (right.content === "empty") return emptiness(left, equal);
  if (comparesDirectly(left, right)) {
    // What an index can serve.
    return equal ? sql`${a} = ${b}` : sql`${a} IS NOT ${b}`;
  }
  if (contents.includes("filled") && left.affinity === right.affinity) {
    return equal ? sql`${a} IS ${b}` : sql`${a} IS NOT ${b}`;
  }
  // Columns are compared without conversion, and NULL is the same as ''.
  const [c, d] = [sql`COALESCE(${a}, '')`, sql`COALESCE(${b}, '')`];
  return equal ? sql`${c} = ${d}` : sql`${c} IS NOT ${d}`;
}

/** One side is known to hold something, and is not itself a column's value. */
function comparesDirectly(left: Operand, right: Operand): boolean {
  const known = [left, right].filter(({ content }) => content === "filled");
  if (known.length === 2)
    return left.affinity === right.affinity || !left.affinity || !right.affinity;
  return known.some(({ affinity }) => affinity === undefined);
}

function emptiness({ value, present }: Operand, empty: boolean): Fragment {
  if (present) return empty ? sql`${value} = ''` : sql`${value} IS NOT ''`;
  return empty
    ? sql`(${value} = '' OR ${value} IS NULL)`
    : sql`(${value} IS NOT '' AND ${value} IS NOT NULL)`;
}
