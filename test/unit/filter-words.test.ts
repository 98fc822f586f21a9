/** Patterns of `~` and the names of moments. */

import { expect, test } from "bun:test";
import { likePattern } from "../../src/tools/filter/like.ts";
import { isMacro, macroValue } from "../../src/tools/filter/macros.ts";

test.each([
  ["", "%%"],
  ["abc", "%abc%"],
  ["ab%c", "ab%c"],
  ["ab\\%c", "%ab\\%c%"],
  ["%ab\\%c", "%ab\\%c"],
  ["ab\\\\%c", "ab\\\\%c"],
  ["ab\\\\\\%c", "%ab\\\\\\%c%"],
  ["ab_c", "%ab\\_c%"],
  ["ab\\_c", "%ab\\_c%"],
  ["a__\\b", "%a\\_\\_\\\\b%"],
  ["%ab_c", "%ab_c"],
  ["ab\\", "%ab\\\\%"],
])("%p is looked for as %p", (text, pattern) => {
  expect(likePattern(text)).toBe(pattern);
});

const WEDNESDAY = Date.parse("2024-01-10T12:34:56.789Z");
const LEAP_DAY = Date.parse("2024-02-29T00:00:00.000Z");
const NEW_YEAR = Date.parse("2023-12-31T23:59:59.999Z");

test.each([
  ["@now", WEDNESDAY, "2024-01-10 12:34:56.789Z"],
  ["@second", WEDNESDAY, 56],
  ["@minute", WEDNESDAY, 34],
  ["@hour", WEDNESDAY, 12],
  ["@weekday", WEDNESDAY, 3],
  ["@day", WEDNESDAY, 10],
  ["@month", WEDNESDAY, 1],
  ["@year", WEDNESDAY, 2024],
  ["@yesterday", WEDNESDAY, "2024-01-09 12:34:56.789Z"],
  ["@tomorrow", WEDNESDAY, "2024-01-11 12:34:56.789Z"],
  ["@todayStart", WEDNESDAY, "2024-01-10 00:00:00.000Z"],
  ["@todayEnd", WEDNESDAY, "2024-01-10 23:59:59.999Z"],
  ["@monthStart", LEAP_DAY, "2024-02-01 00:00:00.000Z"],
  ["@monthEnd", LEAP_DAY, "2024-02-29 23:59:59.999Z"],
  ["@yearStart", NEW_YEAR, "2023-01-01 00:00:00.000Z"],
  ["@yearEnd", NEW_YEAR, "2023-12-31 23:59:59.999Z"],
  ["@tomorrow", NEW_YEAR, "2024-01-01 23:59:59.999Z"],
  ["@weekday", NEW_YEAR, 0],
])("%p at %p is %p", (name, now, value) => {
  expect(isMacro(name)).toBe(true);
  expect(macroValue(name, now)).toBe(value);
});

test("other names are none", () => {
  expect(["@noW", "now", "@constructor", "@", "toString"].filter(isMacro)).toEqual([]);
});
