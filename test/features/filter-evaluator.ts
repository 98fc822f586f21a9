/**
 * What a filter means, said a second time and another way: rows are looked at one after another,
 * in memory, with the rules of comparison written out. No index, no SQL, nothing shared with the
 * server.
 */

export type Cell = string | number | null | readonly string[];
export type Row = Readonly<Record<string, Cell>> & { readonly id: string };

export type PlainField =
  | { readonly name: string; readonly kind: "text" | "number" | "bool" | "select" | "labels" }
  | { readonly name: string; readonly kind: "one" | "many"; readonly to: string };

export interface Table {
  readonly name: string;
  readonly fields: readonly PlainField[];
  readonly rows: readonly Row[];
}

export type Side =
  | { readonly is: "path"; readonly path: readonly string[]; readonly modifier?: string }
  | { readonly is: "text"; readonly value: string }
  | { readonly is: "number"; readonly value: number }
  | { readonly is: "word"; readonly value: null | boolean };

export type Filter =
  | { readonly is: "and" | "or"; readonly terms: readonly Filter[] }
  | {
      readonly is: "comparison";
      readonly left: Side;
      readonly sign: string;
      readonly any: boolean;
      readonly right: Side;
    };

type Truth = boolean | null;
/** A value as the engine compares it: a REAL is written "42.0"; columns convert what they meet. */
interface Value {
  readonly of: string | number | null;
  readonly real?: boolean;
  readonly column?: "text" | "number";
  /** Written in the filter, not read from a row. */
  readonly literal?: boolean;
}

/** More ways to join one row than this are not looked at. */
const JOINS_MAX = 5_000;

/** Ids of the rows of `base` that pass; undefined where that would take too long to find out. */
export function passing(
  tables: readonly Table[],
  base: string,
  filter: Filter,
): string[] | undefined {
  const table = tables.find(({ name }) => name === base)!;
  const evaluator = new Evaluator(tables, table);
  const settled = shortened(tables, table, filter);
  const ids: string[] = [];
  for (const row of table.rows) {
    const passes = evaluator.passes(row, settled);
    if (passes === undefined) return undefined;
    if (passes) ids.push(row.id);
  }
  return ids;
}

/** The id at the end of a single relation is what the relation holds, whether or not it is there. */
function shortened(tables: readonly Table[], base: Table, filter: Filter): Filter {
  if (filter.is !== "comparison") {
    return { ...filter, terms: filter.terms.map((term) => shortened(tables, base, term)) };
  }
  const evaluator = new Evaluator(tables, base);
  const short = (side: Side): Side => {
    if (side.is !== "path" || side.path.length < 2 || side.path.at(-1) !== "id") return side;
    const path = side.path.slice(0, -1);
    return evaluator.kindAt(path) === "one" ? { ...side, path } : side;
  };
  return { ...filter, left: short(filter.left), right: short(filter.right) };
}

/** One way to join: for each prefix of a path, the row that stands for it. */
type Joined = ReadonlyMap<string, Row | null>;

class Evaluator {
  readonly #tables: ReadonlyMap<string, Table>;
  readonly #base: Table;

  constructor(tables: readonly Table[], base: Table) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
    this.#base = base;
  }

  passes(row: Row, filter: Filter): boolean | undefined {
    const joins = this.#joins(row, sidesOf(filter));
    if (joins.length >= JOINS_MAX) return undefined;
    return joins.some((joined) => this.#truth(filter, joined) === true);
  }

  #truth(filter: Filter, joined: Joined): Truth {
    if (filter.is === "comparison") return this.#comparison(filter, joined);
    const truths = filter.terms.map((term) => this.#truth(term, joined));
    const decisive = filter.is === "or";
    if (truths.includes(decisive)) return decisive;
    return truths.includes(null) ? null : !decisive;
  }

  #comparison(filter: Filter & { is: "comparison" }, joined: Joined): Truth {
    const { left, sign, any, right } = filter;
    const here = compare(this.#value(left, joined), sign, this.#value(right, joined));
    if (here !== true || any) return here;
    const lists = [left, right].map((side) => this.#every(side, joined));
    if (!lists[0] && !lists[1]) return here;
    const lefts = lists[0] ?? [this.#value(left, joined)];
    const rights = lists[1] ?? [this.#value(right, joined)];
    return lefts.every((a) => rights.every((b) => compare(a, sign, b) !== false));
  }

  /** Every combination of rows that the paths of `sides` lead to, nothing where they lead nowhere. */
  #joins(row: Row, sides: readonly Side[]): Joined[] {
    let all: Map<string, Row | null>[] = [new Map([["", row]])];
    const prefixes = new Map<
      string,
      { readonly from: string; readonly step: string; last: boolean }
    >();
    for (const side of sides) {
      if (side.is !== "path") continue;
      const steps = side.modifier === "each" ? side.path : side.path.slice(0, -1);
      let at = "";
      for (const [index, step] of steps.entries()) {
        const last = side.modifier === "each" && index === steps.length - 1;
        const next = `${at}/${step}`;
        prefixes.set(next, { from: at, step, last });
        at = next;
      }
    }
    for (const [prefix, { from, step }] of prefixes) {
      if (all.length >= JOINS_MAX) return all;
      all = all.flatMap((joined) => {
        const table = this.#tableAt(from);
        return this.#next(table, joined.get(from) ?? null, step).map((row) => {
          return new Map([...joined, [prefix, row]]);
        });
      });
    }
    return all;
  }

  /** Of the field at the end of a path. */
  kindAt(path: readonly string[]): PlainField["kind"] | undefined {
    const before = path.slice(0, -1).map((step) => `/${step}`);
    const { fields } = this.#tableAt(before.join(""));
    return fields.find(({ name }) => name === path.at(-1))?.kind;
  }

  #tableAt(prefix: string): Table {
    let table = this.#base;
    for (const step of prefix.split("/").slice(1)) table = this.#target(table, step) ?? table;
    return table;
  }

  #target(table: Table, step: string): Table | undefined {
    const [, back] = /^(\w+)_via_\w+$/.exec(step) ?? [];
    if (back !== undefined) return this.#tables.get(back);
    const field = table.fields.find(({ name }) => name === step);
    return field && "to" in field ? this.#tables.get(field.to) : undefined;
  }

  /** Where a step leads from a row; an element of a list of words is a row of its own here. */
  #next(table: Table, row: Row | null, step: string): (Row | null)[] {
    if (row === null) return [null];
    const target = this.#target(table, step);
    const [, back, by = ""] = /^(\w+)_via_(\w+)$/.exec(step) ?? [];
    if (back !== undefined) {
      const found = target?.rows.filter((other) => list(other[by]).includes(row.id)) ?? [];
      return found.length > 0 ? found : [null];
    }
    const elements = list(row[step]);
    if (elements.length === 0) return [null];
    if (!target) return elements.map((element) => ({ id: "", element }));
    return elements.map((id) => target.rows.find((other) => other.id === id) ?? null);
  }

  #value(side: Side, joined: Joined): Value {
    switch (side.is) {
      case "text":
        return { of: side.value, literal: true };
      case "number":
        return { of: side.value, real: true, literal: true };
      case "word":
        return { of: side.value === null ? null : Number(side.value), literal: true };
      case "path": {
        if (side.modifier === "each") {
          return { of: (joined.get(`/${side.path.join("/")}`)?.element as string) ?? null };
        }
        const prefix = side.path
          .slice(0, -1)
          .map((step) => `/${step}`)
          .join("");
        return this.#cell(this.#tableAt(prefix), joined.get(prefix) ?? null, side);
      }
    }
  }

  #cell(table: Table, row: Row | null, side: Side & { is: "path" }): Value {
    const name = side.path.at(-1) ?? "";
    const kind = name === "id" ? "text" : table.fields.find((field) => field.name === name)?.kind;
    const isNumber = kind === "number" || kind === "bool" || kind === "labels" || kind === "many";
    const column = isNumber ? "number" : "text";
    if (side.modifier === "length") return { of: row === null ? 0 : list(row[name]).length };
    if (row === null) return { of: null, column };
    const cell = row[name] ?? "";
    if (side.modifier === "lower") return { of: lower(String(cell)) };
    return { of: Array.isArray(cell) ? JSON.stringify(cell) : (cell as string | number), column };
  }

  /** All values that can be reached; undefined where the path crosses no list. */
  #every(side: Side, joined: Joined): Value[] | undefined {
    if (side.is !== "path") return undefined;
    const base = joined.get("") ?? null;
    const steps = side.modifier === "each" ? side.path : side.path.slice(0, -1);
    let crossed = false;
    let table = this.#base;
    for (const step of steps) {
      const field = table.fields.find(({ name }) => name === step);
      if (step.includes("_via_") || field?.kind === "many" || field?.kind === "labels")
        crossed = true;
      table = this.#target(table, step) ?? table;
    }
    if (!crossed || base === null) return undefined;
    return this.#joins(base, [side]).map((each) => this.#value(side, each));
  }
}

function sidesOf(filter: Filter): Side[] {
  return filter.is === "comparison" ? [filter.left, filter.right] : filter.terms.flatMap(sidesOf);
}

function list(cell: Cell | undefined): readonly string[] {
  if (Array.isArray(cell)) return cell;
  return typeof cell === "string" && cell !== "" ? [cell] : [];
}

function compare(left: Value, sign: string, right: Value): Truth {
  switch (sign) {
    case "=":
      return equal(left, right);
    case "!=":
      return equal(left, right) !== true;
    case "~":
      return like(left, right);
    case "!~": {
      const found = like(left, right);
      return found === null ? null : !found;
    }
    default:
      return order(left, sign, right);
  }
}

/** Nothing and the empty text are the same. Whether nothing equals something is not known. */
function equal(left: Value, right: Value): Truth {
  const empty = ({ of }: Value) => of === null || of === "";
  const both = empty(left) && empty(right);
  if (left.literal || right.literal) {
    const literal = left.literal ? left : right;
    const other = literal === left ? right : left;
    if (empty(literal) || both) return both;
    if (other.of === null) return null;
    const [a, b] = converted(left, right);
    return a === b;
  }
  // Two columns are compared without converting either.
  return both || left.of === right.of;
}

function order(left: Value, sign: string, right: Value): Truth {
  if (left.of === null || right.of === null) return null;
  const [a, b] = converted(left, right);
  const before =
    typeof a === typeof b ? Number(a > b) - Number(a < b) : typeof a === "number" ? -1 : 1;
  if (sign === "<") return before < 0;
  if (sign === "<=") return before <= 0;
  return sign === ">" ? before > 0 : before >= 0;
}

function converted(left: Value, right: Value): [string | number, string | number] {
  const as = (value: Value, other: Value): string | number => {
    if (value.of === null) return "";
    if (other.column === "number" && value.column !== "number") return toNumber(value.of);
    if (other.column === "text" && value.column === undefined) return toText(value);
    return value.of;
  };
  return [as(left, right), as(right, left)];
}

function toNumber(of: string | number): string | number {
  return typeof of === "string" && /^\s*[-+]?(\d+\.?\d*|\.\d+)\s*$/.test(of) ? Number(of) : of;
}

function toText({ of, real }: Value): string {
  const text = String(of);
  return real && !text.includes(".") ? `${text}.0` : text;
}

/** ASCII letters only. */
function lower(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function like(left: Value, right: Value): Truth {
  if (left.of === null || right.of === null) return null;
  const text = lower(toText(left));
  if (!right.literal) return matches(text, lower(`%${toText(right)}%`));
  const wanted = lower(String(right.of));
  const wild = wanted.replaceAll(/\\[\\%_]/g, "").includes("%");
  if (wild) return matches(text, wanted);
  return text.includes(wanted.replaceAll(/\\([\\%_])/g, "$1"));
}

function matches(text: string, pattern: string): boolean {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern.charAt(at);
    if (sign === "\\") source += RegExp.escape(pattern.charAt(++at));
    else source += sign === "%" ? ".*" : sign === "_" ? "." : RegExp.escape(sign);
  }
  return new RegExp(`^${source}$`, "su").test(text);
}

/** A filter as a client writes it. */
export function written(filter: Filter): string {
  if (filter.is !== "comparison") {
    return `(${filter.terms.map(written).join(filter.is === "and" ? " && " : " || ")})`;
  }
  const { left, sign, any, right } = filter;
  return `${side(left)} ${any ? "?" : ""}${sign} ${side(right)}`;
}

function side(of: Side): string {
  switch (of.is) {
    case "path":
      return of.path.join(".") + (of.modifier === undefined ? "" : `:${of.modifier}`);
    case "text":
      return `'${of.value.replaceAll("'", "\\'")}'`;
    default:
      return String(of.value);
  }
}
