/** Kinds whose values are text: text, editor, email, url. */

import type { FieldError } from "../../base/errors.ts";
import { isEmail, isUrl, urlHost } from "./addresses.ts";
import { faults } from "./faults.ts";
import { FIELD_DEFAULTS, type Field, listOption, sizeOption, textOption } from "./field.ts";
import { type CheckContext, plainKind, type ValueKind } from "./kind.ts";
import { compilePattern, type Matches } from "./pattern.ts";
import { checkKeyCharacters, hasDefaultPattern, isPrimaryKey } from "./primary-key.ts";
import { toText } from "./scalars.ts";

const textual = {
  ...plainKind,
  zero: () => "",
  cast: toText,
  encode: toText,
  decode: toText,
} as const;

export function textKind(field: Field): ValueKind {
  const rules = textRules(field, FIELD_DEFAULTS.textCharsMax);
  const isKey = isPrimaryKey(field);
  const needed = field.required === true || isKey;
  const strict = isKey && !hasDefaultPattern(field);
  const check = (value: unknown, context: CheckContext): FieldError | undefined => {
    const text = toText(value);
    if (isKey && !context.isNew) {
      if (text !== context.stored) return faults.keyChanged();
      // Ids that came from elsewhere stay as they are.
      if (text !== "") return undefined;
    }
    if (text === "") return needed ? faults.required() : undefined;
    return checkText(text, rules) ?? (strict ? checkKeyCharacters(text) : undefined);
  };
  return { ...textual, check };
}

export interface TextRules {
  readonly min: number;
  readonly max: number;
  /** Undefined without a pattern; a pattern that does not compile matches nothing. */
  readonly matches: Matches | undefined;
}

export function textRules(field: Field, charsMax: number): TextRules {
  const pattern = textOption(field, "pattern");
  return {
    min: sizeOption(field, "min", 0),
    max: sizeOption(field, "max", charsMax),
    matches: pattern === "" ? undefined : (compilePattern(pattern) ?? (() => false)),
  };
}

/** Length in code points, and pattern. */
export function checkText(text: string, rules: TextRules): FieldError | undefined {
  const length = codePoints(text, rules.max);
  if (length < rules.min) return faults.tooShort(rules.min);
  if (length > rules.max) return faults.tooLong(rules.max);
  return rules.matches && !rules.matches(text) ? faults.invalidFormat() : undefined;
}

/** Counted only where the number of UTF-16 units leaves a doubt about the bounds. */
function codePoints(text: string, max: number): number {
  if (text.length > max * 2) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

export function editorKind(field: Field): ValueKind {
  const max = sizeOption(field, "maxSize", FIELD_DEFAULTS.editorBytesMax);
  const check = (value: unknown) => {
    const text = toText(value);
    if (text === "" && field.required === true) return faults.required();
    return Buffer.byteLength(text) > max ? faults.contentSize(max) : undefined;
  };
  return { ...textual, check };
}

export function emailKind(field: Field): ValueKind {
  const refused = domainRule(field);
  const check = (value: unknown) => {
    const text = toText(value);
    if (text === "") return field.required === true ? faults.required() : undefined;
    if (!isEmail(text)) return faults.notAnEmail();
    return refused(text.slice(text.lastIndexOf("@") + 1)) ? faults.emailDomain() : undefined;
  };
  return { ...textual, check };
}

export function urlKind(field: Field): ValueKind {
  const refused = domainRule(field);
  const check = (value: unknown) => {
    const text = toText(value);
    if (text === "") return field.required === true ? faults.required() : undefined;
    if (!isUrl(text)) return faults.notAUrl();
    return refused(urlHost(text)) ? faults.urlDomain() : undefined;
  };
  return { ...textual, check };
}

/** Domains compare as they are written, case and port included. */
function domainRule(field: Field): (domain: string) => boolean {
  const only = new Set(listOption(field, "onlyDomains"));
  const except = new Set(listOption(field, "exceptDomains"));
  return (domain) => (only.size > 0 && !only.has(domain)) || except.has(domain);
}
