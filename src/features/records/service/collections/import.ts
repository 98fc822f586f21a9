/** Many collections at once, as an export or another server has them. */

import { AppError } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Field } from "../../schema.ts";
import type { StoredCollection } from "../../store/collection-rows.ts";
import { newDraft, withDefaults } from "./defaults.ts";
import { type Draft, mergeBody, toDraft, toStored } from "./draft.ts";
import { describe, fault, refused } from "./faults.ts";
import { addField } from "./field-options.ts";
import { asObject, type Json, malformed, own, readText } from "./reading.ts";
import type { SchemaChange } from "./schema-change.ts";

export interface ImportOptions {
  /** Removes collections and fields that are not among the given ones, but those of the system. */
  readonly deleteMissing: boolean;
  readonly secret: (length: number) => string;
}

/** Error: 400 `invalid_body`, or `validation_required` for none at all. */
export function readCollections(given: unknown): Json[] {
  if (given !== undefined && given !== null && !Array.isArray(given)) throw malformed();
  const list = (given ?? []) as readonly unknown[];
  if (list.length === 0) throw refused({ collections: fault("validation_required") });
  if (list.length > LIMITS.importedCollectionsMax) throw malformed();
  return list.map(asObject);
}

/**
 * Makes the schema what `given` says, all of it or nothing. A collection is known by its id, or by
 * its name where none is given. Error: 400 with the one fault `collections`, which names the first
 * collection that is wrong.
 */
export async function importCollections(
  change: SchemaChange,
  given: readonly Json[],
  options: ImportOptions,
): Promise<void> {
  const before = change.collections;
  const drafts = given.map((body) => importedDraft(change, body, options));
  const ids = new Set(drafts.map(({ id }) => id));
  const missing = before.filter(({ id, system }) => !system && !ids.has(id));
  if (options.deleteMissing) {
    for (const collection of missing) await explained(collection, change.remove(collection, false));
  }
  const others = change.collections.filter(({ id }) => !ids.has(id));
  const all = [...others, ...drafts.map(toStored)];
  for (const draft of inOrder(drafts)) {
    const around = all.filter(({ id }) => id !== draft.id);
    const original = change.collections.find(({ id }) => id === draft.id);
    await explained(draft, change.save(draft, { original, others: around, withRules: false }));
  }
  for (const { id } of drafts) {
    const collection = change.find(id);
    const faults = collection && (await change.faultsOf(collection));
    if (faults) throw failure(collection, describe(faults));
  }
}

function importedDraft(change: SchemaChange, body: Json, options: ImportOptions): Draft {
  const text = (key: string) => readText(own(body, key), "");
  const [id, name, type] = [text("id"), text("name"), text("type")];
  const stored = change.find(id === "" ? name : id);
  if (!stored) return withDefaults(mergeBody(newDraft({ id, name, type }, options.secret), body));
  const { deleteMissing } = options;
  const isBare = own(body, "fields") === undefined || own(body, "fields") === null;
  const merged = mergeBody(
    toDraft(stored),
    deleteMissing && isBare ? { ...body, fields: [] } : body,
  );
  const kept = stored.fields.filter(({ system }) => system || !deleteMissing);
  return withDefaults({ ...merged, id: stored.id, fields: kept.reduce(withField, merged.fields) });
}

/** A stored field stays, as the one of its name and type where that has another id. */
function withField(fields: readonly Field[], stored: Field): readonly Field[] {
  if (fields.some(({ id }) => id === stored.id)) return fields;
  const same = fields.findIndex(({ name, type }) => name === stored.name && type === stored.type);
  const known = fields[same];
  return known ? fields.with(same, { ...known, id: stored.id }) : addField(fields, stored);
}

/** Views come last, since they read from the others. */
function inOrder(drafts: readonly Draft[]): Draft[] {
  const isView = ({ type }: Draft) => (type === "view" ? 1 : 0);
  return [...drafts].sort((a, b) => isView(a) - isView(b));
}

async function explained<T>(collection: Pick<Draft, "name">, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "invalid") throw error;
    throw failure(collection, describe(error.data) || error.message);
  }
}

function failure({ name }: Pick<StoredCollection, "name">, what: string): AppError {
  const reason = `${name}: ${what}`;
  return refused({ collections: fault("validation_collections_import_failure", { reason }) });
}
