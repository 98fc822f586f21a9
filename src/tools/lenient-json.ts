/**
 * JSON as lenient clients of the records API send it: the first value counts, whatever follows it;
 * lone surrogates become U+FFFD, numbers beyond every number are refused.
 */

import { hasMoreBrackets } from "./json-depth.ts";

/**
 * The object that the text begins with, null for `null`. Undefined: anything else, what is no JSON,
 * and nesting deeper than `depthMax`.
 */
export function parseFirstObject(
  text: string,
  depthMax: number,
): Record<string, unknown> | null | undefined {
  const value = parseWhole(text, depthMax) ?? parseBeginning(text, depthMax);
  if (!value || !NEEDS_CARE.test(text)) return value;
  return settle(value) as Record<string, unknown> | undefined;
}

/** Most bodies are one object with nothing behind it, and too few brackets to be nested deeply. */
function parseWhole(text: string, depthMax: number): Record<string, unknown> | undefined {
  return text[0] === "{" && !hasMoreBrackets(text, depthMax) ? parse(text) : undefined;
}

function parseBeginning(
  text: string,
  depthMax: number,
): Record<string, unknown> | null | undefined {
  const start = text.search(/[^ \t\r\n]/);
  if (start === -1) return undefined;
  if (text.startsWith("null", start)) return null;
  const end = objectEnd(text, start, depthMax);
  return end === undefined ? undefined : parse(text.slice(start, end));
}

/** Escaped surrogates, and digits or exponents enough for infinity. */
const NEEDS_CARE = /\\u[dD][89a-fA-F]|[eE]\+?\d{3}|\d{309}/;

/** Behind the brace that closes the first; brackets inside strings do not count. */
function objectEnd(text: string, start: number, depthMax: number): number | undefined {
  if (text[start] !== "{") return undefined;
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return undefined;
    } else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at + 1;
  }
  return undefined;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Undefined as soon as a number in it is infinite. */
function settle(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(settle);
    return items.includes(undefined) ? undefined : items;
  }
  const entries = Object.entries(value).map(
    ([key, item]) => [key.toWellFormed(), settle(item)] as const,
  );
  return entries.some(([, item]) => item === undefined) ? undefined : Object.fromEntries(entries);
}
