/** Checks of a whole collection before it is saved. */

import { AppError } from "../../../../base/errors.ts";
import type { RandomBelow } from "../../../../tools/random.ts";
import type { Collection, Field, Rules } from "../../schema.ts";
import { Filters } from "../filters.ts";
import { checkAuthOptions } from "./auth-checks.ts";
import { lengthBetween, required, withoutVia, wordsOnly } from "./checks.ts";
import { AUTH_FIELD_NAMES, hasKey } from "./defaults.ts";
import { type Draft, toStored } from "./draft.ts";
import { collect, type FaultCode, type FaultMap, type Faults, fault, firstOf } from "./faults.ts";
import { checkField } from "./field-checks.ts";
import { checkIndexes } from "./index-checks.ts";

/** What a collection must fit into. */
export interface Surroundings {
  /** The other collections as they will be. */
  readonly others: readonly Collection[];
  /** Names, in lower case, of tables that are no collection's. */
  readonly tables: ReadonlySet<string>;
  /** Tables by the names, in lower case, of their indexes. */
  readonly indexTables: ReadonlyMap<string, string>;
  /** Fields of the collection that its feature needs as they are, by name. */
  readonly claimed: ReadonlySet<string> | undefined;
  readonly random: RandomBelow;
}

export interface CollectionCheck extends Surroundings {
  readonly draft: Draft;
  /** Undefined for a new one. */
  readonly stored: Draft | undefined;
  /** Why the view's query gives no fields; undefined where it does. */
  readonly queryFault: string | undefined;
  /** Rules may speak of collections that are saved only after this one. */
  readonly withRules: boolean;
}

const ID_BYTES = { min: 1, max: 100 };
const NAME_BYTES = { min: 1, max: 255 };
const RULE_NAMES = ["listRule", "viewRule", "createRule", "updateRule", "deleteRule"] as const;
/** A view is only read. */
const WRITE_RULES: readonly string[] = ["createRule", "updateRule", "deleteRule"];
const RESERVED_IN_AUTH = new Set(["passwordConfirm", "oldPassword"]);

/** Undefined when nothing is wrong. */
export function checkCollection(check: CollectionCheck): FaultMap | undefined {
  const { draft, stored } = check;
  const rules = ruleChecker(check);
  const ruleFaults = RULE_NAMES.map((name) => [name, checkOwnRule(check, name, rules)] as const);
  return collect({
    id: stored ? undefined : checkId(check),
    system:
      stored && stored.system !== draft.system
        ? fault("validation_collection_system_flag_change")
        : undefined,
    type: checkType(check),
    name: checkName(check),
    fields: checkFields(check),
    ...Object.fromEntries(ruleFaults),
    indexes: checkIndexes({ ...draft, stored, usedBy: (name) => indexOwner(check, name) }),
    ...checkOptions(check, rules),
  });
}

function checkId({ draft, others }: CollectionCheck): Faults | undefined {
  return firstOf(
    () => required(draft.id),
    () => lengthBetween(draft.id, ID_BYTES),
    () => wordsOnly(draft.id),
    () =>
      others.some(({ id }) => id === draft.id)
        ? fault("validation_invalid_or_existing_id")
        : undefined,
  );
}

function checkType({ draft, stored }: CollectionCheck): Faults | undefined {
  return firstOf(
    () => required(draft.type),
    () =>
      ["base", "auth", "view"].includes(draft.type) ? undefined : fault("validation_in_invalid"),
    () =>
      stored && stored.type !== draft.type ? fault("validation_collection_type_change") : undefined,
  );
}

function checkName({ draft, stored, others, tables, claimed }: CollectionCheck) {
  const { name } = draft;
  const lower = name.toLowerCase();
  const fixed = stored && (stored.system || claimed !== undefined) && stored.name !== name;
  return firstOf(
    () => required(name),
    () => lengthBetween(name, NAME_BYTES),
    () => withoutVia(name),
    () => wordsOnly(name),
    () => (fixed ? fault("validation_collection_system_name_change") : undefined),
    () =>
      others.some((other) => other.name.toLowerCase() === lower)
        ? fault("validation_collection_name_exists")
        : undefined,
    () =>
      others.some((other) => other.id === name)
        ? fault("validation_collection_name_id_duplicate")
        : undefined,
    () =>
      tables.has(lower) || lower.startsWith("sqlite_")
        ? fault("validation_collection_name_invalid")
        : undefined,
  );
}

function checkFields(check: CollectionCheck): Faults | undefined {
  const { fields, type } = check.draft;
  return firstOf(
    () => checkRepeated(fields),
    () => required(fields),
    () => (hasKey(fields) ? undefined : fault("validation_missing_primary_key")),
    () => (type === "auth" ? checkAuthFields(fields) : undefined),
    () => (type === "view" ? undefined : checkKept(check)),
    () => (type === "auth" ? checkReserved(fields) : undefined),
    () => checkEachField(check),
  );
}

function checkRepeated(fields: readonly Field[]): FaultMap | undefined {
  const ids = new Set<string>();
  const names = new Set<string>();
  for (const [place, { id, name }] of fields.entries()) {
    if (ids.has(id)) {
      return { [place]: { id: fault("validation_duplicated_field_id", { fieldId: id }) } };
    }
    if (names.has(name.toLowerCase())) {
      const repeated = fault("validation_duplicated_field_name", { fieldName: name });
      return { [place]: { name: repeated } };
    }
    ids.add(id);
    names.add(name.toLowerCase());
  }
  return undefined;
}

function checkAuthFields(fields: readonly Field[]): Faults | undefined {
  const missing = AUTH_FIELD_NAMES.find(
    ({ name, type }) => !fields.some((field) => field.name === name && field.type === type),
  );
  return missing && fault(`validation_missing_${missing.name}_field` as FaultCode);
}

/** Fields of the system and of a feature stay, and no field changes its type. */
function checkKept({ draft, stored, claimed }: CollectionCheck): Faults | undefined {
  if (!stored) return undefined;
  for (const field of stored.fields) {
    const now = draft.fields.find(({ id }) => id === field.id);
    if (field.system && now?.name !== field.name) return fault("validation_system_field_change");
    if (claimed?.has(field.name) && !(now && Bun.deepEquals(shape(now), shape(field)))) {
      return fault("validation_system_field_change");
    }
  }
  const retyped = draft.fields.flatMap((field, place) => {
    const before = stored.fields.find(({ id }) => id === field.id);
    const changed = before !== undefined && before.type !== field.type;
    return changed ? [[place, fault("validation_field_type_change")] as const] : [];
  });
  return collect(Object.fromEntries(retyped));
}

/** A field but for what only tells pages how to show it. */
function shape(field: Field): object {
  return { ...field, presentable: false };
}

function checkReserved(fields: readonly Field[]): FaultMap | undefined {
  const reserved = fields.flatMap(({ name: fieldName }, place) =>
    RESERVED_IN_AUTH.has(fieldName)
      ? [[place, { name: fault("validation_reserved_field_name") }] as const]
      : [],
  );
  return collect(Object.fromEntries(reserved));
}

function checkEachField({ draft, stored, others, random }: CollectionCheck): FaultMap | undefined {
  const faults = draft.fields.map((field, place) => {
    const found = checkField({
      field,
      fields: draft.fields,
      stored: stored?.fields.find(({ id }) => id === field.id),
      ofView: draft.type === "view",
      collection: (id) =>
        id === draft.id ? toStored(draft) : others.find((other) => other.id === id),
      random,
    });
    return [place, found] as const;
  });
  return collect(Object.fromEntries(faults));
}

type CheckRule = (rule: string | null, stored: string | null) => Faults | undefined;

/** Compiles rules against the schema as it will be. */
function ruleChecker({ draft, stored, others, withRules }: CollectionCheck): CheckRule {
  const collection = toStored(draft);
  const filters = withRules ? new Filters([...others, collection]) : undefined;
  return (rule, before) => {
    if (rule && filters) {
      try {
        filters.checkRule(collection, rule);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return fault("validation_invalid_rule", { reason: error.message });
      }
    }
    const fixed = stored?.system === true && rule !== before;
    return fixed ? fault("validation_collection_system_rule_change") : undefined;
  };
}

function checkOwnRule(
  { draft, stored }: CollectionCheck,
  name: keyof Rules,
  rules: CheckRule,
): Faults | undefined {
  const rule = draft[name];
  if (draft.type === "view" && WRITE_RULES.includes(name) && rule !== null) {
    return fault("validation_nil");
  }
  return rules(rule, stored ? stored[name] : rule);
}

function checkOptions(
  { draft, stored, queryFault }: CollectionCheck,
  checkRule: CheckRule,
): FaultMap | undefined {
  if (draft.type === "auth") {
    const options = { options: draft.auth, stored: stored?.auth, checkRule };
    return checkAuthOptions({ collection: draft, ...options });
  }
  if (draft.type !== "view") return undefined;
  const missing = required(draft.viewQuery);
  if (missing) return { viewQuery: missing };
  if (queryFault === undefined) return undefined;
  return { viewQuery: fault("validation_invalid_view_query", { reason: queryFault }) };
}

function indexOwner({ draft, stored, indexTables }: CollectionCheck, name: string) {
  const owner = indexTables.get(name.toLowerCase());
  const own = [draft.name, stored?.name ?? draft.name].some(
    (table) => table.toLowerCase() === owner?.toLowerCase(),
  );
  return own ? undefined : owner;
}
