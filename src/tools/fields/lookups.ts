/** What the database must say before a record is valid: the caller asks, these say what and why. */

import type { FieldError } from "../../base/errors.ts";
import { faults } from "./faults.ts";
import { textOption, type Values } from "./field.ts";
import { hasDefaultPattern, isPrimaryKey } from "./primary-key.ts";
import { own, type RecordFields } from "./record-fields.ts";
import { toTexts } from "./scalars.ts";

/** These records must all exist. */
export interface RelationLookup {
  readonly kind: "relation";
  readonly field: string;
  readonly collectionId: string;
  /** Distinct and not empty. */
  readonly ids: readonly string[];
  /** The fault when the collection is not there. */
  readonly missingCollection: FieldError;
  /** The fault when fewer records than ids are there. */
  readonly missingRecords: FieldError;
}

/** No record of the collection may have this id in any case of its letters. */
export interface KeyLookup {
  readonly kind: "key";
  readonly field: string;
  readonly id: string;
  readonly taken: FieldError;
}

export type Lookup = RelationLookup | KeyLookup;

/**
 * The look-ups of a record whose own checks found no fault for the fields concerned. `stored` is
 * the record before an update: related ids that it had already are looked up again, because rows
 * that others wrote may dangle and a client is told so on its next write.
 */
export function pendingLookups(
  fields: RecordFields,
  values: Values,
  stored: Values | undefined,
): Lookup[] {
  return fields.entries.flatMap(({ field }): Lookup[] => {
    const value = own(values, field.name);
    if (field.type === "relation") {
      const ids = toTexts(value);
      return ids.length === 0
        ? []
        : [relationLookup(field.name, textOption(field, "collectionId"), ids)];
    }
    const isNewKey = stored === undefined && isPrimaryKey(field) && !hasDefaultPattern(field);
    if (!isNewKey || typeof value !== "string" || value === "") return [];
    return [{ kind: "key", field: field.name, id: value, taken: faults.keyInvalid() }];
  });
}

function relationLookup(field: string, collectionId: string, ids: string[]): RelationLookup {
  const [missingCollection, missingRecords] = [faults.missingCollection(), faults.missingRecords()];
  return { kind: "relation", field, collectionId, ids, missingCollection, missingRecords };
}
