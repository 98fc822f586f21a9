/** Values of a client's JSON by their type, merged over what is there. */

import { type AppError, fail } from "../../../../base/errors.ts";

/**
 * The value for `given`. `current` stands where nothing was given, and where null was unless the
 * type has room for it. Error: 400 `invalid_body` for a value of another type.
 */
export type Read<T> = (given: unknown, current: T) => T;

export function malformed(): AppError {
  return fail.invalid("invalid_body", "The submitted data has a value of a wrong type.");
}

export const readText: Read<string> = (given, current) => {
  if (given === undefined || given === null) return current;
  if (typeof given !== "string") throw malformed();
  return given;
};

export const readFlag: Read<boolean> = (given, current) => {
  if (given === undefined || given === null) return current;
  if (typeof given !== "boolean") throw malformed();
  return given;
};

export const readWhole: Read<number> = (given, current) => {
  if (given === undefined || given === null) return current;
  if (!Number.isInteger(given)) throw malformed();
  return given as number;
};

export const readNumber: Read<number | null> = (given, current) => {
  if (given === undefined) return current;
  if (given !== null && typeof given !== "number") throw malformed();
  return given;
};

/** A rule: null is for superusers only. */
export const readRule: Read<string | null> = (given, current) => {
  if (given === undefined) return current;
  if (given !== null && typeof given !== "string") throw malformed();
  return given;
};

export const readOptionalFlag: Read<boolean | null> = (given, current) => {
  if (given === undefined) return current;
  if (given !== null && typeof given !== "boolean") throw malformed();
  return given;
};

export const readTexts: Read<readonly string[] | null> = (given, current) => {
  if (given === undefined) return current;
  if (given === null) return null;
  if (!Array.isArray(given) || !given.every((item) => typeof item === "string")) throw malformed();
  return given;
};

/** A list of texts that null empties. */
export const readTextList: Read<readonly string[]> = (given, current) =>
  readTexts(given, current) ?? [];

export type Json = Readonly<Record<string, unknown>>;

export const readMap: Read<Json | null> = (given, current) => {
  if (given === undefined) return current;
  return given === null ? null : asObject(given);
};

/** An object of known keys, each read by itself; others are dropped. */
export function struct<T extends object>(shape: { readonly [K in keyof T]: Read<T[K]> }): Read<T> {
  const keys = Object.keys(shape) as (keyof T & string)[];
  return (given, current) => {
    const source = given === undefined || given === null ? {} : asObject(given);
    const out: Partial<T> = {};
    for (const key of keys) out[key] = shape[key](own(source, key), current[key]);
    return out as T;
  };
}

/** Error: 400 `invalid_body` for what is no JSON object. */
export function asObject(given: unknown): Json {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw malformed();
  return given as Json;
}

export function own(source: Json, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key] : undefined;
}
