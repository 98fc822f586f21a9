/** Schemas, rows and filters by chance, such that values often meet. */

import type { Cell, Filter, PlainField, Row, Side, Table } from "./filter-evaluator.ts";

type Random = () => number;

const NAMES = ["alpha", "beta", "gamma"];
const TEXTS = [
  "",
  "a",
  "A",
  "b",
  "ab",
  "1",
  "1.0",
  "42",
  "a%b",
  "a_b",
  "é",
  "it's",
  "true",
  "-2.5",
];
const NUMBERS = [0, 1, -1, 2.5, -2.5, 42, 100];
const LABELS = ["a", "b", "c"];
const SIGNS = ["=", "!=", "<", "<=", ">", ">=", "~", "!~"];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

export function randomTables(random: Random): Table[] {
  const kinds = ["text", "number", "bool", "select", "labels", "one", "many"] as const;
  const schemas = NAMES.map((name) => {
    const count = 4 + Math.floor(random() * 5);
    const fields = Array.from({ length: count }, (_, index): PlainField => {
      const kind = index < 2 ? pick(random, ["one", "many"] as const) : pick(random, kinds);
      const named = `f${index}`;
      return kind === "one" || kind === "many"
        ? { name: named, kind, to: pick(random, NAMES) }
        : { name: named, kind };
    });
    return { name, fields, size: 3 + Math.floor(random() * 5) };
  });
  const ids = new Map(
    schemas.map(({ name, size }) => [
      name,
      Array.from({ length: size }, (_, at) => `${name[0]}${at}`),
    ]),
  );
  return schemas.map(({ name, fields }) => {
    const rows = (ids.get(name) ?? []).map((id): Row => {
      const cells = fields.map((field) => [field.name, randomCell(random, field, ids)] as const);
      return { ...Object.fromEntries(cells), id };
    });
    return { name, fields, rows };
  });
}

function randomCell(
  random: Random,
  field: PlainField,
  ids: ReadonlyMap<string, readonly string[]>,
): Cell {
  const some = (from: readonly string[]) => from.filter(() => random() < 0.4);
  switch (field.kind) {
    case "text":
      return pick(random, TEXTS);
    case "number":
      return pick(random, NUMBERS);
    case "bool":
      return random() < 0.5 ? 1 : 0;
    case "select":
      return pick(random, ["", ...LABELS]);
    case "labels":
      return some(LABELS);
    // One of them is nobody's: a relation may name a record that is gone.
    case "one":
      return pick(random, ["", "gone", ...(ids.get(field.to) ?? [])]);
    case "many":
      return some(["gone", ...(ids.get(field.to) ?? [])]);
  }
}

export function randomFilter(
  random: Random,
  tables: readonly Table[],
  base: Table,
  depth = 2,
): Filter {
  if (depth > 0 && random() < 0.45) {
    const terms = Array.from({ length: 2 + Math.floor(random() * 2) }, () =>
      randomFilter(random, tables, base, depth - 1),
    );
    return { is: random() < 0.5 ? "and" : "or", terms };
  }
  const found = randomPath(random, tables, base);
  const left = random() < 0.95 ? found.side : randomLiteral(random);
  const chance = random();
  const right =
    chance < 0.6
      ? literalOf(pick(random, found.cells))
      : chance < 0.8
        ? randomPath(random, tables, base).side
        : randomLiteral(random);
  return { is: "comparison", left, sign: pick(random, SIGNS), any: random() < 0.4, right };
}

/** A value that is there to be found. */
function literalOf(cell: Cell): Side {
  if (typeof cell === "number") return { is: "number", value: cell };
  const text = typeof cell === "string" ? cell : JSON.stringify(cell);
  return { is: "text", value: text };
}

function randomLiteral(random: Random): Side {
  const chance = random();
  if (chance < 0.1) return { is: "word", value: pick(random, [null, true, false]) };
  if (chance < 0.4) return { is: "number", value: pick(random, NUMBERS) };
  const ids = NAMES.map((name) => `${name[0]}${Math.floor(random() * 4)}`);
  return { is: "text", value: pick(random, [...TEXTS, ...LABELS, ...ids, '["a"]']) };
}

/** Over up to two relations, forward or back. */
function randomPath(
  random: Random,
  tables: readonly Table[],
  base: Table,
): { readonly side: Side; readonly cells: readonly Cell[] } {
  const path: string[] = [];
  let table = base;
  while (path.length < 2 && random() < 0.45) {
    const step = pick(random, [...forward(table), ...backward(tables, table)]);
    if (!step) break;
    path.push(step.name);
    table = tables.find(({ name }) => name === step.to)!;
  }
  const field = pick(random, [...table.fields, undefined]);
  const name = field?.name ?? "id";
  const modifier = field && pick(random, modifiersOf(field));
  const side: Side = { is: "path", path: [...path, name], ...(modifier && { modifier }) };
  return { side, cells: table.rows.map((row) => cellFor(modifier, row[name] ?? "")) };
}

/** Something like what a modifier makes of a cell. */
function cellFor(modifier: string | undefined, cell: Cell): Cell {
  if (modifier === "length") return typeof cell === "object" ? (cell?.length ?? 0) : 1;
  if (modifier === "each") return typeof cell === "object" ? (cell?.[0] ?? "") : cell;
  return cell;
}

function forward(table: Table) {
  return table.fields.flatMap((field) =>
    "to" in field ? [{ name: field.name, to: field.to }] : [],
  );
}

function backward(tables: readonly Table[], table: Table) {
  return tables.flatMap((other) =>
    other.fields.flatMap((field) =>
      "to" in field && field.to === table.name
        ? [{ name: `${other.name}_via_${field.name}`, to: other.name }]
        : [],
    ),
  );
}

function modifiersOf({ kind }: PlainField): (string | undefined)[] {
  switch (kind) {
    case "text":
      return [undefined, undefined, "lower"];
    case "labels":
      return [undefined, "each", "each", "length"];
    case "select":
    case "one":
    case "many":
      return [undefined, undefined, "length"];
    default:
      return [undefined];
  }
}
