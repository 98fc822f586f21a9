/** `@request.auth.role`, `@request.body.tags.name`, `@request.query.page` as operands. */

import { invalidFilter } from "../../../tools/filter/lexer.ts";
import { type Collection, type Field, isMultiple } from "../schema.ts";
import { boundElements, isAmong, likeColumn, lower } from "./dialect.ts";
import { bound, column, type Fragment, identifier, type Run, sql } from "./fragment.ts";
import {
  comparison,
  kindOf,
  NULL,
  type Operand,
  settledOperand,
  valueOperand,
} from "./operands.ts";
import {
  affinityOf,
  fieldNamed,
  isList,
  type Modifier,
  rootPlace,
  splitModifier,
  walk,
} from "./paths.ts";
import { compactJson, lookUp, type Scalar, toIds, toList, toScalar, toText } from "./request.ts";
import type { Scope } from "./scope.ts";

/** What a caller's token already says, so that no row has to be read for it. */
const AUTH_CONSTANTS = new Set([
  "collectionId",
  "collectionName",
  "email",
  "emailVisibility",
  "id",
  "verified",
]);

/** `name` begins with `@request`. Error: 400 `invalid_filter`. */
export function requestOperand(scope: Scope, name: string): Operand {
  if (name === "@request.context" || name === "@request.method") {
    return constant(scope, name.split(".").slice(1));
  }
  const path = name.split(".").slice(1);
  const [part = ""] = path;
  if (path.length < 2 || !["auth", "body", "headers", "query"].includes(part)) {
    throw invalidFilter(`There is no "${name}".`);
  }
  if (part === "auth") return authOperand(scope, path);
  if (part === "body") return bodyOperand(scope, path);
  return plainOperand(scope, path);
}

function authOperand(scope: Scope, path: readonly string[]): Operand {
  const id = scope.observations.see(({ request }) => request.auth?.collectionId ?? "");
  const collection = id === "" ? undefined : scope.schema.find(id);
  if (!collection) return NULL;
  const [, name = ""] = path;
  if (path.length === 2) {
    if (AUTH_CONSTANTS.has(name)) return constant(scope, path);
    const known = recordOperand(scope, collection, name);
    if (known) return known;
  }
  const place = rootPlace(scope, {
    collection,
    path: "@request.auth",
    table: identifier(collection.name),
    key: "id",
    on: (alias) => sql`${column(alias, "id")} = ${bound(authId)}`,
    multiplies: false,
    several: false,
  });
  return walk(scope, place, { path: path.slice(1), missingIsNull: true });
}

/** A value of the caller's own record where the request brought it along. */
function recordOperand(scope: Scope, collection: Collection, named: string): Operand | undefined {
  const { name, modifier } = splitModifier(named);
  const field = fieldNamed(collection, name);
  const affinity = field && affinityOf(collection, field);
  if (!affinity || (isList(field) && modifier && modifier !== "lower")) return undefined;
  const path = ["auth", "record", name];
  if (!scope.observations.see(({ request }) => lookUp(request, path).found)) return undefined;
  const operand = constant(scope, path);
  if (!operand.settled) return operand;
  const value = likeColumn(bound(operand.settled.read), affinity);
  if (modifier === "lower") return { value: lower(value), content: "filled" };
  return { value, content: "filled", affinity, settled: operand.settled };
}

function authId({ request }: Run): string | null {
  return request.auth?.id ?? null;
}

function bodyOperand(scope: Scope, path: readonly string[]): Operand {
  const { name, modifier } = splitModifier(path[1] ?? "");
  const field = fieldNamed(scope.base.collection, name);
  if (!field) return plainOperand(scope, path);
  if (field.type === "relation" && path.length > 2) return submittedRelation(scope, field, path);
  if (path.length > 2) return plainOperand(scope, path);
  return submittedField(scope, field, modifier) ?? plainOperand(scope, path);
}

function submittedField(
  scope: Scope,
  field: Field,
  modifier: Modifier | undefined,
): Operand | undefined {
  switch (modifier) {
    case "each":
      return submittedElements(scope, field);
    case "length":
      requireList(field);
      return {
        value: bound((run) => toList(submitted(run, field)).length),
        content: "filled",
      };
    case "lower": {
      const read = (run: Run) => toText(submitted(run, field));
      const kind = scope.observations.see((run) => kindOf(read(run)));
      return lowered(valueOperand(kind, read));
    }
    case "changed":
      return changed(scope, field);
    default:
      return undefined;
  }
}

function submitted({ request }: Run, field: Field): unknown {
  return lookUp(request, ["body", field.name]).value;
}

function requireList(field: Field): void {
  if (!isList(field)) throw invalidFilter(`"${field.name}" is not a field of several values.`);
}

function submittedElements(scope: Scope, field: Field): Operand {
  requireList(field);
  const list = bound((run) => compactJson(toList(submitted(run, field))));
  const options = { table: boundElements(list), key: "value", multiplies: true } as const;
  const alias = scope.joins.at(`@request.body.${field.name}[]`, options);
  const operand: Operand = { value: column(alias, "value"), content: "unknown" };
  if (!isMultiple(field)) return operand;
  const every = scope.joins.make(options);
  const value = column(every.alias, "value");
  return { ...operand, every: { joins: [every.join], conditions: every.ticks, value } };
}

/** Submitted and different from what is stored. */
function changed(scope: Scope, field: Field): Operand {
  const path = ["body", field.name];
  const isSet = bound(({ request }) => lookUp(request, path).found);
  const stored = walk(scope, basePlace(scope), { path: [field.name] });
  const different = comparison(scope.observations, {
    left: plainOperand(scope, path),
    operator: "!=",
    any: false,
    right: stored,
  });
  return { value: sql`(${isSet} AND ${different})`, content: "unknown", exact: true };
}

export function basePlace(scope: Scope) {
  return { ...scope.base, path: "" };
}

/** On from a submitted relation into the records whose ids were submitted. */
function submittedRelation(scope: Scope, field: Field, path: readonly string[]): Operand {
  const target: Collection | undefined = scope.schema.find(String(field.collectionId));
  if (!target) throw invalidFilter(`There is no field "${field.name}".`);
  const ids = (run: Run) => toIds(submitted(run, field));
  if (scope.observations.see((run) => ids(run).length === 0)) return NULL;
  const list: Fragment = bound((run) => JSON.stringify(ids(run)));
  const place = rootPlace(scope, {
    collection: target,
    path: `@request.body.${field.name}`,
    table: identifier(target.name),
    key: "id",
    on: (alias) => isAmong(column(alias, "id"), list),
    multiplies: true,
    several: isMultiple(field),
  });
  return walk(scope, place, { path: path.slice(2), missingIsNull: true });
}

/** A value of the request by itself. `path` may end in a modifier, of which two apply. */
function plainOperand(scope: Scope, path: readonly string[]): Operand {
  const { name, modifier } = splitModifier(path.at(-1) ?? "");
  const plain = [...path.slice(0, -1), name];
  if (modifier === "isset") {
    return {
      value: bound(({ request }) => lookUp(request, plain).found),
      content: "filled",
    };
  }
  if (modifier && modifier !== "lower") {
    throw invalidFilter(`":${modifier}" does not apply to "@request.${plain.join(".")}".`);
  }
  // Forms and queries carry text only.
  const numeric = fieldNamed(scope.base.collection, name)?.type === "number";
  const read = ({ request }: Run): Scalar => toScalar(lookUp(request, plain).value, numeric);
  const operand = valueOperand(
    scope.observations.see((run) => kindOf(read(run))),
    read,
  );
  return modifier === "lower" ? lowered(operand) : operand;
}

/** What belongs to the caller, not to this one request. */
function constant(scope: Scope, path: readonly string[]): Operand {
  const read = ({ request }: Run): Scalar => toScalar(lookUp(request, path).value);
  return settledOperand(
    scope.observations.see((run) => kindOf(read(run))),
    read,
  );
}

function lowered(operand: Operand): Operand {
  if (operand.content === "empty") return operand;
  const { pattern } = operand;
  const value = lower(operand.value);
  return pattern ? { ...operand, value, pattern: lower(pattern) } : { ...operand, value };
}
