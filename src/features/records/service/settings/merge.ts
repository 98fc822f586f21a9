/** Settings out of what was stored or sent: deep, by the shape of what is there already. */

import { fail } from "../../../../base/errors.ts";
import type { RateLimitRule, Settings } from "./shape.ts";

type Group = Readonly<Record<string, unknown>>;

const EMPTY_RULE: RateLimitRule = { label: "", audience: "", duration: 0, maxRequests: 0 };

/** Members of lists, by the name of the list. */
const MEMBERS: Readonly<Record<string, unknown>> = { rules: EMPTY_RULE, headers: "" };

/** A whole number here may have a sign, a fraction never. */
type Scalar = string | number | boolean;

/**
 * `base` with what `given` says: groups are merged, lists replaced, unknown keys left out, null
 * leaves a value as it is and empties a list. Error: 400 `invalid_settings` for a value of another
 * type than the setting's.
 */
export function mergeSettings(base: Settings, given: unknown): Settings {
  return freeze(mergeGroup(base as unknown as Group, given)) as unknown as Settings;
}

function mergeGroup(base: Group, given: unknown): Group {
  if (given === null || given === undefined) return base;
  if (!isGroup(given)) throw wrongType();
  const merged: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(base)) {
    merged[name] = name in given ? mergeValue(name, value, given[name]) : value;
  }
  return merged;
}

function mergeValue(name: string, base: unknown, given: unknown): unknown {
  if (Array.isArray(base)) return mergeList(MEMBERS[name], given);
  if (isGroup(base)) return mergeGroup(base, given);
  return given === null ? base : scalarLike(base as Scalar, given);
}

function mergeList(member: unknown, given: unknown): readonly unknown[] {
  if (given === null) return [];
  if (!Array.isArray(given)) throw wrongType();
  return given.map((entry) => mergeValue("", member, entry));
}

function scalarLike(base: Scalar, given: unknown): Scalar {
  if (typeof given !== typeof base) throw wrongType();
  if (typeof given === "number" && !Number.isSafeInteger(given)) throw wrongType();
  return given as Scalar;
}

export function isGroup(value: unknown): value is Group {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
  return value;
}

function wrongType() {
  return fail.invalid("invalid_settings", "The submitted data could not be read.");
}
