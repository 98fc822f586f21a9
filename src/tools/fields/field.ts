/** Fields of collections as data, and how their options are read. */

export type FieldType =
  | "autodate"
  | "bool"
  | "date"
  | "editor"
  | "email"
  | "file"
  | "geoPoint"
  | "json"
  | "number"
  | "password"
  | "relation"
  | "select"
  | "text"
  | "url";

/** One field with its options, exactly as a collection stores it. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly hidden: boolean;
  readonly [option: string]: unknown;
}

/** Values by field name. */
export type Values = Readonly<Record<string, unknown>>;

const MIB = 1024 * 1024;

/** What an option of 0 stands for. Lengths in code points, sizes in bytes. */
export const FIELD_DEFAULTS = {
  textCharsMax: 5_000,
  passwordCharsMax: 71,
  passwordCost: 10,
  editorBytesMax: 5 * MIB,
  fileBytesMax: 5 * MIB,
  jsonBytesMax: MIB,
} as const;

/** Space of a record's body for everything that no field's size option speaks of. */
const BODY_BYTES = 32 * MIB;

/** Whether a field's value is a list. */
export function isMultiple(field: Field): boolean {
  return isList(field) && numberOption(field, "maxSelect") > 1;
}

/** Whether a field's value is one or several of something: options, records, files. */
export function isList(field: Field): boolean {
  return field.type === "select" || field.type === "relation" || field.type === "file";
}

/** The most values a list field takes: an option of 0 or 1 is one. */
export function maxSelect(field: Field): number {
  return Math.max(1, numberOption(field, "maxSelect"));
}

/** A whole or decimal option; 0 when it is unset. */
export function numberOption(field: Field, option: string): number {
  const value = field[option];
  return typeof value === "number" ? value : 0;
}

/** An option where 0, unset and negative stand for a default. */
export function sizeOption(field: Field, option: string, otherwise: number): number {
  const value = numberOption(field, option);
  return value > 0 ? value : otherwise;
}

export function textOption(field: Field, option: string): string {
  const value = field[option];
  return typeof value === "string" ? value : "";
}

export function listOption(field: Field, option: string): readonly string[] {
  const value = field[option];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The largest body, in bytes, that a create or update of a record with these fields may have. */
export function recordBodyBytesMax(fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + fieldBytesMax(field), BODY_BYTES);
}

function fieldBytesMax(field: Field): number {
  switch (field.type) {
    case "file":
      return sizeOption(field, "maxSize", FIELD_DEFAULTS.fileBytesMax) * maxSelect(field);
    case "json":
      return sizeOption(field, "maxSize", FIELD_DEFAULTS.jsonBytesMax);
    case "editor":
      return sizeOption(field, "maxSize", FIELD_DEFAULTS.editorBytesMax);
    default:
      return 0;
  }
}
