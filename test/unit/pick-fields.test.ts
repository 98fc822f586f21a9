/** The `fields` parameter and its excerpts. */

import { expect, test } from "bun:test";
import { htmlExcerpt } from "../../src/tools/html-text.ts";
import { parseFields, pickFields } from "../../src/tools/pick-fields.ts";

const RECORD = {
  id: "1",
  title: "Hi",
  body: "<p>Hello <b>big</b> world</p>",
  n: null,
  tags: ["x", "y"],
  expand: {
    author: { id: "u1", name: "Ann" },
    items: [
      { id: "i1", v: 1 },
      { id: "i2", v: 2 },
    ],
  },
};
const { expand, ...PLAIN } = RECORD;
const AUTHOR_NAME = { author: { name: "Ann" } };

test.each([
  ["", RECORD],
  [" , ", RECORD],
  ["*", RECORD],
  ["id,title", { id: "1", title: "Hi" }],
  [" id , n ", { id: "1", n: null }],
  ["nope", {}],
  ["expand.author.name", { expand: AUTHOR_NAME }],
  ["*,expand.author.name", { ...PLAIN, expand: AUTHOR_NAME }],
  ["expand.author.name,*", { ...PLAIN, expand: AUTHOR_NAME }],
  ["expand.*", { expand }],
  ["expand.*,expand.author.name", { expand: { ...expand, ...AUTHOR_NAME } }],
  ["expand,expand.author.name", { expand }],
  ["expand.author.name,expand", { expand }],
  ["expand.items.id", { expand: { items: [{ id: "i1" }, { id: "i2" }] } }],
  ["expand.items.nope", { expand: { items: [{}, {}] } }],
  // Nothing goes on after a star.
  ["expand.*.id", { expand: {} }],
  ["title.x,tags.x", { title: "Hi", tags: ["x", "y"] }],
  ["body:excerpt(5,true)", { body: "Hello..." }],
  ["body:excerpt(9)", { body: "Hello big" }],
  ["body:excerpt( 9 , 1 ),id", { body: "Hello big...", id: "1" }],
  ["n:excerpt(5),tags:excerpt(1)", { n: null, tags: ["x", "y"] }],
  ["*:excerpt(1),title", { ...RECORD, id: "1", body: "H", title: "Hi" }],
])("%j picks its part", (expression, picked) => {
  const pick = parseFields(expression);
  expect(pick ? pickFields(RECORD, pick) : RECORD).toEqual(picked);
});

test.each(["body:foo(1)", "body:excerpt", "body:excerpt()", "body:excerpt(0)", "body:excerpt(x)"])(
  "%j is refused",
  (expression) => expect(() => parseFields(expression)).toThrow("excerpt(max"),
);

test.each(["a(", "a)", "body:excerpt(5"])("%j is unbalanced", (expression) => {
  expect(() => parseFields(expression)).toThrow("unbalanced");
});

test("lists are picked from item by item", () => {
  const pick = parseFields("id");
  expect(pick && pickFields([RECORD, { id: "2", x: 1 }], pick)).toEqual([{ id: "1" }, { id: "2" }]);
  expect(pick && pickFields([], pick)).toEqual([]);
  expect(pick && pickFields([1, 2], pick)).toEqual([1, 2]);
  expect(pick && pickFields("text", pick)).toBe("text");
});

test("names that objects inherit are picked only where they are", () => {
  const own = JSON.parse('{"__proto__":{"a":1},"b":2}') as Record<string, unknown>;
  const pick = parseFields("__proto__,constructor");
  const picked = pick && pickFields(own, pick);
  expect(JSON.stringify(picked)).toBe('{"__proto__":{"a":1}}');
});

test("long expressions take time in proportion", () => {
  const names = Array.from({ length: 50_000 }, (_, i) => `k${i}`);
  const wide = Object.fromEntries(names.map((name) => [name, 1]));
  const pick = parseFields(names.join(","));
  expect(pick && pickFields(wide, pick)).toEqual(wide);
  const deep = parseFields(`${"a.".repeat(50_000)}b`);
  expect(deep && pickFields({ a: { a: { x: 1 } } }, deep)).toEqual({ a: { a: {} } });
});

test.each([
  ["plain text", 100, false, "plain text"],
  ["one\n\t two  three", 100, false, "one two three"],
  [
    "<p>Hello</p><div>t   est<b>12\n\t3</b><span>456</span></div>#<h1>x</h1>",
    100,
    false,
    "Hello t est12 3456 # x",
  ],
  ["a<br>b<hr>c", 100, false, "ab c"],
  ["<script>if (a<b) x()</script>a<style>p{}</style>", 100, false, "a"],
  ["<svg><path/><svg></svg>x</svg>a<button>go</button>b", 100, false, "ab"],
  ["<head><title>T</title></head>a<!-- b --><!doctype html>c", 100, false, "ac"],
  ['<a href="x>y">link</a> <img alt="no">', 100, false, "link"],
  ["5 < 6 &amp; 7 &gt; 6 &#65;&#x42; &nope; &copy", 100, false, "5 < 6 & 7 > 6 AB &nope; &copy"],
  ["&#0;&#xd800;&#99999999;", 100, false, "\ufffd\ufffd&#99999999;"],
  ["абв где", 5, true, "абв г..."],
  ["абв где", 4, true, "абв..."],
  ["абв", 3, true, "абв"],
  ["😀😀😀", 2, true, "😀😀..."],
  ["  <p>  </p> ", 5, true, ""],
  ["a<b", 5, false, "a"],
  ["<", 5, false, "<"],
] as const)("the excerpt of %j in %d", (html, max, ellipsis, text) => {
  expect(htmlExcerpt(html, max, ellipsis)).toBe(text);
});

test("hostile markup takes time in proportion", () => {
  const many = 300_000;
  const parts = [
    "<",
    "<!--",
    "<a",
    '<a b="',
    "&",
    "<p>",
    "</",
    "<script>",
    "<svg>",
    " ",
    "&#1",
    "<!",
  ];
  for (const part of parts) {
    const html = part.repeat(many);
    expect(htmlExcerpt(html, 1e9, false).length).toBeLessThanOrEqual(html.length);
  }
});
