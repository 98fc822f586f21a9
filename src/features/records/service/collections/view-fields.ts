/** Fields of a view out of its query: columns of collections are as their fields, others by form. */

import type { Collection, Field, FieldType } from "../../schema.ts";
import { addField, makeField } from "./field-options.ts";
import { type Named, parseView } from "./view-text.ts";

export interface ViewColumn {
  readonly name: string;
  /** Declared type; "" for an expression. */
  readonly type: string;
}

export interface ViewFields {
  readonly fields: readonly Field[];
  /** Why the query cannot be a view's; the fields are what could be made of it all the same. */
  readonly fault: string | undefined;
}

export interface ViewSources {
  /** The query's columns as the database sees them. */
  readonly columns: readonly ViewColumn[];
  readonly collections: readonly Collection[];
  /** The view's fields as they are stored; copied fields keep their ids. */
  readonly stored: readonly Field[];
  /** Makes the id of a copied field. */
  readonly copyId: () => string;
}

const CAST = /^cast\s*\([\s\S]*\s+as\s+(\w+)\s*\)$/;

const CASTS: Readonly<Record<string, readonly [FieldType, Readonly<Partial<Field>>]>> = {
  real: ["number", {}],
  decimal: ["number", {}],
  numeric: ["number", {}],
  int: ["number", { onlyInt: true }],
  integer: ["number", { onlyInt: true }],
  text: ["text", {}],
  bool: ["bool", {}],
  boolean: ["bool", {}],
};

const KEY = { system: true, required: true, primaryKey: true, pattern: "^[a-z0-9]+$" };

/** `query` is one that the database made a view of. */
export function viewFields(query: string, sources: ViewSources): ViewFields {
  const text = parseView(query);
  if (!text) {
    const fault = "UNION, CASE and the like have to stand in a subquery or in parentheses";
    return { fields: [], fault };
  }
  const tables = new Map<string, Collection>();
  for (const { original, alias } of text.tables) {
    const collection = sources.collections.find(({ name }) => name === original);
    if (collection) tables.set(alias, collection);
  }
  const main = text.tables[0]?.alias ?? "";
  if (text.columns.some((column) => isWildcard(column, tables, main))) {
    return { fields: [], fault: "columns have to be named one by one, not with *" };
  }
  const named = new Map(text.columns.map((column) => [column.alias, column]));
  const fields = sources.columns.reduce<Field[]>((list, { name }) => {
    const column = named.get(name);
    const field = column ? columnField(column, { tables, main, sources }) : jsonField(name);
    return addField(list, field);
  }, []);
  const hasId = fields.some(({ name }) => name === "id");
  const fault = hasId ? undefined : "there is no column id, which (ROW_NUMBER() OVER ()) could be";
  return { fields, fault };
}

function isWildcard({ original }: Named, tables: ReadonlyMap<string, Collection>, main: string) {
  const { table, column } = place(original, main);
  return column === "*" && tables.has(table);
}

function place(
  original: string,
  main: string,
): { readonly table: string; readonly column: string } {
  const [first = "", second, ...more] = original.split(".");
  const qualified = second !== undefined && more.length === 0;
  return qualified ? { table: first, column: second } : { table: main, column: first };
}

interface Origin {
  readonly tables: ReadonlyMap<string, Collection>;
  readonly main: string;
  readonly sources: ViewSources;
}

/** The field whose values a column of the view shows; undefined for an expression. */
export function columnOrigin(
  query: string,
  name: string,
  collections: readonly Collection[],
): { readonly collection: Collection; readonly field: Field } | undefined {
  const text = parseView(query);
  const shown = text?.columns.find(({ alias }) => alias === name);
  if (!text || !shown) return undefined;
  const { table, column } = place(shown.original, text.tables[0]?.alias ?? "");
  const source = text.tables.find(({ alias }) => alias === table)?.original;
  const collection = collections.find((candidate) => candidate.name === source);
  const lower = column.toLowerCase();
  const field = collection?.fields.find((candidate) => candidate.name.toLowerCase() === lower);
  return collection && field && { collection, field };
}

function columnField({ original, alias }: Named, { tables, main, sources }: Origin): Field {
  const lower = original.toLowerCase();
  if (alias === "id") return makeField("text", { name: alias, ...KEY });
  if (lower.startsWith("count(")) return makeField("number", { name: alias, onlyInt: true });
  if (lower.startsWith("total(")) return makeField("number", { name: alias });
  const cast = CASTS[CAST.exec(lower)?.[1] ?? ""];
  if (cast) return makeField(cast[0], { name: alias, ...cast[1] });
  const { table, column } = place(original, main);
  const collection = tables.get(table);
  const field = collection?.fields.find(({ name }) => name.toLowerCase() === column.toLowerCase());
  if (!collection || !field) return jsonField(alias);
  if (field.name === "id") {
    return makeField("relation", { name: alias, maxSelect: 1, collectionId: collection.id });
  }
  const known = sources.stored.find(({ name, type }) => name === alias && type === field.type);
  return { ...field, id: known?.id ?? sources.copyId(), name: alias };
}

/** What no field says anything about. */
function jsonField(name: string): Field {
  return makeField("json", { name, maxSize: 1 });
}
