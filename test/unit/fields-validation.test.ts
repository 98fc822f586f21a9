/** What validation refuses, with the codes and parameters that clients know. */

import { expect, test } from "bun:test";
import type { FieldType } from "../../src/tools/fields/field.ts";
import { pendingLookups } from "../../src/tools/fields/lookups.ts";
import { hashPasswords, NewPassword } from "../../src/tools/fields/password-kind.ts";
import { RecordFields } from "../../src/tools/fields/record-fields.ts";
import { fate, field, type Options } from "./fields-fixture.ts";

type Fate = undefined | string | readonly [code: string, params: Options];
type Row = readonly [input: unknown, fault: Fate];

const REQUIRED = "validation_required";
const YEAR = { min: "2024-01-01", max: "2024-12-31 23:59:59.999Z" };

const CHECKS: readonly (readonly [FieldType, Options, readonly Row[]])[] = [
  [
    "text",
    { min: 2, max: 4, pattern: "^[a-z]+$" },
    [
      ["", undefined],
      ["a", ["validation_min_text_constraint", { min: 2 }]],
      ["ab", undefined],
      ["abcde", ["validation_max_text_constraint", { max: 4 }]],
      ["AB", "validation_invalid_format"],
    ],
  ],
  [
    "text",
    { max: 2 },
    [
      ["😀😀", undefined],
      ["😀😀😀", ["validation_max_text_constraint", { max: 2 }]],
    ],
  ],
  ["text", { pattern: "[a-z]" }, [["1a1", undefined]]],
  ["text", { pattern: "(" }, [["a", "validation_invalid_format"]]],
  [
    "text",
    { required: true },
    [
      ["", REQUIRED],
      [" ", undefined],
      [0, undefined],
    ],
  ],
  [
    "text",
    {},
    [
      ["x".repeat(5000), undefined],
      ["x".repeat(5001), ["validation_max_text_constraint", { max: 5000 }]],
      ["😀".repeat(5000), undefined],
      ["x".repeat(20_000_000), ["validation_max_text_constraint", { max: 5000 }]],
    ],
  ],
  [
    "editor",
    { maxSize: 4, required: true },
    [
      ["", REQUIRED],
      ["éé", undefined],
      ["ééé", ["validation_content_size_limit", { maxSize: 4 }]],
    ],
  ],
  [
    "number",
    { min: 2, max: 4, onlyInt: true },
    [
      [0, undefined],
      [2, undefined],
      [1, "validation_min_number_constraint"],
      [-1, "validation_min_number_constraint"],
      [5, "validation_max_number_constraint"],
      [2.5, "validation_only_int_constraint"],
      [1e19, "validation_only_int_constraint"],
      ["inf", "validation_not_a_number"],
      ["nan", "validation_not_a_number"],
    ],
  ],
  [
    "number",
    { required: true },
    [
      [0, REQUIRED],
      ["x", REQUIRED],
      [1, undefined],
    ],
  ],
  [
    "number",
    { min: null, max: 0 },
    [
      [-1, undefined],
      [1, "validation_max_number_constraint"],
    ],
  ],
  [
    "bool",
    { required: true },
    [
      [true, undefined],
      [false, REQUIRED],
      ["yes", REQUIRED],
    ],
  ],
  [
    "date",
    YEAR,
    [
      ["", undefined],
      ["2024-01-01", undefined],
      ["2024-12-31 23:59:59.999Z", undefined],
      [
        "2023-12-31",
        ["validation_min_greater_equal_than_required", { threshold: "2024-01-01T00:00:00Z" }],
      ],
      [
        "2025-01-01",
        ["validation_max_less_equal_than_required", { threshold: "2024-12-31T23:59:59.999Z" }],
      ],
    ],
  ],
  [
    "date",
    { required: true },
    [
      ["", REQUIRED],
      ["someday", REQUIRED],
      ["2024-01-01", undefined],
    ],
  ],
  [
    "select",
    { values: ["a", "b", "c"], maxSelect: 2 },
    [
      [[], undefined],
      [["a", "b", "a"], undefined],
      [
        ["a", "z"],
        ["validation_invalid_value", { value: "z" }],
      ],
      [
        ["a", "b", "c"],
        ["validation_too_many_values", { maxSelect: 2 }],
      ],
    ],
  ],
  [
    "select",
    { values: ["a"], required: true },
    [
      ["", REQUIRED],
      [["a"], undefined],
    ],
  ],
  [
    "relation",
    { minSelect: 2, maxSelect: 3 },
    [
      [[], undefined],
      [["a"], ["validation_not_enough_values", { minSelect: 2 }]],
      [["a", "b"], undefined],
      [
        ["a", "b", "c", "d"],
        ["validation_too_many_values", { maxSelect: 3 }],
      ],
    ],
  ],
  [
    "relation",
    { maxSelect: 2, required: true },
    [
      [[""], REQUIRED],
      [
        Array.from({ length: 200_000 }, (_, i) => `r${i}`),
        ["validation_too_many_values", { maxSelect: 2 }],
      ],
    ],
  ],
  [
    "json",
    { maxSize: 5 },
    [
      ["12345", undefined],
      ["123456", ["validation_json_size_limit", { maxSize: 5 }]],
      ["abcd", ["validation_json_size_limit", { maxSize: 5 }]],
      ["éé", ["validation_json_size_limit", { maxSize: 5 }]],
    ],
  ],
  [
    "json",
    { required: true },
    [
      ...[null, "", [], {}, "null", "[]", "{}"].map((empty) => [empty, REQUIRED] as const),
      ...[0, false, "0", " ", [null]].map((full) => [full, undefined] as const),
    ],
  ],
  [
    "geoPoint",
    { required: true },
    [
      [null, REQUIRED],
      [{ lon: 0, lat: 0 }, REQUIRED],
      [{ lon: 180, lat: -90 }, undefined],
      [{ lon: 0, lat: 90.1 }, "validation_invalid_latitude"],
      [{ lon: -180.1, lat: 0 }, "validation_invalid_longitude"],
    ],
  ],
  [
    "password",
    { min: 8, required: true },
    [
      ["", REQUIRED],
      ["1234567", "validation_min_text_constraint"],
      ["12345678", undefined],
      ["x".repeat(71), undefined],
      ["x".repeat(72), "validation_max_text_constraint"],
      // Few enough characters, but more bytes than the hash looks at.
      ["é".repeat(36), undefined],
      ["é".repeat(37), "validation_invalid_value"],
    ],
  ],
  ["password", { pattern: "^[a-z]+$" }, [["ABC", "validation_invalid_format"]]],
  [
    "email",
    { onlyDomains: ["x.io"] },
    [
      ["a@x.io", undefined],
      ["a@X.io", "validation_email_domain_not_allowed"],
      ["a@a.x.io", "validation_email_domain_not_allowed"],
    ],
  ],
  ["email", { exceptDomains: ["x.io"] }, [["a@x.io", "validation_email_domain_not_allowed"]]],
  [
    "url",
    { onlyDomains: ["x.io"] },
    [
      ["https://u@x.io/a", undefined],
      ["http://x.io:80", "validation_url_domain_not_allowed"],
      ["http://X.io", "validation_url_domain_not_allowed"],
      ["x.io", "validation_url_domain_not_allowed"],
    ],
  ],
  ["url", { exceptDomains: ["x.io"] }, [["http://x.io", "validation_url_domain_not_allowed"]]],
  ["email", { required: true }, [["", REQUIRED]]],
  ["url", { required: true }, [["", REQUIRED]]],
  ["file", { required: true }, [["", REQUIRED]]],
];

test.each(CHECKS)("%s %j refuses what its options rule out", (type, options, rows) => {
  for (const [input, fault] of rows) {
    const { code, params } = fate(field(type, options), input);
    const [wanted, parameters] = typeof fault === "object" ? fault : [fault, undefined];
    const shown = String(input).slice(0, 50);
    expect({ shown, code }).toEqual({ shown, code: wanted });
    if (parameters) expect(params).toEqual(parameters);
  }
});

const EMAILS = [
  ...["a@b.co", "A@B.CO", "a.b+c@d.e.com", "a'b@c.co", "ü@c.com", "a@ü.com", "a@c_d.com"],
  ...["a@1.com", "a@c.c1c", "a@c.com.", "a@c.co-m", `${"x".repeat(300)}@c.co`],
];
const NO_EMAILS = [
  ...[
    "x",
    "a@b",
    "a..b@c.com",
    ".a@c.com",
    "a.@c.com",
    "a@-c.com",
    "a@c-.com",
    "a@c.1",
    "a@c..com",
  ],
  ...[
    " a@b.co",
    "a@b.co ",
    "a@b@c.co",
    "a(b@c.co",
    "a@c.com\n",
    "a@[1.2.3.4]",
    "😀@c.com",
    "@b.co",
  ],
  `${"a@".repeat(100_000)}b`,
  `a@${"b.".repeat(100_000)}1`,
];
const URLS = [
  ...["http://a.b", "https://a.b/c?d=e#f", "ftp://a.b", "ws://a.b", "a.b:80", "a.b/c", "www.a"],
  ...["http://localhost", "localhost:3000", "http://u:p@a.b", "http://[::1]:80/x", "1.2.3.4"],
  ...["http://a.b.", "http://a.b:99999", "http://ü.de", "http://a--b.c", "mailto:a@b.c"],
  ...["http://foo.bar.baz.qux", "http://a.b/%20", "http://a.b?x=%", "http://[::ffff:1.2.3.4]"],
];
const NO_URLS = [
  ...[
    "x",
    "a.b",
    "localhost",
    "HTTP://a.b",
    "javascript:alert(1)",
    "gopher://a.b",
    "//a.b",
    "/a/b",
  ],
  ...["http://", "http:///x", "http://a b.c", "http://a.b/ c", "http://a.b\n", "http://-a.b"],
  ...["http://a_b.c", "http://a..b", "http://.a.b", "http://a.b:999999", "http://256.1.1.1"],
  ...["http://a.b/%zz", "http://a.123", "http://[1::2", "http://[1:2]", "data:text/plain,hi"],
  `http://a.b/${"x".repeat(2100)}`,
  `http://${"a-".repeat(1000)}!`,
  `http://${"a".repeat(2000)}-`,
  "@".repeat(2000),
];

test.each([
  ["email", EMAILS, undefined],
  ["email", NO_EMAILS, "validation_is_email"],
  ["url", URLS, undefined],
  ["url", NO_URLS, "validation_invalid_url"],
] as const)("%s takes what has its shape", (type, inputs, code) => {
  for (const input of inputs) {
    const shown = input.slice(0, 60);
    expect({ shown, code: fate(field(type), input).code }).toEqual({ shown, code: code as string });
  }
});

const ID = { primaryKey: true, required: true };
const DEFAULT_ID = { ...ID, min: 15, max: 15, pattern: "^[a-z0-9]+$" };
const OWN_ID = { ...ID, min: 1, max: 100, pattern: ".+" };

test.each([
  [DEFAULT_ID, "abc", "validation_min_text_constraint"],
  [DEFAULT_ID, "ABCDEFGHIJKLMNO", "validation_invalid_format"],
  [DEFAULT_ID, "abcdefghijklmno", undefined],
  [DEFAULT_ID, "", REQUIRED],
  [OWN_ID, "Post-1_é", undefined],
  ...[..."./\\|\"'`<>:?*%$\0\t\r "].map(
    (ch) => [OWN_ID, `a${ch}b`, "validation_forbidden_pk_character"] as const,
  ),
  ...["con", "PRN", "Aux", "nul", "com1", "LPT9"].map(
    (name) => [OWN_ID, name, "validation_reserved_pk"] as const,
  ),
  [OWN_ID, "com0", undefined],
  [OWN_ID, "console", undefined],
] as const)("an id under %j: %j", (options, id, code) => {
  expect(fate(field("text", options, "id"), id).code).toBe(code as string);
});

test("a stored id stays as it is, and only that", () => {
  const fields = new RecordFields([field("text", DEFAULT_ID, "id")]);
  expect(fields.check({ id: "ODD" }, { id: "ODD" })).toBeUndefined();
  const changed = fields.check({ id: "abcdefghijklmno" }, { id: "ODD" });
  expect(changed?.id?.code).toBe("validation_pk_change");
});

test("all faults of a record are found at once", () => {
  const fields = new RecordFields([
    field("text", { required: true }, "title"),
    field("number", { max: 1 }, "views"),
    field("bool", {}, "fine"),
  ]);
  const found = fields.check({ title: "", views: 2, fine: false }, undefined);
  expect(Object.keys(found ?? {})).toEqual(["title", "views"]);
});

test("what only the database knows is asked for", () => {
  const fields = new RecordFields([
    field("text", OWN_ID, "id"),
    field("relation", { collectionId: "pbc_1", maxSelect: 3 }, "tags"),
    field("relation", { collectionId: "pbc_2", maxSelect: 1 }, "author"),
  ]);
  const values = { id: "X", tags: ["a", "b"], author: "" };
  const asked = pendingLookups(fields, values, undefined);
  expect(asked).toMatchObject([
    { kind: "key", field: "id", id: "X", taken: { code: "validation_pk_invalid" } },
    {
      kind: "relation",
      field: "tags",
      collectionId: "pbc_1",
      ids: ["a", "b"],
      missingCollection: { code: "validation_missing_rel_collection" },
      missingRecords: { code: "validation_missing_rel_records" },
    },
  ]);
  expect(pendingLookups(fields, values, values).map(({ kind }) => kind)).toEqual(["relation"]);
});

test("a plain password is never stored, printed, or mistaken for a hash", async () => {
  const fields = new RecordFields([field("password", { cost: 12 })]);
  const { value } = fate(field("password"), "secret-8");
  expect(value).toBeInstanceOf(NewPassword);
  expect(JSON.stringify({ value })).toBe('{"value":""}');
  expect(Bun.inspect(value)).not.toContain("secret-8");
  expect(() => fields.encode({ f: value })).toThrow("hashed before");
  const hashed = await hashPasswords(fields.fields, { f: value }, async (plain, cost) => {
    return `${cost}:${plain.length}`;
  });
  expect(fields.encode(hashed)).toEqual(["12:8"]);
  expect(fields.publish(hashed, () => true)).toEqual({ f: "" });
  // A stored hash is not looked at as a password.
  expect(new RecordFields([field("password", { max: 2 })]).check(hashed, hashed)).toBeUndefined();
});
