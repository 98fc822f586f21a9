/** The kind of passwords: plain on their way in, a hash at rest, nothing on the way out. */

import { assert, type FieldError } from "../../base/errors.ts";
import { faults } from "./faults.ts";
import { FIELD_DEFAULTS, type Field, type Values } from "./field.ts";
import type { ValueKind } from "./kind.ts";
import { toText } from "./scalars.ts";
import { checkText, textRules } from "./text-kinds.ts";

/** bcrypt looks at no more bytes than this. */
const BCRYPT_BYTES_MAX = 72;

/**
 * A password as somebody typed it. A type of its own, so that a plain text can never be taken for a
 * hash and be stored, nor be printed with a record.
 */
export class NewPassword {
  readonly #plain: string;
  /** Nobody typed it: the field's rules for plain texts do not count. */
  readonly isGenerated: boolean;

  constructor(plain: string, options: { readonly isGenerated?: boolean } = {}) {
    this.#plain = plain;
    this.isGenerated = options.isGenerated ?? false;
  }

  get plain(): string {
    return this.#plain;
  }

  toJSON(): string {
    return "";
  }
}

/** A value is a NewPassword, or the text of a hash; both are "" when there is none. */
export function passwordKind(field: Field): ValueKind {
  const rules = textRules(field, FIELD_DEFAULTS.passwordCharsMax);
  const check = (value: unknown): FieldError | undefined => {
    const isPlain = value instanceof NewPassword;
    const text = isPlain ? value.plain : toText(value);
    if (text === "") return field.required === true ? faults.required() : undefined;
    if (!isPlain || value.isGenerated) return undefined;
    const fault = checkText(text, rules);
    // The lengths are told in words only.
    if (fault) return { code: fault.code, message: fault.message };
    return Buffer.byteLength(text) > BCRYPT_BYTES_MAX ? faults.invalidValue() : undefined;
  };
  return {
    zero: () => "",
    cast(input) {
      if (input instanceof NewPassword) return input;
      const plain = toText(input);
      return plain === "" ? "" : new NewPassword(plain);
    },
    check,
    encode(value) {
      assert(!(value instanceof NewPassword), "a password is hashed before it is stored");
      return toText(value);
    },
    decode: toText,
    publish: () => "",
    forRules: (value) => (value instanceof NewPassword ? value.plain : ""),
  };
}

/** Of bcrypt: the binary logarithm of its rounds. */
export function passwordCost(field: Field | undefined): number {
  return Number(field?.cost) || FIELD_DEFAULTS.passwordCost;
}

/** The record with every new password replaced by its hash. `hash` gets the field's bcrypt cost. */
export async function hashPasswords(
  fields: readonly Field[],
  values: Values,
  hash: (plain: string, cost: number) => Promise<string>,
): Promise<Values> {
  let hashed = values;
  for (const field of fields) {
    const value = values[field.name];
    if (!(value instanceof NewPassword)) continue;
    hashed = { ...hashed, [field.name]: await hash(value.plain, passwordCost(field)) };
  }
  return hashed;
}
