/** The table of field types. */

import type { Field, FieldType } from "./field.ts";
import type { ValueKind } from "./kind.ts";
import { fileKind, relationKind, selectKind } from "./list-kinds.ts";
import { passwordKind } from "./password-kind.ts";
import {
  autodateKind,
  boolKind,
  dateKind,
  geoPointKind,
  jsonKind,
  numberKind,
} from "./scalar-kinds.ts";
import { editorKind, emailKind, textKind, urlKind } from "./text-kinds.ts";

const KINDS: Readonly<Record<FieldType, (field: Field) => ValueKind>> = {
  autodate: autodateKind,
  bool: boolKind,
  date: dateKind,
  editor: editorKind,
  email: emailKind,
  file: fileKind,
  geoPoint: geoPointKind,
  json: jsonKind,
  number: numberKind,
  password: passwordKind,
  relation: relationKind,
  select: selectKind,
  text: textKind,
  url: urlKind,
};

export function isFieldType(type: string): type is FieldType {
  return Object.hasOwn(KINDS, type);
}

/**
 * What a field does with its values. Compiles patterns and options: made once for a field, as
 * `RecordFields` does.
 */
export function valueKind(field: Field): ValueKind {
  return KINDS[field.type](field);
}
