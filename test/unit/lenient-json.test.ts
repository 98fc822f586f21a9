/** JSON bodies as lenient clients send them. */

import { expect, test } from "bun:test";
import { parseFirstObject } from "../../src/tools/lenient-json.ts";

test.each([
  ['{"a":1}', { a: 1 }],
  [' \r\n\t{"a":1} ', { a: 1 }],
  ['{"a":1}{"b":2}', { a: 1 }],
  ['{"a":1}, and more', { a: 1 }],
  ['{"a":1,"a":{"b":2}}', { a: { b: 2 } }],
  ['{"a":"}{","b":["]",{"c":"\\"}"}]}', { a: "}{", b: ["]", { c: '"}' }] }],
  ['{"a":"\\ud800x","\\udc00":["\\ud83d\\ude00"]}', { a: "\ufffdx", "\ufffd": ["😀"] }],
  ['{"a":1e308,"b":"1e400"}', { a: 1e308, b: "1e400" }],
  [
    '{"a":"[[[[[[[[[[[[","b":[{},{},{},{},{},{},{},{},{},{}]} x',
    { a: "[".repeat(12), b: Array(10).fill({}) },
  ],
  ["{}", {}],
  ["null", null],
  [" null, and more", null],
  ["", undefined],
  [" ", undefined],
  ["[]", undefined],
  ["[{}]", undefined],
  ['"x"', undefined],
  ["5", undefined],
  ["true", undefined],
  ["nul", undefined],
  ["\ufeff{}", undefined],
  ["{", undefined],
  ['{"a":1', undefined],
  ['{"a":1]', undefined],
  ['{"a":"1}', undefined],
  ["{a:1}", undefined],
  ["{'a':1}", undefined],
  ['{"a":01}', undefined],
  ['{"a":1,}', undefined],
  ['{"a":"\t"}', undefined],
  ['{"a":1e400}', undefined],
  ['{"a":[{"b":-1e999}]}', undefined],
  [`{"a":${"9".repeat(310)}}`, undefined],
] as const)("%j is %j", (text, value) => {
  expect(parseFirstObject(text, 10)).toEqual(value as Record<string, unknown>);
});

test("what is nested too deep is none", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  expect(parseFirstObject(nested(10), 10)).toBeDefined();
  expect(parseFirstObject(nested(11), 10)).toBeUndefined();
  expect(parseFirstObject("[".repeat(1e6), 10)).toBeUndefined();
  expect(parseFirstObject('{"a":'.repeat(1e5), 10)).toBeUndefined();
});

test("names that objects have by themselves are keys like others", () => {
  const value = parseFirstObject('{"__proto__":{"a":"\\ud800"},"constructor":1}', 10) ?? {};
  expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
  expect(({} as Record<string, unknown>).a).toBeUndefined();
});
