/** Fields as clients send them: options by type, ids, and how fields of one list replace another. */

import { crc32 } from "../../../../tools/crc32.ts";
import { toDate } from "../../../../tools/fields/dates.ts";
import { isFieldType } from "../../../../tools/fields/kinds.ts";
import type { Field, FieldType } from "../../schema.ts";
import {
  asObject,
  malformed,
  own,
  type Read,
  readFlag,
  readNumber,
  readText,
  readTexts,
  readWhole,
} from "./reading.ts";

interface Option {
  readonly zero: unknown;
  readonly read: (given: unknown) => unknown;
}

function option<T>(read: Read<T>, zero: T): Option {
  return { zero, read: (given) => read(given, zero) };
}

const flag = option(readFlag, false);
const text = option(readText, "");
const whole = option(readWhole, 0);
const number = option(readNumber, null);
const texts = option(readTexts, null);
const date = option<string>((given, zero) => toDate(readText(given, zero)), "");

const DOMAINS = { exceptDomains: texts, onlyDomains: texts, required: flag };

const OPTIONS: Readonly<Record<FieldType, Readonly<Record<string, Option>>>> = {
  autodate: { onCreate: flag, onUpdate: flag },
  bool: { required: flag },
  date: { max: date, min: date, required: flag },
  editor: { convertURLs: flag, maxSize: whole, required: flag },
  email: DOMAINS,
  file: {
    maxSelect: whole,
    maxSize: whole,
    mimeTypes: texts,
    protected: flag,
    required: flag,
    thumbs: texts,
  },
  geoPoint: { required: flag },
  json: { maxSize: whole, required: flag },
  number: { max: number, min: number, onlyInt: flag, required: flag },
  password: { cost: whole, max: whole, min: whole, pattern: text, required: flag },
  relation: {
    cascadeDelete: flag,
    collectionId: text,
    maxSelect: whole,
    minSelect: whole,
    required: flag,
  },
  select: { maxSelect: whole, required: flag, values: texts },
  text: {
    autogeneratePattern: text,
    max: whole,
    min: whole,
    pattern: text,
    primaryKey: flag,
    required: flag,
  },
  url: DOMAINS,
};

/** A field of its type with `given` over the defaults; its id is "" where none was given. */
export function makeField(type: FieldType, given: Readonly<Record<string, unknown>>): Field {
  const options = Object.entries(OPTIONS[type]);
  return {
    hidden: readFlag(own(given, "hidden"), false),
    id: readText(own(given, "id"), ""),
    name: readText(own(given, "name"), ""),
    presentable: readFlag(own(given, "presentable"), false),
    system: readFlag(own(given, "system"), false),
    type,
    ...Object.fromEntries(options.map(([name, { read }]) => [name, read(own(given, name))])),
  };
}

/** The fields of a body, not yet identified. Error: 400 `invalid_body`, unknown types included. */
export function readFields(given: unknown): Field[] {
  if (given === null) return [];
  if (!Array.isArray(given)) throw malformed();
  return given.map((each) => {
    const source = asObject(each);
    const type = readText(own(source, "type"), "");
    if (!isFieldType(type)) throw malformed();
    return makeField(type, source);
  });
}

/**
 * `field` at the end of the list or, when it is there already, in its place: by id where it has
 * one, by name where not. So of two the last one wins.
 */
export function addField(list: readonly Field[], field: Field): Field[] {
  const same = list.findIndex((each) =>
    field.id === "" ? field.name !== "" && each.name === field.name : each.id === field.id,
  );
  const known = same < 0 ? undefined : list[same];
  if (known) return list.with(same, { ...field, id: field.id || known.id });
  return [...list, { ...field, id: field.id || freeId(list, field) }];
}

export function identified(fields: readonly Field[]): Field[] {
  return fields.reduce(addField, []);
}

/** Made from type and name; another field that was renamed may have that one already. */
function freeId(list: readonly Field[], { type, name }: Field): string {
  const base = `${type}${crc32(name)}`;
  const taken = new Set(list.map(({ id }) => id));
  for (let number = 2, id = base; ; id = `${base}${number++}`) if (!taken.has(id)) return id;
}

/** Where a field came without an id, it is the one that had its name and type: its values stay. */
export function withKnownIds(fields: readonly Field[], stored: readonly Field[]): Field[] {
  return fields.map((field) => {
    if (field.id !== "") return field;
    const same = stored.find((each) => each.name === field.name && each.type === field.type);
    return same && !fields.some(({ id }) => id === same.id) ? { ...field, id: same.id } : field;
  });
}
