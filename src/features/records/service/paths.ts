/** Paths of fields: `title`, `author.name`, `comments_via_post.rating`, `meta.a.0`, `labels:each`. */

import { LIMITS } from "../../../base/limits.ts";
import { invalidFilter } from "../../../tools/filter/lexer.ts";
import { type Collection, type Field, isMultiple } from "../schema.ts";
import { elementCount, elements, jsonAt, listHolds, lower } from "./dialect.ts";
import { ALWAYS, column, type Fragment, identifier, sql } from "./fragment.ts";
import type { JoinOptions } from "./joins.ts";
import { type Affinity, type Every, NULL, type Operand } from "./operands.ts";
import type { Scope } from "./scope.ts";

export interface Place {
  readonly collection: Collection;
  readonly alias: string;
  /** What the joined rows of this place are shared by. */
  readonly path: string;
  /** The same place among all reachable values, once the path crossed a list. */
  readonly every?: EveryPlace;
}

interface EveryPlace {
  readonly alias: string;
  readonly joins: readonly Fragment[];
  readonly conditions: readonly Fragment[];
}

export type Modifier = "changed" | "each" | "isset" | "length" | "lower";

const MODIFIERS = new Set<string>(["changed", "each", "isset", "length", "lower"]);

/** `labels:each` in two. Error: 400 for a modifier that there is not. */
export function splitModifier(name: string): { name: string; modifier: Modifier | undefined } {
  const [field = "", modifier, ...more] = name.split(":");
  if (modifier === undefined) return { name, modifier };
  if (more.length > 0 || !MODIFIERS.has(modifier)) {
    throw invalidFilter(`There is no modifier "${name.slice(field.length)}".`);
  }
  return { name: field, modifier: modifier as Modifier };
}

export function fieldNamed(collection: Collection, name: string): Field | undefined {
  return collection.fields.find((field) => field.name === name);
}

export function isList(field: Field): boolean {
  return field.type === "select" || field.type === "file" || field.type === "relation";
}

/** How the columns of a field convert; undefined for lists, JSON and the columns of views. */
export function affinityOf(collection: Collection, field: Field): Affinity | undefined {
  if (collection.type === "view" || isMultiple(field)) return undefined;
  if (field.type === "number" || field.type === "bool") return "numeric";
  return field.type === "json" || field.type === "geoPoint" ? undefined : "text";
}

export interface WalkOptions {
  readonly path: readonly string[];
  /** Under `@request` a field that there is not is NULL. */
  readonly missingIsNull?: boolean;
}

/** The operand at the end of `path`, its relations joined. Error: 400 `invalid_filter`. */
export function walk(scope: Scope, from: Place, { path, missingIsNull }: WalkOptions): Operand {
  let place = from;
  for (const [index, name] of path.entries()) {
    const last = path.length - 1;
    if (index === last) return fieldOperand(scope, place, { name, missingIsNull });
    const field = fieldNamed(place.collection, name);
    if (field) refuseHidden(scope, field);
    if (field?.type === "json" || field?.type === "geoPoint") {
      return jsonOperand(place, field, path.slice(index + 1));
    }
    if (index >= LIMITS.relationHopsMax) {
      throw invalidFilter(`A path goes over ${LIMITS.relationHopsMax} relations at most.`);
    }
    if (!field) {
      const next = backward(scope, place, name);
      if (next) place = next;
      else if (missingIsNull) return NULL;
      else throw unknownField(name);
      continue;
    }
    if (field.type !== "relation") throw invalidFilter(`"${name}" is not a relation.`);
    // The id of a single related record is the value itself.
    if (!isMultiple(field) && index === last - 1 && path[last] === "id") {
      return fieldOperand(scope, place, { name, missingIsNull });
    }
    place = forward(scope, place, field);
  }
  throw invalidFilter("A field's name is missing.");
}

function unknownField(name: string) {
  return invalidFilter(`There is no field "${name}".`);
}

function refuseHidden(scope: Scope, field: Field): void {
  if (field.hidden && !scope.trusted) throw unknownField(field.name);
}

/** Along a relation field. */
function forward(scope: Scope, place: Place, field: Field): Place {
  const target = scope.schema.find(String(field.collectionId));
  if (!target) throw unknownField(field.name);
  const path = `${place.path}.${field.name}`;
  if (!isMultiple(field)) {
    return step(scope, place, {
      target,
      path,
      multiplies: false,
      on: (origin) => (alias) => sql`${column(alias, "id")} = ${column(origin, field.name)}`,
    });
  }
  const list = eachElement(scope, place, field);
  return step(scope, list, {
    target,
    path,
    multiplies: false,
    on: (origin) => (alias) => sql`${column(alias, "id")} = ${column(origin, "value")}`,
  });
}

/** Along `collection_via_field` against the direction of that relation. */
function backward(scope: Scope, place: Place, name: string): Place | undefined {
  const at = name.lastIndexOf("_via_");
  if (at < 1) return undefined;
  const target = scope.schema.find(name.slice(0, at));
  if (!target) return undefined;
  const field = fieldNamed(target, name.slice(at + "_via_".length));
  if (field?.type !== "relation" || field.collectionId !== place.collection.id) return undefined;
  refuseHidden(scope, field);
  // A record could be made with the id of one that others still name.
  if (scope.base.unstored && place.path === "") throw unknownField(name);
  const multiple = isMultiple(field);
  const index = multiple ? undefined : uniqueIndex(target, field);
  return step(scope, place, {
    target,
    path: `${place.path}.${target.id}_via_${field.name}`,
    // An index over a part of the rows leaves room for others.
    multiplies: index !== "full",
    several: index === undefined,
    on: (origin) => (alias) => {
      const [id, reference] = [column(origin, "id"), column(alias, field.name)];
      return multiple ? listHolds(reference, id) : sql`${reference} = ${id}`;
    },
  });
}

interface Step {
  readonly target: Collection;
  readonly path: string;
  readonly multiplies: boolean;
  /** From here on there are several values for one base row. */
  readonly several?: boolean;
  readonly on: (origin: string) => (alias: string) => Fragment;
}

function step(scope: Scope, place: Place, to: Step): Place {
  const table = identifier(to.target.name);
  const { target: collection, path, multiplies } = to;
  const main = { table, key: "id", multiplies, on: to.on(place.alias) } as const;
  const alias = scope.joins.at(path, main);
  if (!scope.trusted) {
    const allowed = scope.listable(scope, { collection, alias });
    if (allowed !== ALWAYS) scope.requirements.set(alias, allowed);
  }
  if (!place.every && !to.several) return { collection, alias, path };
  const origin = place.every?.alias ?? place.alias;
  const every = extend(scope, place.every, { ...main, on: to.on(origin) });
  if (scope.trusted) return { collection, alias, path, every };
  const visible = scope.listable(scope, { collection, alias: every.alias });
  return {
    collection,
    alias,
    path,
    every: { ...every, conditions: [...every.conditions, visible] },
  };
}

function extend(scope: Scope, every: EveryPlace | undefined, options: JoinOptions): EveryPlace {
  const { alias, join, ticks } = scope.joins.make(options);
  const { joins, conditions } = every ?? { joins: [], conditions: [] };
  return { alias, joins: [...joins, join], conditions: [...conditions, ...ticks] };
}

/** Joins the elements of a list field; the place has only the column `value`. */
function eachElement(scope: Scope, place: Place, field: Field): Place {
  const path = `${place.path}.${field.name}[]`;
  const multiplies = isMultiple(field);
  const options = (origin: string) => ({
    table: elements(column(origin, field.name)),
    key: "value" as const,
    multiplies,
  });
  const alias = scope.joins.at(path, options(place.alias));
  if (!place.every && !multiplies) return { collection: place.collection, alias, path };
  const origin = place.every?.alias ?? place.alias;
  const every = extend(scope, place.every, options(origin));
  return { collection: place.collection, alias, path, every };
}

/** `every` of a value that `of` reads from a place's table. */
function everyOf(place: Place, of: (alias: string) => Fragment): { readonly every?: Every } {
  if (!place.every) return {};
  const { alias, joins, conditions } = place.every;
  return { every: { joins, conditions, value: of(alias) } };
}

function jsonOperand(place: Place, field: Field, path: readonly string[]): Operand {
  const { name: last, modifier } = splitModifier(path.at(-1) ?? "");
  const keys = [...path.slice(0, -1), last];
  if (!keys.every((key) => /^\w+$/.test(key))) throw unknownField(path.join("."));
  const at = (alias: string) => {
    const value = jsonAt(column(alias, field.name), keys);
    return modifier === "lower" ? lower(value) : value;
  };
  return { value: at(place.alias), content: "unknown", exact: true, ...everyOf(place, at) };
}

interface FieldOptions {
  /** With its modifier. */
  readonly name: string;
  readonly missingIsNull: boolean | undefined;
}

function fieldOperand(scope: Scope, place: Place, options: FieldOptions): Operand {
  const { name, modifier } = splitModifier(options.name);
  const field = fieldNamed(place.collection, name);
  if (!field) {
    if (options.missingIsNull) return NULL;
    throw unknownField(name);
  }
  refuseHidden(scope, field);
  if (isList(field) && modifier === "each") {
    const element = eachElement(scope, place, field);
    const value = (alias: string) => column(alias, "value");
    return { value: value(element.alias), content: "unknown", ...everyOf(element, value) };
  }
  const at = (alias: string) => {
    const stored = column(alias, name);
    if (isList(field) && modifier === "length") return elementCount(stored);
    const value = field.type === "json" ? jsonAt(stored, []) : stored;
    return modifier === "lower" ? lower(value) : value;
  };
  const affinity = modifier === "lower" ? undefined : affinityOf(place.collection, field);
  const operand: Operand = {
    value: at(place.alias),
    content: "unknown",
    exact: field.type === "json",
    present: scope.base.complete === true && place.path === "" && modifier === undefined,
    ...(affinity && { affinity }),
    ...everyOf(place, at),
  };
  const secret = name === "email" && place.collection.type === "auth" && !scope.trusted;
  return secret ? withPublicEmail(place, operand) : operand;
}

/** Addresses whose owners keep them to themselves are found by nobody. */
function withPublicEmail(place: Place, operand: Operand): Operand {
  const shown = (alias: string) => sql`${column(alias, "emailVisibility")} = TRUE`;
  const guarded = { ...operand, guards: [shown(place.alias)] };
  if (!operand.every || !place.every) return guarded;
  const { alias } = place.every;
  const counts = sql`(${column(alias, "id")} IS NULL OR ${shown(alias)})`;
  const conditions = [...operand.every.conditions, counts];
  return { ...guarded, every: { ...operand.every, conditions } };
}

/** The place of a table that hangs on nothing, or on the request: `@collection`, `@request`. */
export function rootPlace(
  scope: Scope,
  root: JoinOptions & { readonly collection: Collection; readonly path: string; several: boolean },
): Place {
  const { collection, path } = root;
  const alias = scope.joins.at(path, root);
  return root.several
    ? { collection, alias, path, every: extend(scope, undefined, root) }
    : { collection, alias, path };
}

/** Whether a unique index keeps a relation to one record: over all rows, over some, or not. */
function uniqueIndex(collection: Collection, field: Field): "full" | "partial" | undefined {
  const pattern = /^\s*CREATE\s+UNIQUE\s+INDEX\b[^(]*\(([^()]*)\)\s*(WHERE\b)?/i;
  let found: "full" | "partial" | undefined;
  for (const statement of collection.indexes) {
    const [matched, columns = "", where] = pattern.exec(statement) ?? [];
    if (!matched || columns.includes(",")) continue;
    const [named = ""] = columns.trim().split(/\s/);
    if (named.replaceAll(/[`"[\]]/g, "").toLowerCase() !== field.name.toLowerCase()) continue;
    if (!where) return "full";
    found = "partial";
  }
  return found;
}
