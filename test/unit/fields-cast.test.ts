/** What becomes of loose input, type by type. The odd rows were read off the reference. */

import { expect, test } from "bun:test";
import type { FieldType } from "../../src/tools/fields/field.ts";
import { RecordFields } from "../../src/tools/fields/record-fields.ts";
import { fate, field, type Options } from "./fields-fixture.ts";

type Row = readonly [input: unknown, value: unknown];

const ZERO_LIKE: readonly unknown[] = [null, [], {}, [["a"]], { a: 1 }, ["a", ["b"]]];

const CASTS: readonly (readonly [FieldType, Options, readonly Row[]])[] = [
  [
    "text",
    {},
    [
      ...ZERO_LIKE.map((input) => [input, ""] as const),
      [true, "true"],
      [false, "false"],
      [5, "5"],
      [-0, "0"],
      [1e21, "1000000000000000000000"],
      [1.5e300, `15${"0".repeat(299)}`],
      [1e-7, "0.0000001"],
      [-1.25e-9, "-0.00000000125"],
      [" x ", " x "],
      ["a\u0000b", "a\u0000b"],
      ["half \ud83d", "half \ufffd"],
    ],
  ],
  [
    "number",
    {},
    [
      ...ZERO_LIKE.map((input) => [input, 0] as const),
      [true, 1],
      [-2.5, -2.5],
      ["5", 5],
      [".5", 0.5],
      ["5.", 5],
      ["+5", 5],
      ["010", 10],
      ["1e3", 1000],
      ["1_000.5_0", 1000.5],
      ["0x1p4", 16],
      ["0x.8p1", 1],
      ["-0", 0],
      ...["", " 5", "5 ", "x", "0x10", "1__0", "_1", "1e400", "--5", "1,5", "true", "0b1"].map(
        (input) => [input, 0] as const,
      ),
      ["Inf", Infinity],
      ["-infinity", -Infinity],
      ["nan", Number.NaN],
    ],
  ],
  [
    "bool",
    {},
    [
      ...ZERO_LIKE.map((input) => [input, false] as const),
      ...["1", "t", "T", "true", "TRUE", "True", 1, 0.5, -1].map((on) => [on, true] as const),
      ...["0", "f", "yes", "on", "tRue", " true", "2", ""].map((off) => [off, false] as const),
    ],
  ],
  [
    "select",
    { values: ["a"], maxSelect: 1 },
    [
      ...ZERO_LIKE.map((input) => [input, ""] as const),
      [["a", "b"], "b"],
      ['["a","b"]', "b"],
      [5, "5"],
    ],
  ],
  [
    "relation",
    { collectionId: "c", maxSelect: 9 },
    [
      ...ZERO_LIKE.map((input) => [input, []] as const),
      ["", []],
      ["a", ["a"]],
      [true, ["true"]],
      [
        [1, true, null, "a", "a", ""],
        ["1", "true", "a"],
      ],
      [' ["a"]', ["a"]],
      ['["a",null]', ["a"]],
      ['["a",1]', ["a", '["a",1]']],
      ["[", ["["]],
      ["x[", ["x["]],
      ['[["a"]]', ['[["a"]]']],
    ],
  ],
  [
    "json",
    {},
    [
      [null, null],
      [undefined, null],
      ["", ""],
      ["null", null],
      ["true", true],
      ["TRUE", "TRUE"],
      ["5", 5],
      ["5 ", 5],
      ["-", "-"],
      ["0123", "0123"],
      ['"x"', "x"],
      ['"x', '"x'],
      ["[1,2]", [1, 2]],
      [" [1]", " [1]"],
      ['{"a":1}', { a: 1 }],
      ["1e400", "1e400"],
      ["abc", "abc"],
      [
        ["a", 1],
        ["a", 1],
      ],
      [`${"[".repeat(600)}${"]".repeat(600)}`, `${"[".repeat(600)}${"]".repeat(600)}`],
    ],
  ],
  [
    "geoPoint",
    {},
    [
      [null, { lon: 0, lat: 0 }],
      ["x", { lon: 0, lat: 0 }],
      [[1, 2], { lon: 0, lat: 0 }],
      [
        { lon: 1, lat: -0 },
        { lon: 1, lat: 0 },
      ],
      [
        { LON: 1, Lat: 2, x: 3 },
        { lon: 1, lat: 2 },
      ],
      [
        { lon: "1", lat: 2 },
        { lon: 0, lat: 2 },
      ],
      ['{"lon":1,"lat":2}', { lon: 1, lat: 2 }],
      ['{"lon":1e400,"lat":2}', { lon: 0, lat: 2 }],
    ],
  ],
  ["autodate", { onCreate: true }, [["2024-01-01", ""]]],
  [
    "password",
    {},
    [
      [null, ""],
      [["x"], ""],
      ["", ""],
    ],
  ],
];

test.each(CASTS)("%s %j reads loose input", (type, options, rows) => {
  for (const [input, value] of rows) {
    expect({ input, value: fate(field(type, options), input).value }).toEqual({ input, value });
  }
});

const DAY = "2024-01-10 00:00:00.000Z";
const EIGHT = "2024-01-10 08:00:00.000Z";
const SIX = "2024-01-10 06:00:00.000Z";

const DATES: readonly (readonly [string, string])[] = [
  ["2024-01-10", DAY],
  ["10 Jan 2024", DAY],
  ["2024-01-10 08:00:00.000Z", EIGHT],
  ["2024-01-10 8:00:00", EIGHT],
  ["2024-01-10T08:00:00", EIGHT],
  ["2024-01-10T08:00:00-00:00", EIGHT],
  ["2024-01-10 08:00:00.1", "2024-01-10 08:00:00.100Z"],
  ["2024-01-10 08:00:00,25", "2024-01-10 08:00:00.250Z"],
  ["2024-01-10T08:00:00.123456789Z", "2024-01-10 08:00:00.123Z"],
  ["2024-01-10T08:00:00+02:00", SIX],
  ["2024-01-10T08:00:00+0200", SIX],
  ["2024-01-10 08:00:00 +02:00", SIX],
  ["2024-01-10 08:00:00 +0200 EET", SIX],
  ["Wed, 10 Jan 2024 08:00:00 +0200", SIX],
  ["Wed, 10 JAN 2024 08:00:00 GMT", EIGHT],
  ["Mon, 10 Jan 2024 08:00:00 EST", EIGHT],
  ["10 Jan 24 08:00 GMT", EIGHT],
  ["10 Jan 69 08:00 GMT", "1969-01-10 08:00:00.000Z"],
  ["10 Jan 68 08:00 +0000", "2068-01-10 08:00:00.000Z"],
  ["Wednesday, 10-Jan-24 08:00:00 UTC", EIGHT],
  ["Wed Jan 10 08:00:00 2024", EIGHT],
  ["Wed Jan  1 08:00:00 2024", "2024-01-01 08:00:00.000Z"],
  ["Wed Jan 10 08:00:00 UTC 2024", EIGHT],
  ["Wed Jan 10 08:00:00 +0200 2024", SIX],
  ["3:04PM", "0000-01-01 15:04:00.000Z"],
  ["Jan 10 08:00:00.5", "0000-01-10 08:00:00.500Z"],
  ["2024-02-29", "2024-02-29 00:00:00.000Z"],
  ["2000-02-29 23:59:59.999Z", "2000-02-29 23:59:59.999Z"],
];
const NO_DATES: readonly unknown[] = [
  ...["", " ", "x", "2024", "2024-1-1", "2024-01-10 08:00", "20240110", "01/10/2024", "1700000000"],
  ...["2024-02-30", "2023-02-29", "2024-02-30 00:00:00.000Z", "2024-01-10 24:00:00"],
  ...["1900-02-29 00:00:00.000Z", "2024-04-31 00:00:00.000Z", "2024-13-01 00:00:00.000Z"],
  ...["2024-00-01 00:00:00.000Z", "2024-01-00 00:00:00.000Z", "2024-01-10 24:00:00.000Z"],
  ...["2024-01-10 23:59:60", "2024-01-10T08:00:00z", " 2024-01-10", "1 Jan 2024", "10000-01-01"],
  ...["2024-01-10 08:00:00 Z", "2024-01-10T08:00:00+25:00", "Wed, 1 Jan 2024 08:00:00 GMT"],
  ...["0001-01-01", "0001-01-01 00:00:00.000Z", "9999-12-31T23:59:59-01:00", "1".repeat(1e6)],
  ...[5, 1_700_000_000, true, null, [], ["2024-01-01"], {}],
];

test("dates of many layouts are one stored form", () => {
  for (const [input, value] of DATES) {
    expect({ input, value: fate(field("date"), input).value }).toEqual({ input, value });
  }
});

test("what is no date is none, silently", () => {
  for (const input of NO_DATES) expect(fate(field("date"), input)).toMatchObject({ value: "" });
});

test("keys of json objects are put in order, so that equal values have equal text", () => {
  const kinds = new RecordFields([field("json")]);
  const column = (input: unknown) => kinds.encode({ f: fate(field("json"), input).value })[0];
  expect(column({ b: 1, a: { d: 1, c: [{ z: 1, y: 2 }] } })).toBe(
    '{"a":{"c":[{"y":2,"z":1}],"d":1},"b":1}',
  );
});

const EVERY: readonly (readonly [FieldType, Options])[] = [
  ["text", {}],
  ["editor", {}],
  ["email", {}],
  ["url", {}],
  ["number", {}],
  ["bool", {}],
  ["date", {}],
  ["select", { maxSelect: 1 }],
  ["select", { maxSelect: 5 }],
  ["relation", { maxSelect: 1 }],
  ["relation", { maxSelect: 5 }],
  ["file", { maxSelect: 1 }],
  ["file", { maxSelect: 5 }],
  ["geoPoint", {}],
  ["json", {}],
];

/** Inputs of every shape, many of them at the edge of some type. */
const INPUTS: readonly unknown[] = [
  ...CASTS.flatMap(([, , rows]) => rows.map(([input]) => input)),
  ...DATES.map(([input]) => input),
  ...NO_DATES,
];

test("casting a value again changes nothing, but for json text that looks like JSON", () => {
  for (const [type, options] of EVERY) {
    const { kind } = new RecordFields([field(type, options)]).entries[0]!;
    for (const input of INPUTS) {
      const once = kind.cast(input);
      const ambiguous = type === "json" && typeof once === "string";
      if (!ambiguous) expect(kind.cast(once)).toEqual(once);
    }
  }
});

test("a column gives back what was stored in it", () => {
  for (const [type, options] of EVERY) {
    const { kind } = new RecordFields([field(type, options)]).entries[0]!;
    for (const input of INPUTS) {
      const value = kind.cast(input);
      // Validation keeps these out of the store.
      if (typeof value === "number" && !Number.isFinite(value)) continue;
      // The text of JSON has no negative zero, whose like only a test would send.
      const kept: unknown = type === "json" ? JSON.parse(JSON.stringify(value)) : value;
      expect({ type, value: kind.decode(kind.encode(value)) }).toEqual({ type, value: kept });
    }
    expect(kind.decode(kind.encode(kind.zero()))).toEqual(kind.zero());
  }
});

test("columns that others wrote are read for what they mean", () => {
  const rows: readonly (readonly [FieldType, Options, unknown, unknown])[] = [
    ["bool", {}, 1, true],
    ["bool", {}, "true", true],
    ["number", {}, "5.5", 5.5],
    ["number", {}, null, 0],
    ["text", {}, null, ""],
    ["date", {}, "2024-01-10T08:00:00Z", EIGHT],
    ["json", {}, 5, 5],
    ["json", {}, "not json", "not json"],
    ["json", {}, null, null],
    ["select", { maxSelect: 1 }, '["a","b"]', "b"],
    ["select", { maxSelect: 2 }, "a", ["a"]],
    ["geoPoint", {}, "", { lon: 0, lat: 0 }],
  ];
  for (const [type, options, stored, value] of rows) {
    expect(new RecordFields([field(type, options)]).decode({ f: stored })).toEqual({ f: value });
  }
});

test("a field may have the name of something every object inherits", () => {
  const names = ["__proto__", "constructor", "toString"];
  const fields = new RecordFields(names.map((name) => field("text", { required: true }, name)));
  const zero = fields.zero();
  expect(Object.keys(zero)).toEqual(names);
  expect(Object.keys(fields.check({}, undefined) ?? {})).toEqual(names);
  expect(fields.encode({})).toEqual(["", "", ""]);
});
