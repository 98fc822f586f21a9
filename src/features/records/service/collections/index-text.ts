/** `CREATE INDEX` statements as collections keep them: read, compared, and written for a table. */

import { LIMITS } from "../../../../base/limits.ts";
import { holdsSeparator, outline, renameWord, splitOutside } from "./sql-text.ts";

export interface IndexColumn {
  /** A name, or an expression. */
  readonly name: string;
  readonly collate: string;
  /** `ASC`, `DESC` or "". */
  readonly sort: string;
}

export interface Index {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly unique: boolean;
  readonly optional: boolean;
  readonly columns: readonly IndexColumn[];
  /** "" where it covers all rows. */
  readonly where: string;
}

const HEAD = /create\s+(unique\s+)?index\s*(if\s+not\s+exists\s+)?(\S*)\s+on\s+([^\s(]*)\s*\(/i;
const COLUMN = /^([\s\S]+?)(?:\s+collate\s+(\w+))?(?:\s+(asc|desc))?$/i;
const EDGES = /^[`"'[\]\s]+|[`"'[\]\s]+$/g;

/** Undefined for what is no such statement. What stands after it is not looked at. */
export function parseIndex(text: string): Index | undefined {
  if (text.length > LIMITS.indexCharsMax) return undefined;
  const head = HEAD.exec(text);
  if (!head) return undefined;
  const [all, unique = "", optional = "", named = "", table = ""] = head;
  const rest = text.slice(head.index + all.length);
  const end = columnsEnd(rest);
  if (end < 0) return undefined;
  const columns = splitOutside(rest.slice(0, end), { separators: "," }) ?? [];
  const names = splitOutside(named, { separators: "." }) ?? [];
  const [schema, name] = names.length === 2 ? names : ["", names[0]];
  const index: Index = {
    schema: trimmed(schema),
    name: trimmed(name),
    table: trimmed(table),
    unique: unique !== "",
    optional: optional !== "",
    columns: columns.map(parseColumn).filter((column) => column.name !== ""),
    where: parseWhere(rest.slice(end + 1)),
  };
  const isWhole = /^[^`]+$/.test(index.name) && index.columns.length > 0;
  return isWhole && !holdsSeparator(buildIndex(index)) ? index : undefined;
}

/** Place of the parenthesis that ends the columns; -1 for none. */
function columnsEnd(rest: string): number {
  const { bare } = outline(rest);
  let depth = 1;
  for (const [at, ch] of [...bare].entries()) {
    if (ch === "(") depth += 1;
    if (ch === ")" && --depth === 0) return at;
  }
  return -1;
}

function parseColumn(text: string): IndexColumn {
  const [, name = "", collate = "", sort = ""] = COLUMN.exec(text) ?? [];
  return { name: trimmed(name), collate, sort: sort.toUpperCase() };
}

function parseWhere(rest: string): string {
  const where = /^\s*where\s+([\s\S]*)$/i.exec(rest)?.[1] ?? "";
  const end = outline(where).bare.indexOf(";");
  return (end < 0 ? where : where.slice(0, end)).trim();
}

function trimmed(text = ""): string {
  return text.replace(EDGES, "");
}

/** The statement for the index's table, in one form whatever it was written in. */
export function buildIndex(index: Index): string {
  const { unique, optional, schema, name, table, columns, where } = index;
  const place = schema === "" ? "" : `\`${schema}\`.`;
  const list = columns.map((column) => {
    const isExpression = /[( ]/.test(column.name);
    const value = isExpression ? column.name : `\`${column.name}\``;
    const collate = column.collate === "" ? "" : ` COLLATE ${column.collate}`;
    return `${value}${collate}${column.sort === "" ? "" : ` ${column.sort}`}`;
  });
  const kind = `CREATE ${unique ? "UNIQUE " : ""}INDEX ${optional ? "IF NOT EXISTS " : ""}`;
  const condition = where === "" ? "" : ` WHERE ${where}`;
  return `${kind}${place}\`${name}\` ON \`${table}\` (${list.join(", ")})${condition}`;
}

/** The unique index over this column alone, if there is one. */
export function findUniqueIndex(indexes: readonly string[], column: string): Index | undefined {
  return indexes.map(parseIndex).find((index) => {
    const [only, ...more] = index?.columns ?? [];
    const isOf = only?.name.toLowerCase() === column.toLowerCase() && more.length === 0;
    return index?.unique === true && isOf;
  });
}

/** The statement after a column got another name; as it was where it does not speak of it. */
export function renameIndexColumn(text: string, from: string, to: string): string {
  const index = parseIndex(text);
  if (!index) return text;
  const columns = index.columns.map((column) => {
    return { ...column, name: renameWord(column.name, from, to) };
  });
  const renamed = { ...index, columns, where: renameWord(index.where, from, to) };
  const [before, after] = [buildIndex(index), buildIndex(renamed)];
  return before === after ? text : after;
}
