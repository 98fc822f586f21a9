/** Changes of an account that come past the records API, held to the same rules of its fields. */

import { fieldErrors } from "../../../base/errors.ts";
import type { Model, RecordData, RecordsService, Values } from "../../records/index.ts";

/** The changes, passwords hashed. Error: 400 with the faults of the record as it would be. */
export async function storableChanges(
  records: RecordsService,
  { model, record }: { readonly model: Model; readonly record: RecordData },
  changes: Values,
): Promise<Values> {
  const values = { ...record, ...changes };
  const found = model.fields.check(values, record);
  if (found) throw fieldErrors(found);
  const changed = model.collection.fields.filter(({ name }) => Object.hasOwn(changes, name));
  return records.hashed(changed, changes);
}
