/** Values of json fields: what JSON can say, as JavaScript values. */

import { LIMITS } from "../../base/limits.ts";

/**
 * The value of what a client sent. Text that is `true`, `false` or `null`, or that begins like a
 * number, string, list or object and is valid JSON, means that JSON, because forms know only text;
 * any other text is itself, also what is nested deeper than `LIMITS.jsonFieldDepthMax`. Keys of
 * objects are put in order, so that equal values have equal text.
 */
export function toJson(input: unknown): unknown {
  const value = typeof input === "string" ? fromText(input) : ordered(input ?? null);
  // JSON text that is stored has no negative zero.
  return value === 0 ? 0 : value;
}

/** The text stored for a value; undefined for what has none: a function, a cycle, too deep. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value ?? null);
  } catch {
    return undefined;
  }
}

/** JSON text as a value; undefined for what is none, or too deep. */
export function parseJsonText(text: string): unknown {
  if (depth(text) > LIMITS.jsonFieldDepthMax) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isEmptyJson(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function fromText(text: string): unknown {
  if (text === "null") return null;
  if (text === "true" || text === "false") return text === "true";
  if (!/^[-\d"[{]/.test(text)) return text.toWellFormed();
  const value = parseJsonText(text);
  // 1e400 is valid JSON without a value here.
  const usable = value !== undefined && !(typeof value === "number" && !Number.isFinite(value));
  return usable ? value : text.toWellFormed();
}

/** What is nested too deep stays as it is, for validation to refuse. */
function ordered(value: unknown, level = 0): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (level > LIMITS.jsonFieldDepthMax) return value;
  if (Array.isArray(value)) return value.map((item) => ordered(item, level + 1));
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(
    ([key, item]) => [key, ordered(item, level + 1)] as const,
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** How deep lists and objects are nested; brackets inside strings do not count. */
function depth(text: string): number {
  let [level, deepest, quoted] = [0, 0, false];
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (quoted) {
      if (ch === "\\") i++;
      else if (ch === '"') quoted = false;
    } else if (ch === '"') quoted = true;
    else if (ch === "[" || ch === "{") deepest = Math.max(deepest, ++level);
    else if (ch === "]" || ch === "}") level--;
  }
  return deepest;
}
