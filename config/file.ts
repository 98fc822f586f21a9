/**
 * The configuration file as positions and plain values: YAML 1.2, core schema. The text is not
 * trusted: size, depth, number of values and aliases are bounded before anything is built from it.
 * The parser's own messages quote the text, secrets included, so faults are told in words of ours.
 */

import {
  Composer,
  type CST,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  type YAMLMap,
} from "yaml";
import { LIMITS } from "../src/base/limits.ts";
import { type Input, type MapEntry, type MapInput, type Problems, quoted } from "./language.ts";

/** The root of the file, or undefined: empty, or refused with the reason in `problems`. */
export function parseFile(text: string, file: string, problems: Problems): MapInput | undefined {
  if (Buffer.byteLength(text) > LIMITS.configFileBytesMax) {
    problems.add(file, `the file is larger than ${LIMITS.configFileBytesMax} bytes`);
    return undefined;
  }
  const lines = new LineCounter();
  const where = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const excess = findExcess(tokens);
  if (excess) {
    problems.add(where(excess.offset), excess.message);
    return undefined;
  }
  const found = problems.count;
  const root = compose(tokens, where, problems);
  if (!root || problems.count > found) return undefined;
  const input = new Converter(where, problems).convert(root, 0);
  if (problems.count > found || (input.type === "scalar" && input.value === null)) return undefined;
  if (input.type === "map") return input;
  problems.add(input.where, "the file must hold keys and values, such as `server:`");
  return undefined;
}

type Where = (offset: number) => string;

/** Depth and number of values, with a stack of our own: the text's depth must not become ours. */
function findExcess(tokens: readonly CST.Token[]) {
  const stack = tokens.map((token) => ({ token, depth: 0 }));
  let nodes = 0;
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { token, depth } = next;
    nodes++;
    if (depth > LIMITS.configDepthMax) {
      return {
        offset: token.offset,
        message: `nested deeper than ${LIMITS.configDepthMax} levels`,
      };
    }
    if (nodes > LIMITS.configNodesMax) {
      return { offset: 0, message: `more than ${LIMITS.configNodesMax} values` };
    }
    for (const child of children(token)) stack.push({ token: child, depth: depth + 1 });
  }
  return undefined;
}

function children(token: CST.Token): readonly CST.Token[] {
  if (token.type === "document") return token.value ? [token.value] : [];
  if (!("items" in token)) return [];
  return token.items.flatMap((item) => [item.key, item.value].filter((part) => part != null));
}

function compose(tokens: readonly CST.Token[], where: Where, problems: Problems) {
  const composer = new Composer({
    schema: "core",
    // A `%YAML 1.1` line must not bring dates, octal numbers and merge keys back.
    resolveKnownTags: false,
    merge: false,
    stringKeys: true,
    // Ours takes linear time and says where the first one stands.
    uniqueKeys: false,
    prettyErrors: false,
  });
  const documents = [...composer.compose(tokens)];
  const second = documents[1];
  if (second) problems.add(where(second.range[0]), "a second document (`---`); one is expected");
  for (const fault of documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])) {
    problems.add(where(fault.pos[0]), `not valid YAML: ${FAULTS[fault.code]}`);
  }
  return documents[0]?.contents;
}

const FAULTS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "an alias cannot have an anchor or a tag",
  BAD_ALIAS: "an alias without a usable anchor before it",
  BAD_COLLECTION_TYPE: "a tag that does not fit its value",
  BAD_DIRECTIVE: "a directive (%) that is not known",
  BAD_DQ_ESCAPE: "an unknown escape in double quotes (a backslash is written \\\\)",
  BAD_INDENT: "the indentation does not fit the lines above",
  BAD_PROP_ORDER: "anchors and tags stand before their value",
  BAD_SCALAR_START: "a value that starts with this character needs quotes",
  BLOCK_AS_IMPLICIT_KEY: "a key cannot hold other keys on its line (quotes missing?)",
  BLOCK_IN_FLOW: "indented keys or lists cannot stand inside brackets",
  DUPLICATE_KEY: "a key stands twice",
  IMPOSSIBLE: "the text cannot be read",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a character is missing (a closing quote or bracket, a comma, a space or a colon)",
  MULTILINE_IMPLICIT_KEY: "a key runs over several lines (a colon or a quote missing?)",
  MULTIPLE_ANCHORS: "a value has two anchors",
  MULTIPLE_DOCS: "a second document",
  MULTIPLE_TAGS: "a value has two tags",
  NON_STRING_KEY: "a key must be text",
  RESOURCE_EXHAUSTION: "too large or too deep",
  TAB_AS_INDENT: "a tab in the indentation; use spaces",
  TAG_RESOLVE_FAILED: "a tag (!) that is not known here",
  UNEXPECTED_TOKEN: "text that does not belong here",
};

class Converter {
  readonly #where: Where;
  readonly #problems: Problems;
  readonly #anchors = new Map<string, Node>();
  #aliases = 0;
  #nodes = 0;

  constructor(where: Where, problems: Problems) {
    this.#where = where;
    this.#problems = problems;
  }

  convert(node: Node, depth: number): Input {
    const where = this.#where(node.range?.[0] ?? 0);
    this.#nodes++;
    // The text itself is within these bounds; what aliases make of it may not be.
    if (depth > LIMITS.configDepthMax || this.#nodes > LIMITS.configNodesMax) {
      return this.#refused(where, "aliases (*) make the file too deep or too large");
    }
    if (isAlias(node)) return this.#follow(node.source, where, depth);
    if ("anchor" in node && node.anchor) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#convertMap(node, where, depth);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.convert(item as Node, depth + 1));
      return { type: "list", items, source: "file", where };
    }
    return this.#convertScalar(node, where);
  }

  #convertScalar(node: Node, where: string): Input {
    const value = isScalar(node) ? node.value : undefined;
    const known =
      value === null ||
      typeof value === "string" ||
      typeof value === "number" ||
      typeof value === "boolean";
    if (!known) return this.#refused(where, "a value that is not text, number, true or false");
    return { type: "scalar", value, source: "file", where };
  }

  #follow(name: string, where: string, depth: number): Input {
    const target = this.#anchors.get(name);
    if (++this.#aliases > LIMITS.configAliasesMax) {
      return this.#refused(where, `more than ${LIMITS.configAliasesMax} aliases (*)`);
    }
    if (!target) return this.#refused(where, `not valid YAML: ${FAULTS.BAD_ALIAS}`);
    return { ...this.convert(target, depth + 1), where };
  }

  #convertMap(node: YAMLMap, where: string, depth: number): Input {
    const entries: MapEntry[] = [];
    const first = new Map<string, string>();
    for (const { key, value } of node.items) {
      if (!isScalar(key) || typeof key.value !== "string") {
        this.#problems.add(where, `not valid YAML: ${FAULTS.NON_STRING_KEY}`);
        continue;
      }
      const at = this.#where(key.range?.[0] ?? 0);
      const earlier = first.get(key.value);
      if (earlier) {
        const line = earlier.split(":").at(-2);
        this.#problems.add(at, `duplicate key ${quoted(key.value)}: first in line ${line}`);
        continue;
      }
      first.set(key.value, at);
      const empty: Input = { type: "scalar", value: null, source: "file", where: at };
      const given = value ? this.convert(value as Node, depth + 1) : empty;
      entries.push({ key: key.value, where: at, value: given });
    }
    return { type: "map", entries, source: "file", where };
  }

  /** One problem ends the walk: the aliases' bound would otherwise be told once per alias. */
  #refused(where: string, message: string): Input {
    if (this.#nodes !== Number.POSITIVE_INFINITY) this.#problems.add(where, message);
    this.#nodes = Number.POSITIVE_INFINITY;
    return { type: "scalar", value: null, source: "file", where };
  }
}
