/** What can be wrong with a collection, with the codes and parameters that clients know. */

import { type AppError, type FieldError, fail } from "../../../../base/errors.ts";

const MESSAGES = {
  validation_required: "Cannot be blank.",
  validation_nil: "Must be left out.",
  validation_empty: "Must be empty.",
  validation_nil_or_not_empty_required: "Must be null or have a value.",
  validation_match_invalid: "Has an invalid format.",
  validation_in_invalid: "Must be a valid value.",
  validation_not_in_invalid: "Must not be one of the reserved values.",
  validation_is_domain: "Must be a valid domain.",
  validation_is_url: "Must be a valid URL.",
  validation_length_out_of_range: "The length must be between {min} and {max}.",
  validation_min_greater_equal_than_required: "Must be no less than {threshold}.",
  validation_max_less_equal_than_required: "Must be no greater than {threshold}.",
  validation_only_int_constraint: "Decimal numbers are not allowed.",
  validation_values_mismatch: "Cannot be changed.",
  validation_found_via: "The name cannot contain _via_.",
  validation_invalid_or_existing_id: "The id is invalid or already in use.",
  validation_collection_name_exists: "A collection of this name exists (case-insensitive).",
  validation_collection_name_id_duplicate: "The name must not be the id of a collection.",
  validation_collection_name_invalid: "The name is that of an internal table.",
  validation_collection_system_name_change: "The collection cannot be renamed.",
  validation_collection_system_flag_change: "Whether a collection is system cannot be changed.",
  validation_collection_type_change: "The collection's type cannot be changed.",
  validation_collection_system_rule_change: "Rules of a system collection cannot be changed.",
  validation_duplicated_field_id: "The field id {fieldId} is used more than once.",
  validation_duplicated_field_name: "The field name {fieldName} is used more than once.",
  validation_field_type_change: "A field's type cannot be changed.",
  validation_system_field_change: "Fields of the system cannot be removed, renamed or retyped.",
  validation_reserved_field_name: "The field name is reserved.",
  validation_missing_primary_key: "There must be an id field, and it must be the primary key.",
  validation_unsupported_composite_pk: "Only the id field can be the primary key.",
  validation_missing_password_field: "There must be a password field of the system.",
  validation_missing_tokenKey_field: "There must be a tokenKey field of the system.",
  validation_missing_email_field: "There must be an email field of the system.",
  validation_missing_emailVisibility_field: "There must be an emailVisibility field of the system.",
  validation_missing_verified_field: "There must be a verified field of the system.",
  validation_missing_field: "There is no field {fieldName}.",
  validation_missing_unique_constraint: "The field {fieldName} needs a unique index of its own.",
  validation_invalid_rule: "The rule is not valid: {reason}",
  validation_invalid_view_query: "The query is not valid: {reason}",
  validation_indexes_not_supported: "A view has no indexes.",
  validation_invalid_index_expression: "The index is not valid: {reason}",
  validation_duplicated_index_name: "The index name is used more than once.",
  validation_duplicated_index_definition: "There is already such an index.",
  validation_existing_index_name: "An index of {usedTableName} has this name already.",
  validation_invalid_unique_system_field_index: "The unique index of {fieldName} must stay.",
  validation_missing_required_unique_index: "The field {fieldName} needs a unique index.",
  validation_mfa_not_enough_auths: "MFA needs at least two other ways to sign in.",
  validation_duplicated_provider: "The provider {name} is configured twice.",
  validation_missing_provider: "There is no provider {name}.",
  validation_field_relation_change: "The collection of a relation cannot be changed.",
  validation_field_relation_missing_collection: "There is no such collection.",
  validation_relation_field_non_view_base_collection: "Only views can relate to a view.",
  validation_collections_import_failure: "The import was undone. {reason}",
} as const;

export type FaultCode = keyof typeof MESSAGES;

/** Parameters that explain, and are not part of the answer. */
const INNER = new Set(["reason", "fieldId"]);

export function fault(code: FaultCode, params: Readonly<Record<string, unknown>> = {}): FieldError {
  const message = MESSAGES[code].replace(/\{(\w+)\}/g, (_, name: string) => String(params[name]));
  const shown = Object.entries(params).filter(([name]) => !INNER.has(name));
  return shown.length === 0
    ? { code, message }
    : { code, message, params: Object.fromEntries(shown) };
}

/** A fault, or faults by the key or place they belong to. */
export type Faults = FieldError | FaultMap;
export interface FaultMap {
  readonly [key: string]: Faults;
}

/** Those that are there, by key; undefined for none. */
export function collect(
  entries: Readonly<Record<string, Faults | undefined>>,
): FaultMap | undefined {
  const found = Object.entries(entries).filter(
    (entry): entry is [string, Faults] => entry[1] !== undefined,
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Faults of a list's items by place. */
export function collectItems<T>(
  items: readonly T[],
  check: (item: T, index: number) => Faults | undefined,
): FaultMap | undefined {
  return collect(Object.fromEntries(items.map((item, index) => [index, check(item, index)])));
}

/** The first that finds something. */
export function firstOf(...checks: readonly (() => Faults | undefined)[]): Faults | undefined {
  for (const check of checks) {
    const found = check();
    if (found) return found;
  }
  return undefined;
}

export function refused(data: FaultMap): AppError {
  const message = "The collection is not valid.";
  return fail.invalid("validation_failed", message, { data });
}

/** The first fault as one line, `fields.2.name: Cannot be blank.` */
export function describe(faults: Readonly<Record<string, unknown>>): string {
  const [entry] = Object.entries(faults);
  if (!entry) return "";
  const [key, value] = entry;
  if (typeof value !== "object" || value === null) return key;
  if ("message" in value && typeof value.message === "string") return `${key}: ${value.message}`;
  return `${key}.${describe(value as Readonly<Record<string, unknown>>)}`;
}
