/** A record of one field `f`, and the fates of what is sent to it. */

import type { Field, FieldType } from "../../src/tools/fields/field.ts";
import { resolveBody } from "../../src/tools/fields/modifiers.ts";
import { RecordFields } from "../../src/tools/fields/record-fields.ts";
import type { SentFile } from "../../src/tools/fields/upload.ts";
import { sniffType } from "../../src/tools/mime.ts";
import { randomBelow } from "../../src/tools/random.ts";

export type Options = Readonly<Record<string, unknown>>;

export function field(type: FieldType, options: Options = {}, name = "f"): Field {
  return { name, type, hidden: false, ...options };
}

/** Repeatable chance. */
export function seeded(seed = 1) {
  let state = seed >>> 0;
  return randomBelow((bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[i] = state >>> 24;
    }
    return bytes;
  });
}

/** The value, column and fault code of one input to a new record of that one field. */
export function fate(of: Field, input: unknown) {
  const fields = new RecordFields([of]);
  const { values } = resolveBody(target(fields), { [of.name]: input });
  const record = { ...fields.zero(), ...values };
  const fault = fields.check(record, undefined)?.[of.name];
  return { value: record[of.name], code: fault?.code, params: fault?.params };
}

export function target(fields: RecordFields, record?: Readonly<Record<string, unknown>>) {
  return { fields, record, random: seeded(), writesHidden: false, isAuth: false };
}

/** A file of a form, sniffed as the server does it. */
export function sentFile(filename: string, content: string): SentFile {
  const bytes = Buffer.from(content);
  return { filename, bytes: bytes.length, ...sniffType(bytes), content: { kind: "bytes", bytes } };
}
