/**
 * What a deletion takes along: relations that name a deleted record lose it, records whose required
 * or cascading relation it was go too. Goes level by level, a set of records at a time, so that a
 * thousand rows cost a few statements and not a few thousand.
 */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Transaction } from "../../../infra/db/database.ts";
import { isMultiple } from "../../../tools/fields/field.ts";
import { findRowById, type RecordData, referringRows } from "../store/rows.ts";
import type { Model, Models, Reference } from "./models.ts";

/** How single records and sets of them are written; all in one open transaction. */
export interface CascadeActions {
  readonly tx: Transaction;
  readonly models: Models;
  /** Whether somebody stands around each deletion of the collection. */
  isWatched(model: Model): boolean;
  /** Deletes one record within its rings; `rest` runs inside them, when the row is gone. */
  deleteOne(model: Model, record: RecordData, rest: () => Promise<void>): Promise<void>;
  /** Deletes records that nobody watches. */
  deleteSet(model: Model, records: readonly RecordData[]): Promise<void>;
  change(model: Model, record: RecordData, changes: Record<string, unknown>): Promise<void>;
}

/** Error: 400 `required_by_relation`. */
export async function deleteRecords(
  actions: CascadeActions,
  model: Model,
  records: readonly RecordData[],
): Promise<void> {
  if (!actions.isWatched(model)) {
    await actions.deleteSet(model, records);
    return release(actions, model, new Set(records.map(({ id }) => id)));
  }
  for (const [index, record] of records.entries()) {
    // The one before it may have taken this one along.
    const current = index === 0 ? record : await findRowById(actions.tx, model, record.id);
    if (!current) continue;
    await actions.deleteOne(model, current, () => release(actions, model, new Set([current.id])));
  }
}

/** Takes ids that are gone out of every relation. */
async function release(
  actions: CascadeActions,
  { collection }: Model,
  gone: ReadonlySet<string>,
): Promise<void> {
  for (const reference of actions.models.referencesTo(collection.id)) {
    for (;;) {
      const rows = await referringRows(actions.tx, reference, [...gone]);
      await releaseRows(actions, reference, { rows, gone });
      // What was looked at names none of them any more.
      if (rows.length < LIMITS.cascadeRowsMax) break;
    }
  }
}

async function releaseRows(
  actions: CascadeActions,
  { model, field }: Reference,
  { rows, gone }: { readonly rows: readonly RecordData[]; readonly gone: ReadonlySet<string> },
): Promise<void> {
  const doomed: RecordData[] = [];
  const changed: { readonly row: RecordData; readonly left: readonly string[] }[] = [];
  for (const row of rows) {
    const value = row[field.name];
    const left = Array.isArray(value) ? value.filter((id) => !gone.has(id)) : [];
    if (left.length > 0) changed.push({ row, left });
    else if (field.cascadeDelete === true) doomed.push(row);
    else if (field.required === true) {
      const message = "The record is part of a required relation of another one.";
      throw fail.invalid("required_by_relation", message);
    } else changed.push({ row, left });
  }
  for (const { row, left } of changed) {
    // Hooks around the changes before may have changed or deleted it.
    const current = await findRowById(actions.tx, model, row.id);
    const value = isMultiple(field) ? left : "";
    if (current) await actions.change(model, current, { [field.name]: value });
  }
  if (doomed.length > 0) await deleteRecords(actions, model, doomed);
}
