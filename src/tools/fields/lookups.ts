/** What the database must say before a record is valid: the caller asks, these say what and why. */

import type { FieldError } from "../../base/errors.ts";
import { faults } from "./faults.ts";
import { type Field, textOption, type Values } from "./field.ts";
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
  const lookups: Lookup[] = [];
  for (const { field } of fields.entries) {
    const lookup =
      field.type === "relation"
        ? relationLookup(field, values)
        : isPrimaryKey(field) && stored === undefined && keyLookup(field, values);
    if (lookup) lookups.push(lookup);
  }
  return lookups;
}

function keyLookup(field: Field, values: Values): KeyLookup | undefined {
  const id = own(values, field.name);
  if (typeof id !== "string" || id === "" || hasDefaultPattern(field)) return undefined;
  return { kind: "key", field: field.name, id, taken: faults.keyInvalid() };
}

function relationLookup(field: Field, values: Values): RelationLookup | undefined {
  const ids = toTexts(own(values, field.name));
  if (ids.length === 0) return undefined;
  return {
    kind: "relation",
    field: field.name,
    collectionId: textOption(field, "collectionId"),
    ids,
    missingCollection: faults.missingCollection(),
    missingRecords: faults.missingRecords(),
  };
}
