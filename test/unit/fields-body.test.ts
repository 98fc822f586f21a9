/** Bodies against records: modifiers, forms, uploads, hidden fields, what rules see of it. */

import { expect, test } from "bun:test";
import type { FieldType } from "../../src/tools/fields/field.ts";
import { recordBodyBytesMax } from "../../src/tools/fields/field.ts";
import { bodyForRules, resolveBody } from "../../src/tools/fields/modifiers.ts";
import { withUploads } from "../../src/tools/fields/read-upload.ts";
import { RecordFields } from "../../src/tools/fields/record-fields.ts";
import { Upload } from "../../src/tools/fields/upload.ts";
import { inferForm, inferValue } from "../../src/tools/form.ts";
import { field, type Options, seeded, sentFile, target } from "./fields-fixture.ts";

type Body = Readonly<Record<string, unknown>>;

const LIST = { values: ["a", "b", "c"], maxSelect: 3 };

const MODIFIERS: readonly (readonly [FieldType, Options, unknown, Body, unknown])[] = [
  ["number", {}, 10, { "f+": 5 }, 15],
  ["number", {}, 10, { "f-": "2.5" }, 7.5],
  ["number", {}, undefined, { "f+": 5 }, 5],
  ["number", {}, 10, { "f+": "x" }, 10],
  // The order in the body does not count, the length of keys does.
  ["number", {}, 10, { "f+": 5, f: 1 }, 6],
  ["number", {}, 10, { f: 1, "f-": 2, "f+": 5 }, 4],
  ["select", LIST, ["a"], { "f+": "b" }, ["a", "b"]],
  ["select", LIST, ["a"], { "f+": ["b", "a", "c"] }, ["a", "b", "c"]],
  ["select", LIST, ["a"], { "+f": ["b", "a"] }, ["b", "a"]],
  ["select", LIST, ["a", "b"], { "f-": "a" }, ["b"]],
  ["select", LIST, ["a", "b"], { "f-": ["a", "b", "z"] }, []],
  ["select", LIST, ["a"], { f: ["b"], "f+": '["c"]' }, ["b", "c"]],
  ["select", { ...LIST, maxSelect: 1 }, "a", { "f+": "b" }, "b"],
  ["select", { ...LIST, maxSelect: 1 }, "a", { "+f": "b" }, "a"],
  ["select", { ...LIST, maxSelect: 1 }, "a", { "f-": "a" }, ""],
  ["relation", { maxSelect: 9 }, undefined, { "f+": ["x"] }, ["x"]],
  ["file", { maxSelect: 9 }, ["a.txt", "b.txt"], { "f-": "a.txt" }, ["b.txt"]],
  ["file", { maxSelect: 9 }, ["a.txt"], { f: "" }, []],
  ["file", { maxSelect: 9 }, ["a.txt"], { f: null }, []],
  ["text", { autogeneratePattern: "zz" }, "", { "f:autogenerate": "a-" }, "a-zz"],
  ["text", {}, "", { "f:autogenerate": "a-" }, "a-"],
  [
    "autodate",
    { onCreate: true },
    "2024-01-10 00:00:00.000Z",
    { f: "" },
    "2024-01-10 00:00:00.000Z",
  ],
];

test.each(MODIFIERS)("%s %j: %j with %j is %j", (type, options, stored, body, value) => {
  const fields = new RecordFields([field(type, options)]);
  const record = stored === undefined ? undefined : { f: stored };
  expect(resolveBody(target(fields, record), body)).toEqual({ values: { f: value }, custom: {} });
});

test("keys that are no field's, or no modifier of it, pass through as they came", () => {
  const fields = new RecordFields([field("text"), field("number", {}, "n")]);
  const body = JSON.parse(
    '{"f+":1,"+n":2,"n:autogenerate":3,"+f+":4,"N":5,"passwordConfirm":"x","__proto__":{"a":1}}',
  ) as Body;
  const { values, custom } = resolveBody(target(fields), body);
  expect(values).toEqual({});
  expect(Object.entries(custom).sort()).toEqual(Object.entries(body).sort());
  expect(Object.getPrototypeOf(custom)).toBe(Object.prototype);
});

test("hidden fields are for superusers, but for the password of an account", () => {
  const hidden = { hidden: true };
  const fields = new RecordFields([
    field("text", hidden, "secret"),
    field("number", hidden, "score"),
    field("password", hidden, "password"),
  ]);
  const body = { secret: "x", "score+": 1, password: "12345678" };
  const taken = (writesHidden: boolean, isAuth: boolean) =>
    Object.keys(resolveBody({ ...target(fields), writesHidden, isAuth }, body).values);
  expect(taken(false, false)).toEqual([]);
  expect(taken(false, true)).toEqual(["password"]);
  expect(taken(true, false)).toEqual(["secret", "score", "password"]);
});

test("a large body takes time in proportion", () => {
  const fields = new RecordFields([field("select", { values: ["a"], maxSelect: 5 })]);
  const many = Array.from({ length: 100_000 }, (_, i) => `v${i}`);
  const body = { f: many, "f-": many.slice(1), ...Object.fromEntries(many.map((key) => [key, 1])) };
  expect(resolveBody(target(fields), body).values).toEqual({ f: ["v0"] });
});

test.each([
  ["", ""],
  ["true", true],
  ["false", false],
  ["TRUE", "TRUE"],
  ["null", "null"],
  ["1", 1],
  ["-5", -5],
  ["1.5", 1.5],
  ["0.0000001", 1e-7],
  ["9007199254740992", 9007199254740992],
  ["9007199254740993", "9007199254740993"],
  ["100000000000000000000000", 1e23],
  ...["0001", "1.0", "1e3", "-.5", ".5", "-", ".", "1-2", "1.2.3", " 1", "1".repeat(1e6)].map(
    (text) => [text, text] as const,
  ),
])("a form's %j means %p", (text, value) => {
  expect(inferValue(text)).toEqual(value);
});

test("repeated keys are lists, JSON payloads lie over the rest in order", () => {
  const file = sentFile("a.txt", "x");
  const { body, files } = inferForm([
    ["a", "1"],
    ["b", "x"],
    ["b", "2"],
    ["@jsonPayload", '{"a":"2","c":{"d":"1"}}'],
    ["@jsonPayload", '{"c":3}'],
    ["@jsonPayload", "null"],
    ["docs", file],
    ["docs", file],
    ["__proto__", "x"],
  ]);
  expect(Object.entries(body)).toEqual([
    ["a", "2"],
    ["b", ["x", 2]],
    ["__proto__", "x"],
    ["c", 3],
  ]);
  expect(files.get("docs")).toEqual([file, file]);
});

test.each(["[1]", "x", "", '{"a":1} x', "5", `{"a":${"[".repeat(1000)}${"]".repeat(1000)}}`])(
  "the payload %j is refused",
  (payload) => {
    expect(() => inferForm([["@jsonPayload", payload]])).toThrow("not an object");
  },
);

test("a form of too many entries is refused", () => {
  const entries = Array.from({ length: 20_000 }, (_, i) => [`k${i}`, ""] as const);
  expect(() => inferForm(entries)).toThrow("too many entries");
});

function upload(name: string, size = 1, mimeType = "text/plain"): Upload {
  const content = { kind: "bytes", bytes: Buffer.from(name) } as const;
  return new Upload({ name, originalName: `${name}!`, size, mimeType, content });
}

test("uploads join the names sent with them, replace what was stored, or are added to it", () => {
  const fields = new RecordFields([field("file", { maxSelect: 9 }, "docs"), field("text")]);
  const stored = { docs: ["old.txt", "kept.txt"], f: "" };
  const file = sentFile("My Doc.txt", "hello");
  const names = (keys: Body, key: string) => {
    const form = { body: keys, files: new Map([[key, [file]]]) };
    const body = withUploads(fields, form, seeded());
    const { values } = resolveBody(target(fields, stored), body);
    return fields.publish({ ...stored, ...values }, () => true).docs;
  };
  const stem = /^my_doc_[a-z0-9]{10}\.txt$/;
  const fresh = expect.stringMatching(stem);
  expect(names({}, "docs")).toEqual([fresh]);
  expect(names({ docs: "kept.txt" }, "docs")).toEqual(["kept.txt", fresh]);
  expect(names({}, "docs+")).toEqual(["old.txt", "kept.txt", fresh]);
  expect(names({}, "+docs")).toEqual([fresh, "old.txt", "kept.txt"]);
  const batched = withUploads(
    fields,
    { body: {}, files: new Map([["docs", [file]]]), batched: true },
    seeded(),
  );
  expect((batched.docs as Upload[])[0]?.name).toMatch(/^my_doc_[a-z0-9]{10}_[a-z0-9]{10}\.txt$/);
  expect(names({ "docs-": "old.txt" }, "docs+")).toEqual(["kept.txt", fresh]);
  // A file under another key, even that of a text field, is dropped.
  expect(names({}, "f")).toEqual(["old.txt", "kept.txt"]);
});

test.each([
  [{}, ["old.txt"], undefined, undefined],
  [{}, ["made-up.txt"], "validation_invalid_file", { invalidFiles: ["made-up.txt"] }],
  [{}, ["old.txt", upload("a.txt")], "validation_too_many_files", { maxSelect: 1 }],
  [
    { maxSize: 5 },
    upload("a.txt", 6),
    "validation_file_size_limit",
    { file: "a.txt!", maxSize: 5 },
  ],
  [{}, upload("a.txt", 5 * 1024 * 1024 + 1), "validation_file_size_limit", undefined],
  [{ mimeTypes: ["image/png"] }, upload("a.png"), "validation_invalid_mime_type", undefined],
  [{ mimeTypes: ["Text/Plain; charset=utf-8"] }, upload("a.txt"), undefined, undefined],
  [{ mimeTypes: ["audio/mp3"] }, upload("a.mp3", 1, "audio/mpeg"), undefined, undefined],
  [{}, upload(`${"x".repeat(147)}.txt`), "validation_length_out_of_range", { min: 1, max: 150 }],
  [{}, upload(".hidden"), "validation_match_invalid", undefined],
  [{}, upload("../a"), "validation_match_invalid", undefined],
] as const)("files %j take %j: %p", (options, value, code, params) => {
  const fields = new RecordFields([field("file", options)]);
  // Lists are checked as they are, so that a single field refuses a second file.
  const fault = fields.check({ f: value }, { f: "old.txt" })?.f;
  expect(fault?.code).toBe(code as string);
  if (params) expect(fault?.params).toEqual({ ...params });
});

test("JSON cannot pass for an upload", () => {
  const fields = new RecordFields([field("file", { maxSelect: 3 })]);
  const forged = { name: "x.txt", originalName: "x", size: 1, mimeType: "text/plain", content: {} };
  expect(resolveBody(target(fields), { f: [forged] }).values).toEqual({ f: [] });
});

test("rules see resolved values, plain passwords, and no uploads", () => {
  const fields = new RecordFields([
    field("file", { maxSelect: 3 }, "docs"),
    field("password", {}, "password"),
    field("number", {}, "n"),
  ]);
  const body = { docs: ["a.txt", upload("b.txt")], password: "12345678", "n+": 2, extra: null };
  const resolved = resolveBody(target(fields, { docs: [], password: "", n: 1 }), body);
  expect(bodyForRules(fields, resolved)).toEqual({
    docs: ["a.txt"],
    password: "12345678",
    n: 3,
    extra: null,
  });
});

test("a body may have room for all that its fields take", () => {
  const mib = 1024 * 1024;
  expect(recordBodyBytesMax([field("text")])).toBe(32 * mib);
  const large = [
    field("file", { maxSelect: 3, maxSize: mib }),
    field("file"),
    field("json"),
    field("editor", { maxSize: 7 * mib }),
  ];
  expect(recordBodyBytesMax(large)).toBe((32 + 3 + 5 + 1 + 7) * mib);
});
