/** Kinds with one value that is no text of the client's: number, bool, date, json, geoPoint. */

import type { FieldError } from "../../base/errors.ts";
import { columnDate, rfc3339, storedMs, toDate } from "./dates.ts";
import { faults } from "./faults.ts";
import { FIELD_DEFAULTS, type Field, sizeOption, textOption } from "./field.ts";
import { toGeoPoint } from "./geo-point.ts";
import { isEmptyJson, jsonText, parseJsonText, toJson } from "./json-values.ts";
import { plainKind, type ValueKind } from "./kind.ts";
import { toBool, toNumber } from "./scalars.ts";

/** Whole numbers beyond are no longer told apart from their neighbours by 64-bit integers. */
const WHOLE_END = 2 ** 63;

/** 0 counts as empty: only `required` looks at it. */
export function numberKind(field: Field): ValueKind {
  const { min, max } = field;
  const check = (value: unknown): FieldError | undefined => {
    const number = toNumber(value);
    if (!Number.isFinite(number)) return faults.notANumber();
    if (number === 0) return field.required === true ? faults.required() : undefined;
    const whole = Number.isInteger(number) && number < WHOLE_END && number >= -WHOLE_END;
    if (field.onlyInt === true && !whole) return faults.onlyWhole();
    if (typeof min === "number" && number < min) return faults.below(min);
    return typeof max === "number" && number > max ? faults.above(max) : undefined;
  };
  const finite = (value: unknown) => {
    const number = toNumber(value);
    return Number.isFinite(number) ? number : 0;
  };
  return { ...plainKind, zero: () => 0, cast: toNumber, check, encode: finite, decode: finite };
}

/** A required boolean must be true. */
export function boolKind(field: Field): ValueKind {
  return {
    ...plainKind,
    zero: () => false,
    cast: toBool,
    check: (value) => (field.required === true && !toBool(value) ? faults.required() : undefined),
    encode: toBool,
    // Columns hold 1, rows that others wrote may hold "true".
    decode: toBool,
  };
}

export function dateKind(field: Field): ValueKind {
  const min = toDate(textOption(field, "min"));
  const max = toDate(textOption(field, "max"));
  const check = (value: unknown): FieldError | undefined => {
    const date = toDate(value);
    const ms = storedMs(date);
    if (ms === undefined) return field.required === true ? faults.required() : undefined;
    if (ms < (storedMs(min) ?? ms)) return faults.tooEarly(rfc3339(min));
    return ms > (storedMs(max) ?? ms) ? faults.tooLate(rfc3339(max)) : undefined;
  };
  return {
    ...plainKind,
    zero: () => "",
    cast: toDate,
    check,
    encode: toDate,
    decode: columnDate,
  };
}

/** Set by the server alone; what a client sends for one is dropped before it is cast. */
export function autodateKind(): ValueKind {
  return {
    ...plainKind,
    zero: () => "",
    cast: toDate,
    check: () => undefined,
    encode: toDate,
    decode: columnDate,
  };
}

export function jsonKind(field: Field): ValueKind {
  const max = sizeOption(field, "maxSize", FIELD_DEFAULTS.jsonBytesMax);
  const check = (value: unknown): FieldError | undefined => {
    const text = jsonText(value);
    if (text === undefined) return faults.invalidJson();
    if (Buffer.byteLength(text) > max) return faults.jsonSize(max);
    return field.required === true && isEmptyJson(value) ? faults.required() : undefined;
  };
  return {
    ...plainKind,
    zero: () => null,
    cast: toJson,
    check,
    encode: (value) => (value === null || value === undefined ? null : (jsonText(value) ?? null)),
    decode(column) {
      // A view may have columns of bytes.
      const stored = column instanceof Uint8Array ? new TextDecoder().decode(column) : column;
      // A column declared JSON has numeric affinity: a stored number comes back as one.
      if (typeof stored !== "string") return stored ?? null;
      const value = parseJsonText(stored);
      return value === undefined ? stored : value;
    },
  };
}

export function geoPointKind(field: Field): ValueKind {
  const check = (value: unknown): FieldError | undefined => {
    const { lon, lat } = toGeoPoint(value);
    if (lon === 0 && lat === 0) return field.required === true ? faults.required() : undefined;
    if (Math.abs(lat) > 90) return faults.latitude();
    return Math.abs(lon) > 180 ? faults.longitude() : undefined;
  };
  return {
    ...plainKind,
    zero: () => ({ lon: 0, lat: 0 }),
    cast: toGeoPoint,
    check,
    encode: (value) => JSON.stringify(toGeoPoint(value)),
    decode: toGeoPoint,
  };
}
