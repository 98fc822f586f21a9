/**
 * Collections and fields as the records platform stores them: one row of `_collections` each, with
 * the layout, ids and column types that a PocketBase 0.36 data directory has.
 */

import { crc32 } from "../../tools/crc32.ts";
import type { Field as FieldOptions, FieldType } from "../../tools/fields/field.ts";

export type { FieldType };

/** One field with its options, exactly as kept in `_collections.fields`. */
export interface Field extends FieldOptions {
  readonly id: string;
  readonly system: boolean;
  readonly presentable: boolean;
}

export type CollectionType = "base" | "auth" | "view";

export interface Rules {
  readonly listRule: string | null;
  readonly viewRule: string | null;
  readonly createRule: string | null;
  readonly updateRule: string | null;
  readonly deleteRule: string | null;
}

export interface Collection extends Rules {
  readonly id: string;
  readonly name: string;
  readonly type: CollectionType;
  readonly system: boolean;
  readonly fields: readonly Field[];
  /** `CREATE INDEX` statements. */
  readonly indexes: readonly string[];
  /** What only one type of collection has: token durations and secrets, templates, view query. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A collection as a feature writes it down; ids, the id field and nulls are filled in. */
export interface CollectionDefinition extends Partial<Rules> {
  readonly id?: string;
  readonly name: string;
  readonly type?: CollectionType;
  readonly system?: boolean;
  readonly fields: readonly Field[];
  readonly indexes?: readonly string[];
  readonly options?: Readonly<Record<string, unknown>>;
}

const LOCKED: Rules = {
  listRule: null,
  viewRule: null,
  createRule: null,
  updateRule: null,
  deleteRule: null,
};

export function defineCollection(definition: CollectionDefinition): Collection {
  const type = definition.type ?? "base";
  return {
    ...LOCKED,
    system: false,
    indexes: [],
    options: {},
    ...definition,
    type,
    id: definition.id ?? collectionId(type, definition.name),
  };
}

export function collectionId(type: CollectionType, name: string): string {
  return `pbc_${crc32(type + name)}`;
}

type Options = Readonly<Record<string, unknown>>;

function field(type: FieldType, name: string, options: Options): Field {
  return {
    hidden: false,
    id: `${type}${crc32(name)}`,
    name,
    presentable: false,
    system: false,
    type,
    ...options,
  };
}

/** Makers of fields; `options` override the defaults shown. */
export const fields = {
  id: (): Field =>
    field("text", "id", {
      autogeneratePattern: "[a-z0-9]{15}",
      max: 15,
      min: 15,
      pattern: "^[a-z0-9]+$",
      primaryKey: true,
      required: true,
      system: true,
    }),
  text: (name: string, options: Options = {}): Field =>
    field("text", name, {
      autogeneratePattern: "",
      max: 0,
      min: 0,
      pattern: "",
      primaryKey: false,
      required: false,
      ...options,
    }),
  number: (name: string, options: Options = {}): Field =>
    field("number", name, { max: null, min: null, onlyInt: false, required: false, ...options }),
  bool: (name: string, options: Options = {}): Field =>
    field("bool", name, { required: false, ...options }),
  email: (name: string, options: Options = {}): Field =>
    field("email", name, { exceptDomains: null, onlyDomains: null, required: false, ...options }),
  date: (name: string, options: Options = {}): Field =>
    field("date", name, { max: "", min: "", required: false, ...options }),
  autodate: (name: string, options: Options = {}): Field =>
    field("autodate", name, { onCreate: true, onUpdate: false, ...options }),
  select: (name: string, values: readonly string[], options: Options = {}): Field =>
    field("select", name, { maxSelect: 1, required: false, values, ...options }),
  relation: (name: string, collection: string, options: Options = {}): Field =>
    field("relation", name, {
      cascadeDelete: false,
      collectionId: collection,
      maxSelect: 1,
      minSelect: 0,
      required: false,
      ...options,
    }),
  json: (name: string, options: Options = {}): Field =>
    field("json", name, { maxSize: 0, required: false, ...options }),
  file: (name: string, options: Options = {}): Field =>
    field("file", name, {
      maxSelect: 1,
      maxSize: 0,
      mimeTypes: null,
      protected: false,
      required: false,
      thumbs: null,
      ...options,
    }),
  password: (name: string, options: Options = {}): Field =>
    field("password", name, {
      cost: 0,
      hidden: true,
      max: 0,
      min: 0,
      pattern: "",
      required: true,
      system: true,
      ...options,
    }),
};

/** `created` and `updated`, which every collection of ours has. */
export function timestamps(options: Options = {}): Field[] {
  return [
    fields.autodate("created", { ...options, onCreate: true, onUpdate: false }),
    fields.autodate("updated", { ...options, onCreate: true, onUpdate: true }),
  ];
}

/** Whether a field's value is a list. */
export function isMultiple(of: Field): boolean {
  const lists = of.type === "select" || of.type === "relation" || of.type === "file";
  return lists && Number(of.maxSelect) > 1;
}

/** The column's SQL type; NUMERIC affinity for numbers and JSON is the reference's own. */
export function columnType(of: Field): string {
  if (of.name === "id") {
    return "TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL";
  }
  if (isMultiple(of)) return "JSON DEFAULT '[]' NOT NULL";
  switch (of.type) {
    case "number":
      return "NUMERIC DEFAULT 0 NOT NULL";
    case "bool":
      return "BOOLEAN DEFAULT FALSE NOT NULL";
    case "json":
      return "JSON DEFAULT NULL";
    case "geoPoint":
      return `JSON DEFAULT '{"lon":0,"lat":0}' NOT NULL`;
    default:
      return "TEXT DEFAULT '' NOT NULL";
  }
}
