/** Bodies of forms, multipart or urlencoded, as the values that a JSON body would have had. */

import { fail } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { parseJsonText } from "./fields/json-values.ts";
import { plainDecimal } from "./fields/scalars.ts";
import type { SentFile, SentFiles } from "./fields/upload.ts";

/** A key and its value or file. */
export type FormEntry = readonly [key: string, value: string | SentFile];

export interface InferredForm {
  /** Values by key; a key that came more than once has a list of them. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly files: SentFiles;
}

/** Fields of this name hold JSON objects, laid over the other values in the order they came. */
export const JSON_PAYLOAD = "@jsonPayload";

/**
 * Infers the types of a form's values. Errors: 400 `invalid_form` for a payload that is no JSON
 * object or is nested too deep, and for too many entries.
 */
export function inferForm(entries: Iterable<FormEntry>): InferredForm {
  const values = new Map<string, unknown[]>();
  const files = new Map<string, SentFile[]>();
  const payloads: string[] = [];
  let count = 0;
  for (const [key, value] of entries) {
    if (++count > LIMITS.formEntriesMax) throw invalid("The form has too many entries.");
    if (typeof value !== "string") push(files, key, value);
    else if (key === JSON_PAYLOAD) payloads.push(value);
    else push(values, key, inferValue(value));
  }
  const plain = [...values].map(
    ([key, list]) => [key, list.length === 1 ? list[0] : list] as const,
  );
  const body = Object.fromEntries([
    ...plain,
    ...payloads.flatMap((payload) => Object.entries(parsePayload(payload))),
  ]);
  return { body, files };
}

/** A boolean or number where the text is exactly how one is written; else the text. */
export function inferValue(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  if (!/^-?\d[\d.]*$/.test(text) || text.length > NUMBER_CHARS_MAX) return text;
  const value = Number(text);
  return Number.isFinite(value) && plainDecimal(value) === text ? value : text;
}

/** Longer text is no number's shortest writing. */
const NUMBER_CHARS_MAX = 330;

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function parsePayload(text: string): Record<string, unknown> {
  const value = parseJsonText(text);
  if (value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid("A JSON payload of the form is not an object.");
}

function invalid(message: string) {
  return fail.invalid("invalid_form", message);
}
