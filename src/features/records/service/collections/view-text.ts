/**
 * Which columns and tables a view's query names, as far as the types of its columns depend on it.
 * No parser of SQL: what it does not understand is refused, and can be written in a subquery.
 */

import { outline, splitOutside } from "./sql-text.ts";

export interface Named {
  /** A name, `table.name`, or an expression; names without their quotes. */
  readonly original: string;
  readonly alias: string;
}

export interface ViewText {
  readonly columns: readonly Named[];
  readonly tables: readonly Named[];
}

const JOIN =
  /\s(?:(?:(?:full|left|right)\s+outer|full|cross|inner|outer|left|right)\s+)?join(?=\s)/gi;
const END = /\s(?:where|group\s+by|having|order|limit|with)(?=\s)/gi;

type Part = "columns" | "tables";

/** Undefined for a query that cannot be told apart, such as a bare UNION or CASE. */
export function parseView(query: string): ViewText | undefined {
  const { plain } = outline(query);
  const text = plain.replaceAll(JOIN, " __join__ ").replaceAll(END, " __end__ ");
  const words = splitOutside(text, { separators: ", \n\t\r", keep: true });
  if (!words) return undefined;
  const texts: Record<Part, string> = { columns: "", tables: "" };
  let part: Part | undefined;
  let skips = false;
  let joins = false;
  for (const word of words) {
    const bare = word.trim().toLowerCase();
    if (bare === "select" || bare === "from" || bare === "__join__") {
      if (bare === "__join__") texts.tables += ",";
      part = bare === "select" ? "columns" : "tables";
      joins = bare === "__join__";
      skips = false;
    } else if (bare === "__end__" || (joins && bare === "on")) skips = true;
    else if (bare !== "distinct" && part && !skips) texts[part] += ` ${word}`;
  }
  const columns = parseNames(texts.columns);
  const tables = parseNames(texts.tables);
  return columns && tables && { columns, tables };
}

function parseNames(list: string): Named[] | undefined {
  const texts = splitOutside(list, { separators: "," });
  const names = texts?.map((text) => {
    const parts = splitOutside(text, { separators: " \n\t\r" }) ?? [];
    return parseName(parts);
  });
  return names?.every((name) => name !== undefined) ? names : undefined;
}

/** `name`, `name alias` or `name AS alias`. */
function parseName(parts: readonly string[]): Named | undefined {
  const [original = "", middle, last] = parts;
  if (parts.length === 1) {
    const name = original.slice(original.lastIndexOf(".") + 1);
    return { original: unquoted(original), alias: unquotedAlias(name) };
  }
  if (parts.length === 2 && middle !== undefined) {
    return { original: unquoted(original), alias: unquotedAlias(middle) };
  }
  if (parts.length !== 3 || middle?.toLowerCase() !== "as" || last === undefined) return undefined;
  return { original: unquoted(original), alias: unquotedAlias(last) };
}

function unquoted(name: string): string {
  return name
    .split(".")
    .map((part) => part.replace(/^[`"[\];]+|[`"[\];]+$/g, ""))
    .join(".");
}

function unquotedAlias(name: string): string {
  return name.replace(/^[`"'[\];]+|[`"'[\];]+$/g, "");
}
