/** SQL that makes, changes and drops the tables of collections. */

import { assert } from "../../../base/errors.ts";
import type { Reader, Transaction } from "../../../infra/db/database.ts";
import { quoteIdentifier as quote } from "../../../infra/db/identifiers.ts";
import { type Collection, columnType, type Field, isMultiple } from "../schema.ts";
import { withoutViews } from "./views.ts";

type Table = Pick<Collection, "name" | "fields">;

export interface SchemaNames {
  /** Tables and views, in lower case. */
  readonly tables: ReadonlySet<string>;
  /** Tables by the names, in lower case, of their indexes. */
  readonly indexTables: ReadonlyMap<string, string>;
}

export async function schemaNames(reader: Reader): Promise<SchemaNames> {
  const rows = await reader.all<{ type: string; name: string; tbl_name: string }>(
    "SELECT type, name, tbl_name FROM sqlite_schema WHERE type IN ('table', 'view', 'index')",
  );
  const indexes = rows.filter(({ type }) => type === "index");
  const tables = rows.filter(({ type }) => type !== "index");
  return {
    tables: new Set(tables.map(({ name }) => name.toLowerCase())),
    indexTables: new Map(indexes.map((row) => [row.name.toLowerCase(), row.tbl_name])),
  };
}

export async function createTable(tx: Transaction, { name, fields }: Table): Promise<void> {
  const columns = fields.map((field) => `${quote(field.name)} ${columnType(field)}`);
  await tx.run(`CREATE TABLE ${quote(name)} (${columns.join(", ")})`);
}

export async function dropTable(tx: Transaction, name: string): Promise<void> {
  await tx.run(`DROP TABLE IF EXISTS ${quote(name)}`);
}

export async function dropIndex(tx: Transaction, name: string): Promise<void> {
  // An index name is the operator's own text, which may be no word.
  assert(!name.includes("`"), `index name ${name}`);
  await tx.run(`DROP INDEX IF EXISTS \`${name}\``);
}

/**
 * Makes the table of `from` that of `to`; fields are the same by their ids. Columns that come or get
 * another name take one of their own first, so that two can change places. Indexes of columns that
 * go must be dropped before. A view that names a column that goes is an error of the engine's.
 */
export async function changeTable(tx: Transaction, from: Table, to: Table): Promise<void> {
  if (from.name.toLowerCase() !== to.name.toLowerCase()) {
    await tx.run(`ALTER TABLE ${quote(from.name)} RENAME TO ${quote(to.name)}`);
  }
  const table = `ALTER TABLE ${quote(to.name)}`;
  const byId = (fields: readonly Field[], id: string) => fields.find((field) => field.id === id);
  for (const { id, name } of from.fields) {
    if (!byId(to.fields, id)) await tx.run(`${table} DROP COLUMN ${quote(name)}`);
  }
  const moved: { readonly passing: string; readonly name: string }[] = [];
  for (const [place, field] of to.fields.entries()) {
    const before = byId(from.fields, field.id);
    if (before?.name === field.name) continue;
    const passing = passingName(place, [...from.fields, ...to.fields]);
    moved.push({ passing, name: field.name });
    if (before) await tx.run(`${table} RENAME COLUMN ${quote(before.name)} TO ${quote(passing)}`);
    else await tx.run(`${table} ADD COLUMN ${quote(passing)} ${columnType(field)}`);
  }
  for (const { passing, name } of moved) {
    await tx.run(`${table} RENAME COLUMN ${quote(passing)} TO ${quote(name)}`);
  }
  await convertColumns(tx, from, to);
}

/** A column name that no field has. */
function passingName(place: number, fields: readonly Field[]): string {
  const names = new Set(fields.map(({ name }) => name.toLowerCase()));
  let name = `_passing_${place}`;
  while (names.has(name)) name += "_";
  return name;
}

/** Fields whose values become lists, or were lists and no longer are. */
export function convertedFields(from: Table, to: Table): Field[] {
  return to.fields.filter((field) => {
    const before = from.fields.find(({ id }) => id === field.id);
    return before !== undefined && isMultiple(before) !== isMultiple(field);
  });
}

/** One value becomes a list of it; of a list the last value stays. */
async function convertColumns(tx: Transaction, from: Table, to: Table): Promise<void> {
  const converted = convertedFields(from, to);
  if (converted.length === 0) return;
  // Views name the columns and would follow them to their passing names.
  await withoutViews(tx, async () => {
    for (const [place, field] of converted.entries()) {
      const passing = passingName(place, [...from.fields, ...to.fields]);
      const [old, column] = [quote(passing), quote(field.name)];
      const table = `ALTER TABLE ${quote(to.name)}`;
      await tx.run(`${table} RENAME COLUMN ${column} TO ${old}`);
      await tx.run(`${table} ADD COLUMN ${column} ${columnType(field)}`);
      const isList = `json_valid(${old}) AND json_type(${old}) = 'array'`;
      const value = isMultiple(field)
        ? `CASE WHEN COALESCE(${old}, '') = '' THEN '[]'
                WHEN ${isList} THEN ${old} ELSE json_array(${old}) END`
        : `CASE WHEN COALESCE(${old}, '[]') = '[]' THEN ''
                WHEN ${isList} THEN COALESCE(json_extract(${old}, '$[#-1]'), '') ELSE ${old} END`;
      await tx.run(`UPDATE ${quote(to.name)} SET ${column} = ${value}`);
      await tx.run(`${table} DROP COLUMN ${old}`);
    }
  });
}
