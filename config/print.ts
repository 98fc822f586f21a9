/** What people see of the configuration: `config print`, the README's table, the flags. */

import { stringify } from "yaml";
import { assert } from "../src/base/errors.ts";
import { camel, type Field, type Group, type Plain, type Shape } from "./language.ts";
import { type LoadedConfig, loadConfig, type ValueSource } from "./load.ts";
import { flagName, join } from "./read.ts";
import { SCHEMA } from "./schema.ts";

const HIDDEN = "[hidden]";
const NOT_SET = "(not set)";

export interface ConfigFlag {
  /** As commander declares it: `--rtc-port <port>`. */
  readonly flag: string;
  /** The key it sets: `server.rtc.port`. */
  readonly path: string;
  readonly doc: string;
}

interface Row {
  readonly path: string;
  readonly field: Field<unknown>;
}

/** Every flag that sets a key, in the schema's order. */
export const CONFIG_FLAGS: readonly ConfigFlag[] = rowsOf(SCHEMA, "").flatMap(({ path, field }) =>
  field.flag ? [{ flag: field.flag, path, doc: field.doc }] : [],
);

export interface PrintOptions {
  /** The defaults instead of what was loaded. */
  readonly defaults?: boolean;
  readonly json?: boolean;
}

/**
 * The configuration with each value's source. Text is YAML that loads again (secrets apart), the
 * sources as comments; JSON is `{"server.rtc.port": {"value", "source", "where"?}}`. Secrets are
 * `[hidden]` or `(not set)`.
 */
export function printConfig(loaded: LoadedConfig, options: PrintOptions = {}): string {
  const shown = options.defaults
    ? loadConfig({ flags: {}, env: {}, readFile: () => undefined })
    : loaded;
  return options.json
    ? printJson(shown)
    : printGroup(SCHEMA, { values: shown.config, path: "" }, shown);
}

function printJson({ config, sources }: LoadedConfig): string {
  const out: Record<string, ValueSource & { readonly value: Plain }> = {};
  for (const { path, field } of rowsOf(SCHEMA, "")) {
    const value = lookUp(config, path);
    const unset = field.secret ? NOT_SET : null;
    const plain = value === undefined ? unset : field.secret ? HIDDEN : field.kind.write(value);
    out[path] = { value: plain, ...sourceOf(sources, path) };
  }
  return `${JSON.stringify(out, null, 2)}\n`;
}

interface Part {
  readonly values: unknown;
  readonly path: string;
}

function printGroup(group: Group<Shape>, part: Part, loaded: LoadedConfig): string {
  const indent = part.path === "" ? "" : "  ".repeat(part.path.split(".").length);
  let out = "";
  for (const [key, node] of Object.entries(group.keys)) {
    const path = join(part.path, key);
    const value = lookUp(part.values, key);
    if (node.node === "group") {
      out += `${indent}${key}:\n${printGroup(node, { values: value, path }, loaded)}`;
      continue;
    }
    const { source, where } = sourceOf(loaded.sources, path);
    const comment = where ? `# ${source} ${where}` : `# ${source}`;
    if (value === undefined) out += `${indent}# ${key}: ${NOT_SET}\n`;
    else if (node.secret) out += `${indent}${key}: ${HIDDEN} ${comment}\n`;
    else out += `${indent}${key}:${printValue(node.kind.write(value), indent, comment)}`;
  }
  return out;
}

/** Lists of groups go below their key, everything else beside it. */
function printValue(value: Plain, indent: string, comment: string): string {
  const block = Array.isArray(value) && value.some((item) => typeof item === "object");
  if (!block) return ` ${printFlow(value)} ${comment}\n`;
  const lines = stringify(value, { lineWidth: 0 }).trimEnd().split("\n");
  return ` ${comment}\n${lines.map((line) => `${indent}  ${line}\n`).join("")}`;
}

function printFlow(value: Plain): string {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
  return stringify(value, { lineWidth: 0, blockQuote: false }).trimEnd();
}

/** The README's table of all keys, in Markdown. */
export function configTable(): string {
  const rows = tableRows(SCHEMA, "").map(({ path, field }) => {
    const also = [field.flag && flagName(field.flag), field.env].filter((name) => name);
    const type = field.secret ? `${field.kind.label} (secret)` : field.kind.label;
    const cells = [code(path), type, printDefault(field), also.map(code).join(", "), field.doc];
    return `| ${cells.map((cell) => (cell ?? "").replaceAll("|", "\\|")).join(" | ")} |\n`;
  });
  const head = "| Key | Type | Default | Flag, environment | Meaning |\n|---|---|---|---|---|\n";
  return head + rows.join("");
}

function printDefault(field: Field<unknown>): string {
  if (field.presence === "required") return "required";
  return field.default === undefined
    ? ""
    : code(JSON.stringify(field.default).replace(/^"(.+)"$/, "$1"));
}

function code(text: string | undefined): string {
  return `\`${text}\``;
}

function rowsOf(group: Group<Shape>, path: string): Row[] {
  return Object.entries(group.keys).flatMap(([key, node]) => {
    const inner = join(path, key);
    return node.node === "group" ? rowsOf(node, inner) : [{ path: inner, field: node }];
  });
}

/** As rowsOf, with the keys of list items: `namespaces[].name`. */
function tableRows(group: Group<Shape>, path: string): Row[] {
  return rowsOf(group, path).flatMap((row) => {
    const { item } = row.field.kind;
    return item ? [row, ...tableRows(item, `${row.path}[]`)] : [row];
  });
}

function sourceOf(sources: LoadedConfig["sources"], path: string): ValueSource {
  const source = sources.get(path);
  assert(source, `the loader noted a source for ${path}`);
  return source;
}

/** The value at a path of the schema in the finished configuration. */
function lookUp(values: unknown, path: string): unknown {
  let value = values;
  for (const key of path.split(".")) {
    value = (value as Readonly<Record<string, unknown>>)[camel(key)];
  }
  return value;
}
