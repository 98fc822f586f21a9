/** The differential test's own parts: it must be able to fail, and must not fail for nothing. */

import { describe, expect, test } from "bun:test";
import { faults } from "./compare.ts";
import { Masks } from "./masks.ts";
import type { Json } from "./script.ts";
import type { Entry } from "./transcript.ts";

const NOW = Date.UTC(2024, 0, 10, 12);

function entry(body: Json, more: Partial<Entry> = {}): Entry {
  return { name: "a step", step: "1", status: 200, headers: {}, body, ...more };
}

describe("two answers", () => {
  const rows: readonly (readonly [string, Entry, Entry, string[]])[] = [
    ["are equal whatever the order of keys", entry({ a: 1, b: [2] }), entry({ b: [2], a: 1 }), []],
    ["differ in a value", entry({ a: 1 }), entry({ a: "1" }), ['body.a is "1", should be 1']],
    ["differ in a key", entry({ a: 1 }), entry({}), ["body.a is missing, should be 1"]],
    ["have a key too many", entry({}), entry({ a: 1 }), ["body.a is 1, should not be there"]],
    ["differ in length", entry([1]), entry([1, 2]), ["body is [1,2], should be [1]"]],
    ["differ in order", entry([1, 2]), entry([2, 1]), ["body.0 is 2", "body.1 is 1"]],
    ["differ in kind", entry({}), entry([]), ["body is [], should be {}"]],
    ["differ in status", entry(null), entry(null, { status: 404 }), ["status 404"]],
    [
      "differ in a header",
      entry(null),
      entry(null, { headers: { "content-type": "text/plain" } }),
      ["headers.content-type"],
    ],
    [
      "are of another script",
      entry(null),
      entry(null, { step: "2" }),
      ["the script has changed since the transcript was recorded"],
    ],
  ];
  test.each(rows)("%s", (_, expected, actual, lines) => {
    const found = faults([expected], [actual], []);
    expect(found).toHaveLength(lines.length);
    for (const [index, line] of lines.entries()) expect(found[index]).toContain(line);
  });
});

describe("a listed difference", () => {
  const allowed = [{ area: "x", calls: ["a step"], reason: "on purpose" }];
  test("is accepted", () => {
    expect(faults([entry(1)], [entry(2)], allowed)).toEqual([]);
  });
  test("that is none any more is a fault", () => {
    const said = ["a step: is listed as a difference and is none"];
    expect(faults([entry(1)], [entry(1)], allowed)).toEqual(said);
  });
  test("excuses no other step", () => {
    const other = { name: "another" };
    expect(faults([entry(1), entry(1, other)], [entry(2), entry(2, other)], allowed)).toEqual([
      "another: body is 2, should be 1",
    ]);
  });
});

test("a transcript that is too short or too long is a fault", () => {
  expect(faults([entry(1)], [], [])).toHaveLength(1);
  expect(faults([], [entry(1)], [])).toHaveLength(1);
});

function token(claims: Json): string {
  const encode = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${encode({ alg: "HS256" })}.${encode(claims)}.c2ln`;
}

describe("masks", () => {
  const script =
    'the script says "abcdefgh1234567" and "2024-01-10 11:00:00.000Z" and "own_0123456789.txt"';
  const rows: readonly (readonly [string, Json, Json])[] = [
    ["ids by where they were seen", { id: "k3j4h5g6f7d8s9a" }, { id: "<step id>" }],
    ["not ids of the script", { id: "abcdefgh1234567" }, { id: "abcdefgh1234567" }],
    ["not ids of fields", { id: "email3885137012" }, { id: "email3885137012" }],
    ["not ids of collections", { id: "pbc_3142635823" }, { id: "pbc_3142635823" }],
    ["not words", ["abc", ""], ["abc", ""]],
    ["times near now", "2024-01-10 12:00:01.234Z", "<now>"],
    ["not times of the script", "2024-01-10 11:00:00.000Z", "2024-01-10 11:00:00.000Z"],
    ["not other times", "2020-01-10 12:00:01.234Z", "2020-01-10 12:00:01.234Z"],
    ["suffixes of files", "a_k3j4h5g6f7.txt", "<a.txt step >"],
    ["not names of the script", "own_0123456789.txt", "own_0123456789.txt"],
    [
      "messages, not their absence",
      { message: "So.", data: { message: "" } },
      {
        message: "<text>",
        data: { message: "" },
      },
    ],
    [
      "tokens by their claims",
      token({ type: "auth", exp: NOW / 1000 + 604_799 }),
      "<token exp=604800 type=auth>",
    ],
  ];
  test.each(rows)("%s", (_, given, shown) => {
    expect(new Masks(script, () => NOW).answer(given, "step")).toEqual(shown);
  });

  test("keep equal values equal, within texts too", () => {
    const masks = new Masks("", () => NOW);
    masks.answer({ id: "k3j4h5g6f7d8s9a" }, "one");
    expect(masks.answer({ ref: "k3j4h5g6f7d8s9a", at: "/x/k3j4h5g6f7d8s9a/y" }, "two")).toEqual({
      ref: "<one id>",
      at: "/x/<one id>/y",
    });
  });
});
