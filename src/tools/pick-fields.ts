/** The `fields` parameter: which parts of a JSON answer a client wants. */

import { fail } from "../base/errors.ts";
import { toBool } from "./fields/scalars.ts";
import { htmlExcerpt } from "./html-text.ts";

type Change = (value: unknown) => unknown;

/** What to keep of one level. Made by `parseFields`; immutable, so it may be cached. */
export interface FieldPick {
  /** Named parts; `undefined` under a name keeps the part whole. */
  readonly parts: ReadonlyMap<string, FieldPick | undefined>;
  /** Changes to parts that are kept whole, by name; `*` for all that are not named. */
  readonly changes: ReadonlyMap<string, Change>;
}

const ALL = "*";

/**
 * Parses a list such as `id,title,body:excerpt(200,true),expand.author.name,*`. Undefined when it
 * names nothing: then everything is kept. Error: 400 `invalid_fields` for an unknown modifier or
 * wrong arguments.
 */
export function parseFields(expression: string): FieldPick | undefined {
  const root = newPick();
  for (const term of splitTerms(expression)) {
    const [path = "", ...modifier] = term.split(":");
    const change = modifier.length > 0 ? parseModifier(modifier.join(":")) : undefined;
    add(root, path.split("."), change);
  }
  return root.parts.size > 0 ? root : undefined;
}

/**
 * What the pick keeps of a value: keys of objects, of each object of a list. Values that are
 * neither stay as they are.
 */
export function pickFields(value: unknown, pick: FieldPick): unknown {
  if (Array.isArray(value)) {
    // A list of plain values has no keys to pick.
    if (!isObject(value[0])) return value;
    return value.map((item) => pickFields(item, pick));
  }
  if (!isObject(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [key, part] of Object.entries(value)) {
    const name = pick.parts.has(key) ? key : ALL;
    if (!pick.parts.has(name)) continue;
    const deeper = pick.parts.get(name);
    // The star says all there is to say of a level: nothing goes on after it.
    if (name === ALL && deeper) continue;
    const change = pick.changes.get(name);
    kept.push([key, deeper ? pickFields(part, deeper) : change ? change(part) : part]);
  }
  return Object.fromEntries(kept);
}

interface GrowingPick extends FieldPick {
  readonly parts: Map<string, GrowingPick | undefined>;
  readonly changes: Map<string, Change>;
}

function newPick(): GrowingPick {
  return { parts: new Map(), changes: new Map() };
}

/** A part that is wanted whole stays whole, whatever is said of its inside. */
function add(root: GrowingPick, path: readonly string[], change: Change | undefined): void {
  let level = root;
  for (const [index, name] of path.entries()) {
    if (index === path.length - 1) {
      level.parts.set(name, undefined);
      if (change) level.changes.set(name, change);
      return;
    }
    const known = level.parts.get(name);
    if (!known && level.parts.has(name)) return;
    const next = known ?? newPick();
    level.parts.set(name, next);
    level = next;
  }
}

/** Terms between commas that are in no parentheses. */
function splitTerms(expression: string): string[] {
  const terms: string[] = [];
  let [from, depth] = [0, 0];
  for (let at = 0; at <= expression.length; at++) {
    const ch = expression[at];
    if (ch === "(") depth++;
    else if (ch === ")") depth--;
    else if (ch === undefined || (ch === "," && depth === 0)) {
      terms.push(expression.slice(from, at).trim());
      from = at + 1;
    }
    if (depth < 0) break;
  }
  if (depth !== 0) throw invalid("The fields have unbalanced parentheses.");
  return terms.filter((term) => term !== "");
}

function parseModifier(text: string): Change {
  const match = /^\s*excerpt\s*\(\s*(\d{1,9})\s*(?:,\s*(\w*)\s*)?\)\s*$/.exec(text);
  const max = Number(match?.[1] ?? 0);
  if (max < 1) throw invalid("The only modifier of fields is excerpt(max, withEllipsis).");
  const ellipsis = toBool(match?.[2]);
  return (value) => (typeof value === "string" ? htmlExcerpt(value, max, ellipsis) : value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string) {
  return fail.invalid("invalid_fields", message);
}
