/** Cron expressions: grammar, matching, the next time. */

import { expect, test } from "bun:test";
import { parseCron } from "../../src/tools/cron.ts";

const at = (text: string) => Date.parse(`${text}Z`);
const iso = (ms: number | undefined) =>
  ms === undefined ? "never" : new Date(ms).toISOString().slice(0, 16);

test("the reference's grammar is read, and nothing more", () => {
  const good = [
    "* * * * *",
    "0 */6 * * *",
    "1-5/2,30 0,12 1-31 1-12/3 0-6",
    "5/1 * * * *",
    "00 09 1 1 0",
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
  ];
  const bad = [
    "",
    "* * * *",
    "* * * * * *",
    "*  * * * *",
    " * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 13 *",
    "* * * * 7",
    "5-1 * * * *",
    "*/0 * * * *",
    "*/60 * * * *",
    "5/2 * * * *",
    "1,,2 * * * *",
    "1- * * * *",
    "-1 * * * *",
    "a * * * *",
    "* * * JAN *",
    "* * L * *",
    "?/2 * * * *",
    "@reboot",
    "@Daily",
    "constructor",
  ];
  expect(good.filter((text) => !parseCron(text))).toEqual([]);
  expect(bad.filter((text) => parseCron(text))).toEqual([]);
});

test("the next time is the first that matches, in UTC", () => {
  const rows: [string, string, string][] = [
    ["* * * * *", "2024-01-10T12:00", "2024-01-10T12:01"],
    ["* * * * *", "2024-01-10T12:00:59.999", "2024-01-10T12:01"],
    ["*/15 * * * *", "2024-01-10T12:46", "2024-01-10T13:00"],
    ["0 */6 * * *", "2024-01-10T18:00", "2024-01-11T00:00"],
    ["30 9 * * 1-5", "2024-01-12T09:30", "2024-01-15T09:30"],
    ["0 0 31 * *", "2024-01-31T00:00", "2024-03-31T00:00"],
    ["0 0 29 2 *", "2024-02-29T00:00", "2028-02-29T00:00"],
    // Both days must hold: a Friday that is the 13th.
    ["0 0 13 * 5", "2024-01-01T00:00", "2024-09-13T00:00"],
    // The year 2100 has no 29 February.
    ["0 0 29 2 1", "2072-03-01T00:00", "2112-02-29T00:00"],
    ["@yearly", "2024-01-01T00:00", "2025-01-01T00:00"],
    ["@monthly", "2024-12-05T00:00", "2025-01-01T00:00"],
    ["@weekly", "2024-01-10T12:00", "2024-01-14T00:00"],
    ["@hourly", "2024-12-31T23:00", "2025-01-01T00:00"],
    ["0 0 30 2 *", "2024-01-01T00:00", "never"],
  ];
  for (const [text, after, expected] of rows) {
    const schedule = parseCron(text);
    const got = iso(schedule?.next(at(after)));
    expect({ text, got }).toEqual({ text, got: expected });
    if (expected !== "never") expect(schedule?.matches(at(expected))).toBe(true);
  }
});

test("matching is by the minute that holds the time", () => {
  const schedule = parseCron("30 12 10 1 3");
  expect(schedule?.matches(at("2024-01-10T12:30"))).toBe(true);
  expect(schedule?.matches(at("2024-01-10T12:30:59.999"))).toBe(true);
  const others = ["2024-01-10T12:31", "2024-01-10T13:30", "2024-01-11T12:30", "2025-01-10T12:30"];
  expect(others.filter((text) => schedule?.matches(at(text)))).toEqual([]);
});

test("between two times nothing matches", () => {
  for (const text of ["7-20/6 3,4 * * *", "59 23 31 12 *", "*/7 */5 */9 * */2"]) {
    const schedule = parseCron(text);
    let time = at("2024-03-30T00:00");
    for (let round = 0; round < 5; round++) {
      const next = schedule?.next(time) ?? 0;
      const span = Math.min(next - 60_000, time + 40 * 86_400_000);
      for (let minute = time + 60_000; minute <= span; minute += 60_000) {
        if (schedule?.matches(minute)) throw new Error(`${text} matches ${iso(minute)} too`);
      }
      expect(next).toBeGreaterThan(time);
      time = next;
    }
  }
});
