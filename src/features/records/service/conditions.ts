/** From the tree of a filter to a condition on the joined rows. */

import { fail } from "../../../base/errors.ts";
import type { Expression, Term } from "../../../tools/filter/expression.ts";
import { invalidFilter } from "../../../tools/filter/lexer.ts";
import { isMacro, macroValue } from "../../../tools/filter/macros.ts";
import { parseFilter, RULE } from "../../../tools/filter/parser.ts";
import type { Collection } from "../schema.ts";
import { ONE_ROW } from "./dialect.ts";
import { ALWAYS, allOf, anyOf, column, type Fragment, identifier, sql } from "./fragment.ts";
import { callOperand } from "./functions.ts";
import { Joins } from "./joins.ts";
import { comparison, FALSE, kindOf, NULL, type Operand, settledOperand, TRUE } from "./operands.ts";
import { fieldNamed, rootPlace, walk } from "./paths.ts";
import { basePlace, requestOperand } from "./request-paths.ts";
import type { BaseRow, Scope } from "./scope.ts";

/** Error: 400 `invalid_filter`. */
export function condition(scope: Scope, expression: Expression): Fragment {
  if (expression.kind === "comparison") {
    const { operator, any } = expression;
    const left = termOperand(scope, expression.left);
    const right = termOperand(scope, expression.right);
    return comparison(scope.observations, { left, operator, any, right });
  }
  const terms = expression.terms.map((term) => condition(scope, term));
  return expression.kind === "and" ? allOf(terms) : anyOf(terms);
}

/**
 * A rule as a condition. Error: 400 `invalid_rule` where it does not fit the schema or the request;
 * the reason stays inside, since it would tell of fields that the caller may not see.
 */
export function ruleCondition(scope: Scope, rule: string): Fragment {
  try {
    return condition(scope, parseFilter(rule, RULE));
  } catch (cause) {
    const { name } = scope.base.collection;
    throw fail.invalid("invalid_rule", `A rule of "${name}" can't be applied.`, { cause });
  }
}

/** See `Scope.listable`. */
export function listable(scope: Scope, { collection, alias }: BaseRow): Fragment {
  const rule = collection.listRule;
  if (rule === null) throw invalidFilter(`"${collection.name}" is not for filters.`);
  if (rule === "") return ALWAYS;
  const joins = new Joins(scope.aliases, scope.timed);
  const base = { collection, alias };
  const inner: Scope = { ...scope, joins, base, trusted: true, requirements: new Map() };
  const allowed = ruleCondition(inner, rule);
  const missing = sql`${column(alias, "id")} IS NULL`;
  const tables = joins.neededBy([allowed]);
  if (tables.joins.sql === "") return anyOf([missing, allowed]);
  const where = allOf([...tables.ticks, allowed]);
  const exists = sql`EXISTS (SELECT 1 FROM ${ONE_ROW}${tables.joins} WHERE ${where})`;
  return anyOf([missing, exists]);
}

/** One side of a comparison. Error: 400 `invalid_filter`. */
export function termOperand(scope: Scope, term: Term): Operand {
  switch (term.kind) {
    case "text":
      return settledOperand(kindOf(term.value), term.value);
    case "number":
      return settledOperand("number", term.value);
    case "call":
      return callOperand(term, (inner) => termOperand(scope, inner));
    case "identifier":
      return nameOperand(scope, term.name);
  }
}

const CONSTANTS: ReadonlyMap<string, Operand> = new Map([
  ["null", NULL],
  ["true", TRUE],
  ["false", FALSE],
]);

function nameOperand(scope: Scope, name: string): Operand {
  if (isMacro(name)) {
    const kind = typeof macroValue(name, 0) === "number" ? "integer" : "text";
    return settledOperand(kind, (run) => macroValue(name, run.now));
  }
  const constant = CONSTANTS.get(name.toLowerCase());
  if (constant && !visibleField(scope, name)) return constant;
  return pathOperand(scope, name);
}

function visibleField(scope: Scope, name: string): boolean {
  const field = fieldNamed(scope.base.collection, name);
  return field !== undefined && (scope.trusted || !field.hidden);
}

/** A path of fields, `@request…` or `@collection…`. Error: 400 `invalid_filter`. */
export function pathOperand(scope: Scope, name: string): Operand {
  if (name.startsWith("@request.") && scope.trusted) return requestOperand(scope, name);
  if (name.startsWith("@collection.") && scope.trusted) return collectionOperand(scope, name);
  if (!/^\w/.test(name)) throw invalidFilter(`There is no "${name}".`);
  return walk(scope, basePlace(scope), { path: name.split(".") });
}

/** All records of a collection; an alias after ":" joins them once more. */
function collectionOperand(scope: Scope, name: string): Operand {
  const [, named = "", ...path] = name.split(".");
  const [collectionName = "", alias, more] = named.split(":");
  const collection: Collection | undefined = scope.schema.find(collectionName);
  if (!collection || path.length === 0 || alias === "" || more !== undefined) {
    throw invalidFilter(`There is no "${name}".`);
  }
  const place = rootPlace(scope, {
    collection,
    path: `@collection.${collection.id}:${alias ?? ""}`,
    table: identifier(collection.name),
    key: "id",
    multiplies: true,
    several: true,
  });
  return walk(scope, place, { path });
}
