/** Checks of a collection's indexes, as far as their texts and names go. */

import type { Field } from "../../schema.ts";
import { type FaultMap, type Faults, fault } from "./faults.ts";
import { buildIndex, findUniqueIndex, type Index, parseIndex } from "./index-text.ts";

export interface IndexCheck {
  readonly type: string;
  readonly indexes: readonly string[];
  /** As it is stored; undefined for a new collection. */
  readonly stored:
    | { readonly fields: readonly Field[]; readonly indexes: readonly string[] }
    | undefined;
  /** Name of the other table that has an index of this name, if one has. */
  readonly usedBy: (indexName: string) => string | undefined;
}

const REQUIRED_UNIQUE = ["tokenKey", "email"];

export function checkIndexes(check: IndexCheck): Faults | undefined {
  const { type, indexes } = check;
  if (type === "view") {
    return indexes.length > 0 ? fault("validation_indexes_not_supported") : undefined;
  }
  const invalid = checkEach(check) ?? checkSystemIndexes(check);
  if (invalid || type !== "auth") return invalid;
  const fieldName = REQUIRED_UNIQUE.find((name) => !findUniqueIndex(indexes, name));
  if (fieldName === undefined) return undefined;
  return fault("validation_missing_required_unique_index", { fieldName });
}

/** The first that is wrong. */
function checkEach({ indexes, usedBy }: IndexCheck): FaultMap | undefined {
  const names = new Set<string>();
  const definitions = new Set<string>();
  for (const [place, text] of indexes.entries()) {
    const index = parseIndex(text);
    if (!index) {
      const reason = "a CREATE INDEX statement is needed";
      return { [place]: fault("validation_invalid_index_expression", { reason }) };
    }
    const name = index.name.toLowerCase();
    if (names.has(name)) return { [place]: fault("validation_duplicated_index_name") };
    const usedTableName = usedBy(index.name);
    if (usedTableName !== undefined) {
      return { [place]: fault("validation_existing_index_name", { usedTableName }) };
    }
    const definition = buildIndex({ ...index, name: "any", schema: "", table: "any" });
    if (definitions.has(definition)) {
      return { [place]: fault("validation_duplicated_index_definition") };
    }
    names.add(name);
    definitions.add(definition);
  }
  return undefined;
}

/** A unique index over a field of the system stays; its name, order and condition may change. */
function checkSystemIndexes({ indexes, stored }: IndexCheck): Faults | undefined {
  if (!stored) return undefined;
  const kept = new Set(indexes.map((text) => constraintOf(parseIndex(text))));
  for (const text of stored.indexes) {
    const index = parseIndex(text);
    if (!index?.unique) continue;
    const columns = index.columns.map(({ name }) => name.toLowerCase());
    const field = stored.fields.find(
      ({ system, name }) => system && columns.includes(name.toLowerCase()),
    );
    if (!field || kept.has(constraintOf(index))) continue;
    return fault("validation_invalid_unique_system_field_index", { fieldName: field.name });
  }
  return undefined;
}

function constraintOf(index: Index | undefined): string {
  if (!index?.unique) return "";
  const columns = index.columns.map(({ name }) => ({ name, collate: "", sort: "" }));
  return buildIndex({ ...index, columns, name: "any", schema: "", table: "any", where: "" });
}
