/** The language of filters and rules by itself: what is one, what it says, what it costs. */

import { expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Expression, Term } from "../../src/tools/filter/expression.ts";
import { CLIENT_FILTER, parseFilter, RULE } from "../../src/tools/filter/parser.ts";

/** A tree as text with every bracket written. */
function shown(expression: Expression): string {
  if (expression.kind === "comparison") {
    const { left, operator, any, right } = expression;
    return `${term(left)} ${any ? "?" : ""}${operator} ${term(right)}`;
  }
  const sign = expression.kind === "and" ? " && " : " || ";
  return `(${expression.terms.map(shown).join(sign)})`;
}

function term(of: Term): string {
  switch (of.kind) {
    case "identifier":
      return of.name;
    case "number":
      return String(of.value);
    case "text":
      return JSON.stringify(of.value);
    case "call":
      return `${of.name}(${of.parameters.map(term).join(", ")})`;
  }
}

const parse = (text: string) => shown(parseFilter(text, CLIENT_FILTER));

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return `${error.status} ${error.code} ${error.message}`;
    throw error;
  }
  return "none";
}

test.each([
  ["a=1", "a = 1"],
  ["a = 1 && b = 2 || c = 3", "((a = 1 && b = 2) || c = 3)"],
  ["a = 1 || b = 2 && c = 3", "(a = 1 || (b = 2 && c = 3))"],
  ["a=1&&b=2&&c=3||d=4", "((a = 1 && b = 2 && c = 3) || d = 4)"],
  ["(a = 1 || b = 2) && c = 3", "((a = 1 || b = 2) && c = 3)"],
  ["(((a = 1)))", "a = 1"],
  ["((a=1) && (b=2))", "(a = 1 && b = 2)"],
  ["a ?= 1 && b ?!~ 2", "(a ?= 1 && b ?!~ 2)"],
  ["a!='x'&&b>=-1.5", '(a != "x" && b >= -1.5)'],
  ["-.5 < a", "-0.5 < a"],
  ["a=-1", "a = -1"],
  ["a = 'it\\'s \"q\"'", 'a = "it\'s \\"q\\""'],
  ['a = "it\'s \\"q\\""', 'a = "it\'s \\"q\\""'],
  ["a = '\\n\\\\x'", 'a = "\\\\n\\\\\\\\x"'],
  ["a = 'ünï 😀 \r\n'", 'a = "ünï 😀 \\r\\n"'],
  ["a = ''", 'a = ""'],
  ["// one\na = 1 // two && b\n && c = 2 //", "(a = 1 && c = 2)"],
  ["\t a\n=\t1 ", "a = 1"],
  ["@request.auth.id:lower = #a._b", "@request.auth.id:lower = #a._b"],
  ["a = 1 // ) ' (", "a = 1"],
  ["f(a, 1, 'x',) = g(h(1),// in\n 2)", 'f(a, 1, "x") = g(h(1), 2)'],
  ["f() = 1", "f() = 1"],
  ["a..b = 1", "a..b = 1"],
])("%p says %p", (text, tree) => {
  expect(parse(text)).toBe(tree);
});

test.each([
  ["", "end of the filter at position 1"],
  [" \n\t", "end of the filter at position 4"],
  ["// only", "end of the filter"],
  ["()", '")" at position 2'],
  ["a", "expected an operator"],
  ["a =", "expected a value"],
  ["= 1", '"=" at position 1'],
  ["a == 1", 'operator "=="'],
  ["a ?? 1", 'operator "??"'],
  ["a =! 1", 'operator "=!"'],
  ["a = 1 and b = 2", '"and" at position 7, expected "&&" or "||"'],
  ["a = 1 & b = 2", 'operator "&"'],
  ["a = 1 ||| b = 2", 'operator "|||"'],
  ["a = 1 &&", "end of the filter"],
  ["a = 1 && && b = 2", '"&&" at position 10'],
  ["(a = 1", "1 closing brackets are missing"],
  ["a = 1)", '")" at position 6'],
  ["a = (b = 1)", '"(" at position 5'],
  ["a = 1 (b = 1)", '"(" at position 7'],
  ["a = 'x", "position 5 has no end"],
  ["a = \"x'", "position 5 has no end"],
  ["a = 'x\\'", "position 5 has no end"],
  ["a = 'x\0'", "position 5 has no end"],
  ["a > .5", '"." at position 5'],
  ["a > 5.", "number at position 5"],
  ["a > -", "number at position 5"],
  ["a > --1", "number at position 5"],
  ["a = 1.2.3", '"." at position 8'],
  ["a = 1e5", '"e5" at position 6'],
  ["a = 5x", '"x" at position 6'],
  ["a = +1", '"+" at position 5'],
  ["a. = 1", "name at position 1"],
  ["a: = 1", "name at position 1"],
  ["@ = 1", "name at position 1"],
  ["_ = 1", "name at position 1"],
  ["a\r= 1", '"\\r" at position 2'],
  ["a = `x`", '"`" at position 5'],
  ["a = é", '"é" at position 5'],
  ["a = 😀", '"😀" at position 5'],
  ["a = 1, b = 1", '"," at position 6'],
  ["a-b = 1", '"-" at position 2'.replace('"-"', "number")],
  ["a = 1 / b", '"/" at position 7'],
  ["f (a) = 1", '"(" at position 3'],
  ["f(,a) = 1", '"," at position 3'],
  ["f(a,,b) = 1", '"," at position 5'],
  ["f(a b) = 1", 'expected "," or ")"'],
  ["f(a = 1", 'expected "," or ")"'],
  ["f(a", 'expected "," or ")"'],
  ["f.(a) = 1", "name at position 1"],
  ["a(b(c(d(1)))) = 1", "Too many functions in functions at position 7"],
])("%p is refused: %p", (text, why) => {
  const refused = refusal(() => parse(text));
  expect(refused).toStartWith("400 invalid_filter ");
  expect(refused).toContain(why);
});

test("bounds: bytes, comparisons, brackets", () => {
  const filled = (bytes: number) => `a = '${"x".repeat(bytes - 6)}'`;
  expect(refusal(() => parse(filled(LIMITS.filterBytesMax)))).toBe("none");
  expect(refusal(() => parse(filled(LIMITS.filterBytesMax + 1)))).toContain("3500 bytes");
  const wide = `a = '${"é".repeat(LIMITS.filterBytesMax / 2)}'`;
  expect(refusal(() => parse(wide))).toContain("3500 bytes");
  expect(refusal(() => parseFilter(wide, RULE))).toBe("none");
  const many = (count: number) => Array(count).fill("a=1").join("||");
  expect(refusal(() => parse(many(200)))).toBe("none");
  expect(refusal(() => parse(many(201)))).toContain("200 comparisons");
  const deep = (count: number) => `${"(".repeat(count)}a=1${")".repeat(count)}`;
  expect(parse(deep(LIMITS.filterDepthMax))).toBe("a = 1");
  expect(refusal(() => parse(deep(LIMITS.filterDepthMax + 1)))).toContain("Too many brackets");
});

/** Numbers from 0 to 1, the same in every run (a linear congruential generator, mixed). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    mixed ^= mixed >>> 12;
    return (mixed >>> 0) / 2 ** 32;
  };
}

test("AND binds tighter than OR, for any nesting", () => {
  const random = seeded(4);
  const nested = (depth: number): string => {
    const terms = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
      if (depth > 0 && random() < 0.3) return `(${nested(depth - 1)})`;
      return random() < 0.5 ? "1=1" : "1=0";
    });
    return terms
      .join(random() < 0.3 ? "&&" : "||")
      .replaceAll("||", () => (random() < 0.5 ? "&&" : "||"));
  };
  const holds = (expression: Expression): boolean => {
    if (expression.kind === "comparison") return term(expression.right) === "1";
    return expression.kind === "and" ? expression.terms.every(holds) : expression.terms.some(holds);
  };
  const outcomes = { true: 0, false: 0 };
  for (let round = 0; round < 5_000; round++) {
    const text = nested(3);
    // The language of this test has the same precedence.
    const script = text.replaceAll("1=1", "true").replaceAll("1=0", "false");
    const wanted = new Function(`return ${script}`)() as boolean;
    expect({ text, holds: holds(parseFilter(text, RULE)) }).toEqual({ text, holds: wanted });
    outcomes[`${wanted}`]++;
  }
  expect(Math.min(outcomes.true, outcomes.false)).toBeGreaterThan(500);
});

const OPERANDS = [
  "title",
  "a.b.c",
  "@request.auth.id",
  "tags:each",
  "1",
  "-2.5",
  "'x'",
  '"y\\"\'"',
  "f(a)",
];
const OPERATORS = ["=", "!=", "?~", "!~", ">=", "?<"];
const JOINS = ["&&", "||"];
const PIECES = [
  ...[
    ...OPERANDS,
    ...OPERATORS,
    ...JOINS,
    "'",
    '"',
    "\\",
    "?",
    "!",
    "&",
    "|",
    "((",
    "))",
    "f(",
    ",",
  ],
  ...[".", ":", "@", "#", "_", "\r", "//", "/", "-", "\0", "é", "😀", "\ud800", "%", "`", "a = 1"],
];

/** A tree as text of the language. */
function written(expression: Expression): string {
  if (expression.kind === "comparison") {
    const { left, operator, any, right } = expression;
    return `${operand(left)}${any ? "?" : ""}${operator}${operand(right)}`;
  }
  const sign = expression.kind === "and" ? "&&" : "||";
  return `(${expression.terms.map(written).join(sign)})`;
}

function operand(of: Term): string {
  if (of.kind === "text") return `'${of.value.replaceAll("'", "\\'")}'`;
  if (of.kind === "call") return `${of.name}(${of.parameters.map(operand).join()})`;
  return term(of);
}

/** Mostly comparisons and joins in their order, now and then something in between. */
function randomText(random: () => number, length: number): string {
  const any = (pieces: readonly string[]) => pieces[Math.floor(random() * pieces.length)] ?? "";
  const disorder = random() * 0.2;
  const roles = [OPERANDS, OPERATORS, OPERANDS, JOINS];
  let text = "";
  for (let at = 0; at < length; at++) {
    text += random() < disorder ? any(PIECES) : any(roles[at % roles.length] ?? PIECES);
    if (random() < 0.2) text += any([" ", "\n", "// x ' )\n", "(", ")"]);
  }
  return text;
}

test("random input is a tree or a refusal, and a tree says what its text says", () => {
  const rounds = Number(Bun.env.FILTER_FUZZ_ROUNDS ?? 200_000);
  const random = seeded(20240110);
  let trees = 0;
  for (let round = 0; round < rounds; round++) {
    const most = round % 100 === 0 ? 400 : 12;
    const text = randomText(random, 1 + Math.floor(random() * most));
    try {
      const tree = parseFilter(text, RULE);
      trees++;
      if (shown(parseFilter(written(tree), RULE)) !== shown(tree)) throw new Error("not the same");
    } catch (error) {
      if (error instanceof AppError && error.code === "invalid_filter") continue;
      throw new Error(`input ${JSON.stringify(text)}`, { cause: error });
    }
  }
  expect(trees).toBeGreaterThan(rounds / 20);
}, 120_000);

test("hostile input is refused without a second look at it", () => {
  const size = LIMITS.ruleBytesMax;
  const rows = [
    "(",
    ")",
    "'",
    "\\'",
    "a=1||",
    "(a=1)&&",
    "f(",
    "a.",
    "1",
    "=",
    "&",
    "//",
    "// \n",
    "?",
    '"\\',
  ];
  for (const piece of rows) {
    const text = piece.repeat(Math.floor(size / piece.length));
    expect(refusal(() => parseFilter(text, RULE))).toStartWith("400 invalid_filter");
  }
});
