/** Patterns of operators, what they generate, and ids. */

import { expect, test } from "bun:test";
import { compileGenerator } from "../../src/tools/fields/autogenerate.ts";
import { compilePattern } from "../../src/tools/fields/pattern.ts";
import { RecordFields } from "../../src/tools/fields/record-fields.ts";
import { PatternFault } from "../../src/tools/fields/rune-classes.ts";
import { checkAutogenerate, checkPattern } from "../../src/tools/fields/settings.ts";
import { randomBelow } from "../../src/tools/random.ts";
import { fate, field, seeded } from "./fields-fixture.ts";

test.each([
  ["^[a-z0-9]+$", "abc1", true],
  ["^[a-z0-9]+$", "abc1\n", false],
  ["^[a-z0-9]+$", "", false],
  [String.raw`^\d*$`, "", true],
  [String.raw`^\w+$`, "é", false],
  ["b", "abc", true],
  ["^b", "abc", false],
  [String.raw`^\p{L}+$`, "héllo", true],
  ["^[[:alpha:]]{3}$", "abc", true],
  ["(?i)^AB$", "ab", true],
  ["^a|b$", "ax", true],
  [String.raw`\Qa.b\E`, "a.b", true],
] as const)("%s on %j: %p", (pattern, text, matches) => {
  expect(compilePattern(pattern)?.(text)).toBe(matches);
});

const INVALID = [
  ...["(", "[a", "a**", "a{2}{3}", "a{1001}", "(a{100}){100}", "*a", String.raw`\8`, "x{2,1}"],
  ...["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", String.raw`(a)\1`, String.raw`\C`, "[z-a]"],
];

test.each(INVALID)("%s is no pattern", (pattern) => {
  expect(compilePattern(pattern)).toBeUndefined();
  expect(checkPattern(pattern)?.code).toBe("validation_invalid_regex");
});

test("patterns that hold a backtracking engine for ages are answered", () => {
  const text = `${"a".repeat(4999)}!`;
  for (const pattern of ["^(a+)+$", "^(a|aa)+$", "^(a*)*$", "^([a-z]+)*[a-z]+$", "(.*a){12}$"]) {
    expect(fate(field("text", { pattern }), text).code).toBe("validation_invalid_format");
  }
});

const GENERATORS = [
  ...["abc", "[a-c]{3}", "a?", "a*", "a+", "a{2,4}", "a{8,}", "(ab|cd){2}", "(?:x|y)z", "...."],
  ...[String.raw`\d{3}`, String.raw`\w{3}`, String.raw`\s`, String.raw`\D\W\S`, "[^a-y]{4}"],
  ...["[[:alpha:]]{2}[[:^digit:]]", "a{0}b", String.raw`\.\x41\x{1F600}\n`, "(?P<n>a)(?<m>b)"],
  ...[
    "a*?",
    String.raw`[\d-]{4}`,
    "[]a]{2}",
    "[^]a]",
    String.raw`[\]a]`,
    "a{,3}",
    "a{",
    "{",
    "[a-]",
  ],
  "[a-z]+(-[a-z]{2,3}|_[0-9]?)*",
];

test.each(GENERATORS)("%s generates what it matches", (pattern) => {
  const generate = compileGenerator(pattern);
  const matches = compilePattern(`^(?:${pattern})$`);
  const random = seeded(7);
  expect(generate).toBeFunction();
  if (typeof generate !== "function") return;
  for (let i = 0; i < 200; i++) expect(matches?.(generate(random))).toBe(true);
});

test("repeats reach both their ends, open ones end at six", () => {
  const lengths = (pattern: string) => {
    const generate = compileGenerator(pattern);
    const random = seeded(3);
    const made = Array.from({ length: 500 }, () =>
      typeof generate === "function" ? generate(random).length : -1,
    );
    return [Math.min(...made), Math.max(...made)];
  };
  expect(lengths("a?")).toEqual([0, 1]);
  expect(lengths("a*")).toEqual([0, 6]);
  expect(lengths("a+")).toEqual([1, 6]);
  expect(lengths("a{2,4}")).toEqual([2, 4]);
  expect(lengths("a{3,}")).toEqual([3, 6]);
  expect(lengths("a{9,}")).toEqual([9, 9]);
});

test.each([
  ...["^a", "a$", String.raw`\b`, String.raw`\A`, String.raw`\z`, "(?i)a", "(?s:.)", "(?=a)"],
  ...["a|", "(a|)", "()", "|", "", "a)", "(a", "[a", "a**", "a{2}{2}", "{2}", "?", "a{1001}"],
  ...[String.raw`\p{L}`, String.raw`\8`, "\\", "[z-a]", String.raw`[a-\d]`, "[[:nope:]]"],
  ...["(a{1000}){1000}", "((a{0}){1000}){1000}", `${"(".repeat(200)}a${")".repeat(200)}`],
  ...[String.raw`[^\x20-\x7e]`, String.raw`\x{110000}`],
])("%s generates nothing", (pattern) => {
  expect(compileGenerator(pattern)).toBeInstanceOf(PatternFault);
});

test.each([
  [{ autogeneratePattern: "" }, undefined],
  [{ autogeneratePattern: "[a-z]{5}" }, undefined],
  [{ autogeneratePattern: "[a-z]{5}", min: 5, max: 5, pattern: "^[a-z]+$" }, undefined],
  [{ autogeneratePattern: "(" }, "validation_invalid_regex"],
  [{ autogeneratePattern: "^a$" }, "validation_invalid_autogenerate_pattern"],
  [{ autogeneratePattern: "a{5}", max: 4 }, "validation_invalid_autogenerate_pattern_value"],
  [{ autogeneratePattern: "a{5}", min: 6 }, "validation_invalid_autogenerate_pattern_value"],
  [{ autogeneratePattern: "A", pattern: "^a$" }, "validation_invalid_autogenerate_pattern_value"],
  [
    { autogeneratePattern: "a:b", pattern: ".", primaryKey: true },
    "validation_invalid_autogenerate_pattern_value",
  ],
] as const)("the settings %j are answered with %p", (options, code) => {
  expect(checkAutogenerate(field("text", options), seeded())?.code).toBe(code as string);
});

const DEFAULT_ID = {
  autogeneratePattern: "[a-z0-9]{15}",
  max: 15,
  min: 15,
  pattern: "^[a-z0-9]+$",
  primaryKey: true,
  required: true,
};

test.each([
  [DEFAULT_ID, "ordered"],
  [{ ...DEFAULT_ID, pattern: "" }, expect.stringMatching(/^[a-z0-9]{15}$/)],
  [{ ...DEFAULT_ID, autogeneratePattern: "u-[0-9]{3}" }, expect.stringMatching(/^u-\d{3}$/)],
  [{ ...DEFAULT_ID, autogeneratePattern: "" }, ""],
  [{ ...DEFAULT_ID, autogeneratePattern: "^broken" }, ""],
])("a new record's id under %j", (options, id) => {
  const fields = new RecordFields([field("text", options, "id")]);
  const source = { record: () => "ordered", below: seeded() };
  expect(fields.fill({ id: "" }, source)).toEqual({ id });
  expect(fields.fill({ id: "mine" }, source)).toEqual({ id: "mine" });
});

test("a new record's empty texts are made up, others stay", () => {
  const slug = { autogeneratePattern: "[0-9]{4}" };
  const fields = new RecordFields([
    field("text", slug, "a"),
    field("text", slug, "b"),
    field("text", {}, "c"),
    field("number", {}, "n"),
  ]);
  const filled = fields.fill(
    { a: "", b: "mine", c: "", n: 0 },
    { record: () => "", below: seeded() },
  );
  expect(filled).toEqual({ a: expect.stringMatching(/^\d{4}$/), b: "mine", c: "", n: 0 });
});

test("chance is even: bytes past the last multiple of the bound are drawn again", () => {
  const words = [0xffffffff, 7];
  const random = randomBelow((bytes) => {
    new DataView(bytes.buffer).setUint32(0, words.shift() ?? 0);
    return bytes;
  });
  expect(random(10)).toBe(7);
  expect(words).toEqual([]);
});
