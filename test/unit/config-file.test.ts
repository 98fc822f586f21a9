import { describe, expect, test } from "bun:test";
import { parseFile } from "../../config/file.ts";
import { Problems } from "../../config/language.ts";
import { ConfigError, loadConfig } from "../../config/load.ts";

function problems(text: string): readonly string[] {
  try {
    loadConfig({ flags: {}, env: {}, file: "c.yaml", readFile: () => text });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
  return [];
}

const laughs = ["a0: &a0 [x, x]"];
for (let i = 1; i < 12; i++) {
  laughs.push(
    `a${i}: &a${i} [${Array(9)
      .fill(`*a${i - 1}`)
      .join(", ")}]`,
  );
}
const manyAliases = `a: &a x\nb: [${Array(200).fill("*a").join(", ")}]`;
const manyKeys = Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`).join("\n");
const blockDepth = Array.from({ length: 200 }, (_, i) => `${" ".repeat(i)}a:`).join("\n");

const DEEP = "nested deeper than 16 levels";
const MANY = "more than 10000 values";

describe("hostile files get one clear line", () => {
  test.each([
    [
      "billion laughs",
      laughs.join("\n"),
      /^c\.yaml:\d+:\d+: (more than 100 aliases|aliases \(\*\) make)/,
    ],
    ["many aliases", manyAliases, "c.yaml:2:405: more than 100 aliases (*)"],
    ["an alias within its anchor", "a: &a [*a]", /aliases \(\*\) make the file too deep/],
    ["2 MiB", `a: ${"x".repeat(2 * 1024 * 1024)}`, "c.yaml: the file is larger than 1048576 bytes"],
    ["many brackets", "[".repeat(200_000), DEEP],
    ["many braces", "{a: ".repeat(60_000), DEEP],
    ["deep dashes", `${"- ".repeat(2_000)}x`, DEEP],
    ["deep questions", `${"? ".repeat(2_000)}x`, DEEP],
    ["deep blocks", blockDepth, DEEP],
    ["many keys", manyKeys, MANY],
    ["many items", `[${"1,".repeat(100_000)}]`, MANY],
  ])("%s", (_, text, expected) => {
    const lines = problems(text);
    expect(lines).toHaveLength(1);
    if (expected instanceof RegExp) expect(lines[0]).toMatch(expected);
    else expect(lines[0]).toEndWith(expected);
  });
});

test.each([
  ["server:\n\tdir: x", "c.yaml:2:1: not valid YAML: a tab in the indentation; use spaces"],
  ["- a\n- b", "c.yaml:1:1: the file must hold keys and values, such as `server:`"],
  ["just text", "c.yaml:1:1: the file must hold keys and values, such as `server:`"],
  ["server: {}\nserver: {}", 'c.yaml:2:1: duplicate key "server": first in line 1'],
  ["server:\n  dir: a\n  http: a:1\n  dir: b", 'c.yaml:4:3: duplicate key "dir": first in line 2'],
  ["server: {}\n---\nserver: {}", "c.yaml:2:1: a second document (`---`); one is expected"],
  ["server: !!binary aGk=", "c.yaml:1:9: not valid YAML: a tag (!) that is not known here"],
  ["server: !!js/function x", "c.yaml:1:9: not valid YAML: a tag (!) that is not known here"],
  ["server: *none", "c.yaml:1:9: not valid YAML: an alias without a usable anchor before it"],
  ["? [a]\n: b", "c.yaml:1:3: not valid YAML: a key must be text"],
  ["server: {dir: a: b}", "not valid YAML"],
  ['server: "x', "not valid YAML: a character is missing"],
  ["server: @x", "not valid YAML: a value that starts with this character needs quotes"],
  ["\0", "c.yaml"],
])("%j is refused", (text, expected) => {
  expect(problems(text)[0]).toContain(expected);
});

test.each([
  "",
  "\n\n",
  "# nothing\n",
  "---\n",
  "--- \n...\n",
  "server:\n",
  "server: ~\nchannels:\n",
])("%j is an empty configuration", (text) => {
  expect(problems(text)).toEqual([]);
});

test("a YAML 1.1 line brings no other words for true and no octal numbers", () => {
  const found = new Problems();
  const root = parseFile("%YAML 1.1\n---\na: yes\nb: 0o17\nc: 1:30\nd: 017", "f", found);
  const values = root?.entries.map(({ value }) => value.type === "scalar" && value.value);
  expect(found.lines()).toEqual([]);
  expect(values).toEqual(["yes", 15, "1:30", 17]);
});

test("numeric-looking text keeps its type: quoted is text, bare is a number", () => {
  const found = new Problems();
  const root = parseFile("a: '1'\nb: 1\nc: 1_000\nd: 0x10\ne: 1e3\nf: '~'\ng: ~", "f", found);
  const values = root?.entries.map(({ value }) => value.type === "scalar" && value.value);
  expect(values).toEqual(["1", 1, "1_000", 16, 1000, "~", null]);
});

test("an alias stands for its anchor's value", () => {
  const text = `
namespaces:
  - name: a
    history: &kept { size: 5, ttl: 1h }
  - name: b
    history: *kept
`;
  const { config } = loadConfig({ flags: {}, env: {}, readFile: () => text });
  expect(config.namespaces[1]?.history).toEqual(config.namespaces[0]!.history);
});
