/**
 * The `expand` parameter: related records put into their records, each collection's viewRule asked
 * once per level. A path that may not be followed is left out in silence.
 */

import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import type { SqlRow } from "../../../infra/db/database.ts";
import { isMultiple } from "../../../tools/fields/field.ts";
import { toTexts } from "../../../tools/fields/scalars.ts";
import type { Collection, Field } from "../schema.ts";
import { decodeRow, type RecordData } from "../store/rows.ts";
import { requestInfo, seesAll } from "./caller.ts";
import type { Query } from "./filters.ts";
import type { Model, Models } from "./models.ts";
import { type PresentOptions, type PublicRecord, present } from "./present.ts";
import { runStatement, unlessInvalid } from "./statements.ts";

/** Paths as a tree: `a.b,a.c` is one `a` with two below it. */
type Tree = Map<string, Tree>;

interface ExpandOptions extends PresentOptions {
  /** Paths, comma-separated; "" for none. */
  readonly expand: string;
}

/** A record as JSON with what `expand` names in its `expand`. */
export async function presentExpanded(
  context: Context,
  models: Models,
  { record, ...options }: Omit<ExpandOptions, "records"> & { readonly record: RecordData },
): Promise<PublicRecord> {
  const [shown = {}] = await presentAllExpanded(context, models, { ...options, records: [record] });
  return shown;
}

/** The same for several records, in their order. */
export function presentAllExpanded(
  context: Context,
  models: Models,
  options: ExpandOptions,
): PublicRecord[] | Promise<PublicRecord[]> {
  const show = options.expand === "" ? present : expanded;
  return show(context, models, options);
}

async function expanded(
  context: Context,
  models: Models,
  options: ExpandOptions,
): Promise<PublicRecord[]> {
  const shown = await present(context, models, options);
  if (shown.length === 0) return shown;
  const tree = parseExpand(options.expand);
  if (tree.size === 0) return shown;
  await new Expander(context, models).fill({ ...options, shown }, tree);
  return shown;
}

function parseExpand(expression: string): Tree {
  const root: Tree = new Map();
  for (const given of expression.replaceAll(" ", "").split(",").slice(0, LIMITS.expandPathsMax)) {
    const path = given.replaceAll(/^\.+|\.+$/g, "");
    if (path === "") continue;
    let level = root;
    for (const name of path.split(".").slice(0, LIMITS.relationDepthMax)) {
      const below: Tree = level.get(name) ?? new Map();
      level.set(name, below);
      level = below;
    }
  }
  return root;
}

/** One level: records and the JSON that was made of them, in the same order. */
interface Level {
  readonly model: Model;
  readonly records: readonly RecordData[];
  readonly shown: readonly PublicRecord[];
}

/** Where a path's name leads: a relation of the record, or one of others back to it. */
type Step =
  | { readonly kind: "forward"; readonly field: Field; readonly target: Model }
  | {
      readonly kind: "back";
      readonly field: Field;
      readonly target: Model;
      readonly single: boolean;
    };

class Expander {
  readonly #context: Context;
  readonly #models: Models;

  constructor(context: Context, models: Models) {
    this.#context = context;
    this.#models = models;
  }

  /**
   * False where none of the paths could be followed: what leads to them is then left out too.
   * Without a record there is nothing to follow, and nothing wrong.
   */
  async fill(level: Level, tree: Tree): Promise<boolean> {
    let followed = level.records.length === 0;
    for (const [name, below] of tree) {
      const step = findStep(this.#models, level.model, name);
      const query = step && this.#query(step.target);
      if (!step || !query) continue;
      const related = await this.#load(level, step, query);
      const options = { model: step.target, records: related };
      const shown = await present(this.#context, this.#models, options);
      if (below.size > 0 && !(await this.fill({ ...options, shown }, below))) continue;
      const byId = new Map(related.map((record, index) => [record.id, shown[index] ?? {}]));
      attach(level, { name, step, related, byId });
      followed = true;
    }
    return followed;
  }

  /** Undefined where the collection is locked, or its rule cannot be applied. */
  #query({ collection }: Model): Query | undefined {
    const privileged = seesAll(this.#context);
    if (!privileged && collection.viewRule === null) return undefined;
    return unlessInvalid(() => this.#viewable(collection, privileged));
  }

  #viewable(collection: Collection, privileged: boolean): Query {
    return this.#models.filters.query({
      collection,
      ...(privileged ? {} : { rule: collection.viewRule ?? "" }),
      privileged,
      request: requestInfo(this.#context, this.#models, { context: "expand" }),
      now: this.#context.clock.now(),
    });
  }

  async #load(level: Level, step: Step, query: Query): Promise<RecordData[]> {
    const ids =
      step.kind === "forward"
        ? [...new Set(level.records.flatMap((record) => toTexts(record[step.field.name])))]
        : level.records.map(({ id }) => id);
    if (ids.length === 0) return [];
    const statement =
      step.kind === "forward"
        ? query.rowsOf(ids)
        : query.referringBy(step.field.name, ids, LIMITS.expandBackMax * level.records.length);
    const rows = await runStatement<SqlRow>(this.#context, statement);
    return rows.map((row) => decodeRow(step.target, row));
  }
}

interface Found {
  readonly name: string;
  readonly step: Step;
  readonly related: readonly RecordData[];
  readonly byId: ReadonlyMap<string, PublicRecord>;
}

/** The key `expand` is there as soon as the path was a valid one, whatever it led to. */
function attach(level: Level, { name, step, related, byId }: Found): void {
  const referring = step.kind === "back" ? idsByTarget(related, step.field) : undefined;
  level.records.forEach((record, index) => {
    const shown = level.shown[index];
    if (!shown) return;
    const expand = (shown.expand ?? {}) as Record<string, unknown>;
    shown.expand = expand;
    const ids = referring ? (referring.get(record.id) ?? []) : toTexts(record[step.field.name]);
    const found = ids.flatMap((id) => byId.get(id) ?? []);
    const single = step.kind === "forward" ? !isMultiple(step.field) : step.single;
    if (!single && found.length > 0) expand[name] = found;
    else if (found[0]) expand[name] = found[0];
  });
}

/** Ids of the records that name each target, in their order. */
function idsByTarget(related: readonly RecordData[], field: Field): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, [field.name]: value } of related) {
    for (const target of new Set(toTexts(value))) {
      const ids = found.get(target) ?? [];
      if (ids.length < LIMITS.expandBackMax) ids.push(id);
      found.set(target, ids);
    }
  }
  return found;
}

function findStep(models: Models, model: Model, name: string): Step | undefined {
  const field = model.collection.fields.find((candidate) => candidate.name === name);
  if (field) {
    const target = field.type === "relation" && models.find(String(field.collectionId));
    return target ? { kind: "forward", field, target } : undefined;
  }
  const [, collection, relation] = /^(\w+)_via_(\w+)$/.exec(name) ?? [];
  const target = collection === undefined ? undefined : models.find(collection);
  const back = target?.collection.fields.find((candidate) => candidate.name === relation);
  if (!target || back?.type !== "relation" || back.collectionId !== model.collection.id) {
    return undefined;
  }
  return { kind: "back", field: back, target, single: isUnique(target, back) };
}

/** A relation with a unique index of its own has one record at its other end. */
function isUnique({ collection }: Model, field: Field): boolean {
  const pattern = new RegExp(
    `^\\s*create\\s+unique\\s+index[^(]*\\(\\s*[\`"\\[]?${field.name}[\`"\\]]?[^,]*\\)`,
    "i",
  );
  return !isMultiple(field) && collection.indexes.some((index) => pattern.test(index));
}
