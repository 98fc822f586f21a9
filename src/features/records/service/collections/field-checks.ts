/** Checks of one field: its name, its options by type. */

import { listOption, numberOption, textOption } from "../../../../tools/fields/field.ts";
import { isPrimaryKey } from "../../../../tools/fields/primary-key.ts";
import { checkAutogenerate, checkPattern } from "../../../../tools/fields/settings.ts";
import type { RandomBelow } from "../../../../tools/random.ts";
import type { Collection, Field } from "../../schema.ts";
import { isDomain, lengthBetween, limits, required, withoutVia, wordsOnly } from "./checks.ts";
import { collect, collectItems, type FaultMap, type Faults, fault, firstOf } from "./faults.ts";

export interface FieldCheck {
  readonly field: Field;
  /** All fields of the collection. */
  readonly fields: readonly Field[];
  /** The same field as it is stored, by its id. */
  readonly stored: Field | undefined;
  readonly ofView: boolean;
  /** By exact id. */
  readonly collection: (id: string) => Pick<Collection, "type"> | undefined;
  readonly random: RandomBelow;
}

type Options = Readonly<Record<string, Faults | undefined>>;

const NAME_BYTES = { min: 1, max: 100 };
/** Words of filters, and keys that records carry beside their fields. */
const RESERVED = new Set([
  "null",
  "true",
  "false",
  "_rowid_",
  "collectionId",
  "collectionName",
  "expand",
]);
const WHOLE = { min: 0, max: Number.MAX_SAFE_INTEGER };
const PASSWORD_CHARS = { min: 1, max: 71 };
const BCRYPT_COST = { min: 4, max: 31 };
const THUMB = /^\d+x\d+[tbf]?$/;
const NO_THUMB = /^0x0[tbf]?$/;

export function checkField(check: FieldCheck): FaultMap | undefined {
  const { field } = check;
  return collect({
    id: firstOf(
      () => required(field.id),
      () => lengthBetween(field.id, NAME_BYTES),
    ),
    name: firstOf(
      () => required(field.name),
      () => lengthBetween(field.name, NAME_BYTES),
      () => wordsOnly(field.name),
      () => (RESERVED.has(field.name) ? fault("validation_not_in_invalid") : undefined),
      () => withoutVia(field.name),
      () => {
        const misnamed = isPrimaryKey(field) && field.name !== "id";
        return misnamed ? fault("validation_in_invalid") : undefined;
      },
    ),
    ...checkOptions(check),
  });
}

function checkOptions(check: FieldCheck): Options {
  const { field } = check;
  const number = (name: string) => numberOption(field, name);
  const whole = (...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, limits(number(name), WHOLE)]));
  switch (field.type) {
    case "text":
      return checkText(check);
    case "password":
      return {
        min: limits(number("min"), PASSWORD_CHARS),
        max: limits(number("max"), { min: number("min"), max: PASSWORD_CHARS.max }),
        cost: limits(number("cost"), BCRYPT_COST),
        pattern: checkPattern(textOption(field, "pattern")),
      };
    case "number":
      return checkNumber(field);
    case "email":
    case "url":
      return checkDomains(field);
    case "select": {
      const values = listOption(field, "values");
      const most = { min: 0, max: Math.max(1, values.length) };
      return { values: required(values), maxSelect: limits(number("maxSelect"), most) };
    }
    case "relation":
      return checkRelation(check);
    case "file":
      return {
        ...whole("maxSelect", "maxSize"),
        thumbs: collectItems(listOption(field, "thumbs"), (size) => {
          if (NO_THUMB.test(size)) return fault("validation_not_in_invalid");
          return size === "" || THUMB.test(size) ? undefined : fault("validation_match_invalid");
        }),
      };
    case "autodate":
      return checkAutodate(check);
    case "editor":
    case "json":
      return whole("maxSize");
    case "bool":
    case "date":
    case "geoPoint":
      return {};
  }
}

function checkText({ field, fields, random }: FieldCheck): Options {
  const isKey = isPrimaryKey(field);
  const pattern = textOption(field, "pattern");
  const min = numberOption(field, "min");
  const keys = fields.filter(isPrimaryKey).length;
  return {
    primaryKey: isKey && keys > 1 ? fault("validation_unsupported_composite_pk") : undefined,
    min: limits(min, WHOLE),
    max: limits(numberOption(field, "max"), { ...WHOLE, min }),
    pattern: (isKey ? required(pattern) : undefined) ?? checkPattern(pattern),
    hidden: isKey && field.hidden ? fault("validation_empty") : undefined,
    required: isKey ? required(field.required) : undefined,
    autogeneratePattern: checkAutogenerate(field, random),
  };
}

function checkNumber(field: Field): Options {
  const { min, max, onlyInt } = field;
  const whole = (value: unknown) =>
    onlyInt === true && typeof value === "number" && !Number.isInteger(value)
      ? fault("validation_only_int_constraint")
      : undefined;
  const above =
    typeof min === "number" && typeof max === "number" ? limits(max, { min }) : undefined;
  return { min: whole(min), max: whole(max) ?? above };
}

function checkDomains(field: Field): Options {
  const [only, except] = [listOption(field, "onlyDomains"), listOption(field, "exceptDomains")];
  if (only.length > 0 && except.length > 0) {
    const empty = fault("validation_empty");
    return { onlyDomains: empty, exceptDomains: empty };
  }
  const check = (domain: string) =>
    domain === "" || isDomain(domain) ? undefined : fault("validation_is_domain");
  return { onlyDomains: collectItems(only, check), exceptDomains: collectItems(except, check) };
}

function checkRelation({ field, stored, ofView, collection }: FieldCheck): Options {
  const id = textOption(field, "collectionId");
  const [min, max] = [numberOption(field, "minSelect"), numberOption(field, "maxSelect")];
  const checkTarget = () => {
    if (id === "") return required(id);
    if (stored?.type === "relation" && stored.collectionId !== id) {
      return fault("validation_field_relation_change");
    }
    const target = collection(id);
    if (!target) return fault("validation_field_relation_missing_collection");
    const toView = target.type === "view" && !ofView;
    return toView ? fault("validation_relation_field_non_view_base_collection") : undefined;
  };
  return {
    collectionId: checkTarget(),
    minSelect: limits(min, { min: 0 }),
    maxSelect: (min > 0 ? required(max) : undefined) ?? limits(max, { min }),
  };
}

function checkAutodate({ field, stored }: FieldCheck): Options {
  const { onCreate, onUpdate, system } = field;
  const known = stored?.type === "autodate" && system ? stored : field;
  const changed = (now: unknown, before: unknown) =>
    now === before ? undefined : fault("validation_values_mismatch");
  const neither = onCreate || onUpdate ? undefined : fault("validation_required");
  return {
    onCreate: changed(onCreate, known.onCreate) ?? neither,
    onUpdate: changed(onUpdate, known.onUpdate) ?? neither,
  };
}
