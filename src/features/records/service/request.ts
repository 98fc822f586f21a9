/** What rules can ask about the request: `@request.context`, `.method`, `.query` and so on. */

import { assert } from "../../../base/errors.ts";

export type RequestContext =
  | "batch"
  | "default"
  | "expand"
  | "oauth2"
  | "otp"
  | "password"
  | "protectedFile"
  | "realtime";

/** The signed-in record, with the fields that rules read without a look at its collection. */
export interface RequestAuth {
  readonly id: string;
  readonly collectionId: string;
  readonly collectionName: string;
  readonly email?: string;
  readonly emailVisibility?: boolean;
  readonly verified?: boolean;
  /**
   * Its stored values as they are now, if they are at hand. Rules then need no look at its row, and
   * what they ask about the caller is answered before a row is read.
   */
  readonly record?: Readonly<Record<string, unknown>>;
}

export interface RequestInfo {
  readonly context: RequestContext;
  readonly method: string;
  /** The first value of each parameter. */
  readonly query: Readonly<Record<string, string>>;
  /** The first value of each header, names in lower snake case (`x_token`). */
  readonly headers: Readonly<Record<string, string>>;
  /** Submitted values with their modifiers resolved, without uploads. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly auth: RequestAuth | null;
}

/** A request with nothing in it: every `@request` value is NULL. Rules are checked with it. */
export const NO_REQUEST: RequestInfo = {
  context: "default",
  method: "",
  query: {},
  headers: {},
  body: {},
  auth: null,
};

/** A request's value as the database gets it. */
export type Scalar = string | number | boolean | null;

export interface Found {
  /** Whether the path leads anywhere; null is a value too. */
  readonly found: boolean;
  readonly value: unknown;
}

const PARTS: ReadonlySet<string> = new Set<keyof RequestInfo>([
  "context",
  "method",
  "query",
  "headers",
  "body",
  "auth",
]);
const MISSING: Found = { found: false, value: null };

/** Follows `path` (`["body", "extra", "a", "1"]`) into the request; own properties only. */
export function lookUp(request: RequestInfo, path: readonly string[]): Found {
  const [first, ...rest] = path;
  if (first === undefined || !PARTS.has(first)) return MISSING;
  // Its parts may be made when they are asked for, so they are no own properties.
  let value: unknown = request[first as keyof RequestInfo];
  for (const key of rest) {
    if (typeof value !== "object" || value === null) return MISSING;
    if (Array.isArray(value)) {
      if (!/^\d+$/.test(key) || Number(key) >= value.length) return MISSING;
      value = value[Number(key)];
    } else if (Object.hasOwn(value, key)) {
      value = (value as Readonly<Record<string, unknown>>)[key];
    } else return MISSING;
  }
  return { found: true, value };
}

/** Lists and objects become compact JSON with sorted keys. `numeric` turns number texts to numbers. */
export function toScalar(value: unknown, numeric = false): Scalar {
  switch (typeof value) {
    case "undefined":
      return null;
    case "string":
      return numeric && isNumberText(value) ? Number(value) : value;
    case "number":
    case "boolean":
      return value;
    case "object":
      return value === null ? null : compactJson(value);
    default:
      assert(false, `a request holds JSON, not a ${typeof value}`);
  }
}

/** The text of a submitted value; "" of null, lists and objects. */
export function toText(value: unknown): string {
  return value === null || typeof value === "object" ? "" : String(value ?? "");
}

/** A submitted value as a list: nothing for null, one element for anything but a list. */
export function toList(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Ids in the submitted value of a relation: a list, one id, or a list written as JSON. */
export function toIds(value: unknown): readonly string[] {
  const list = typeof value === "string" ? parsedList(value) : toList(value);
  const texts = list.map(toText).filter((text) => text !== "");
  return [...new Set(texts)];
}

function parsedList(text: string): readonly unknown[] {
  if (!text.startsWith("[")) return [text];
  try {
    return toList(JSON.parse(text));
  } catch {
    // Not a list after all, so the text is the id.
    return [text];
  }
}

function isNumberText(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
}

export function compactJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    const entries = Object.entries(member);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
