/** SQL of records: rows of the collections' tables. Identifiers are the schema's, values bound. */

import { assert } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Reader, SqlRow, SqlValue, Transaction } from "../../../infra/db/database.ts";
import { quoteIdentifier as quote } from "../../../infra/db/identifiers.ts";
import { limitTo } from "../../../infra/db/limit.ts";
import { isMultiple } from "../../../tools/fields/field.ts";
import { own, put } from "../../../tools/fields/record-fields.ts";
import type { Model, Reference } from "../service/models.ts";

/** A record's stored values by field name; lists and json as values, not text. */
export interface RecordData {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** Field values that must all be equal. */
export type Where = Readonly<Record<string, string | number | boolean>>;

export interface ListOptions {
  readonly where?: Where;
  /** Field names, `-` before one for descending. */
  readonly sort?: readonly string[];
  readonly limit: number;
  readonly offset?: number;
}

export function decodeRow(model: Model, row: SqlRow): RecordData {
  return model.fields.decode(row) as RecordData;
}

/** Returns the record as it will be read. */
export async function insertRow(
  tx: Transaction,
  model: Model,
  record: RecordData,
): Promise<RecordData> {
  const values = model.fields.encode(record);
  await tx.run(model.sql.insert, ...values);
  return model.fields.decodeColumns(values) as RecordData;
}

/**
 * Writes the fields that differ: an index over one that stays is then left alone. Returns the
 * record as it will be read.
 */
export async function updateRow(
  tx: Transaction,
  model: Model,
  { record, original }: { readonly record: RecordData; readonly original: RecordData },
): Promise<RecordData> {
  const names: string[] = [];
  const values: SqlValue[] = [];
  const stored: Record<string, unknown> = { ...original };
  for (const { field, kind } of model.fields.entries) {
    const { name } = field;
    const value = own(record, name);
    // What is inside of a list may have been changed in both.
    const isSame = value === own(original, name) && (typeof value !== "object" || value === null);
    if (isSame || name === "id") continue;
    const column = kind.encode(value === undefined ? kind.zero() : value);
    names.push(name);
    values.push(column);
    put(stored, name, kind.decode(column));
  }
  if (names.length > 0) await tx.run(model.sql.update(names), ...values, record.id);
  return stored as RecordData;
}

export async function deleteRows(
  tx: Transaction,
  model: Model,
  ids: readonly string[],
): Promise<void> {
  const [id] = ids;
  if (id === undefined) return;
  if (ids.length === 1) await tx.run(model.sql.remove, id);
  else await tx.run(model.sql.removeAll, JSON.stringify(ids));
}

export async function findRowById(
  reader: Reader,
  model: Model,
  id: string,
): Promise<RecordData | undefined> {
  const row = await reader.get<SqlRow>(model.sql.find, id);
  return row && decodeRow(model, row);
}

export async function findRow(
  reader: Reader,
  model: Model,
  where: Where,
): Promise<RecordData | undefined> {
  const { sql, values } = conditions(model, where);
  const row = await reader.get<SqlRow>(
    `SELECT * FROM ${quote(model.collection.name)}${sql} LIMIT 1`,
    ...values,
  );
  return row && decodeRow(model, row);
}

export async function listRows(
  reader: Reader,
  model: Model,
  options: ListOptions,
): Promise<RecordData[]> {
  const { sql, values } = conditions(model, options.where ?? {});
  const rows = await reader.all<SqlRow>(
    `SELECT * FROM ${quote(model.collection.name)}${sql}${order(model, options.sort ?? [])}
      ${limitTo(options.limit)} OFFSET ?`,
    ...values,
    options.offset ?? 0,
  );
  return rows.map((row) => decodeRow(model, row));
}

export async function countRows(reader: Reader, model: Model, where: Where): Promise<number> {
  const { sql, values } = conditions(model, where);
  const row = await reader.get<{ total: number }>(
    `SELECT count(*) AS total FROM ${quote(model.collection.name)}${sql}`,
    ...values,
  );
  return row?.total ?? 0;
}

/** How many of these ids are there; `ids` are distinct. */
export async function countIds(
  reader: Reader,
  model: Model,
  ids: readonly string[],
): Promise<number> {
  const [id] = ids;
  if (id === undefined) return 0;
  if (ids.length === 1) return (await reader.get(model.sql.has, id)) === undefined ? 0 : 1;
  const row = await reader.get<{ total: number }>(
    `SELECT count(*) AS total FROM ${quote(model.collection.name)}
      WHERE id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  );
  return row?.total ?? 0;
}

/** Whether a record has this id in any case of its letters. */
export async function hasIdInAnyCase(reader: Reader, model: Model, id: string): Promise<boolean> {
  const sql = `SELECT 1 FROM ${quote(model.collection.name)} WHERE lower(id) = lower(?) LIMIT 1`;
  return (await reader.get(sql, id)) !== undefined;
}

/** The id of a record whose field names the file. No index holds names: the table is read through. */
export async function findFileOwner(
  reader: Reader,
  { collection }: Model,
  { field, filename }: { readonly field: string; readonly filename: string },
): Promise<string | undefined> {
  const column = quote(field);
  const row = await reader.get<{ id: string }>(
    `SELECT id FROM ${quote(collection.name)}
      WHERE ${column} = ?1 OR (json_valid(${column}) AND EXISTS
        (SELECT 1 FROM json_each(${column}) WHERE value = ?1)) LIMIT 1`,
    filename,
  );
  return row?.id;
}

/**
 * Records whose relation names one of `ids`, `LIMITS.cascadeRowsMax` at most. A list has no index,
 * so its table is read through; a single relation's own index, where the operator made one, serves.
 */
export async function referringRows(
  reader: Reader,
  { model, field }: Reference,
  ids: readonly string[],
): Promise<RecordData[]> {
  const column = quote(field.name);
  const [first = ""] = ids;
  const one = ids.length === 1;
  const among = one ? "= ?" : "IN (SELECT value FROM json_each(?))";
  const test = isMultiple(field)
    ? `EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(${column}) THEN ${column} ELSE '[]' END)
        WHERE value ${among})`
    : `${column} ${among}`;
  const rows = await reader.all<SqlRow>(
    `SELECT * FROM ${quote(model.collection.name)} WHERE ${test}
      ${limitTo(LIMITS.cascadeRowsMax)}`,
    one ? first : JSON.stringify(ids),
  );
  return rows.map((row) => decodeRow(model, row));
}

function conditions(model: Model, where: Where): { sql: string; values: SqlValue[] } {
  const names = Object.keys(where);
  if (names.length === 0) return { sql: "", values: [] };
  const tests = names.map((name) => `${quote(known(model, name))} = ?`);
  return { sql: ` WHERE ${tests.join(" AND ")}`, values: Object.values(where) };
}

function order(model: Model, sort: readonly string[]): string {
  if (sort.length === 0) return "";
  const terms = sort.map((term) => {
    const descending = term.startsWith("-");
    const name = known(model, descending ? term.slice(1) : term);
    return `${quote(name)}${descending ? " DESC" : ""}`;
  });
  return ` ORDER BY ${terms.join(", ")}`;
}

function known(model: Model, name: string): string {
  assert(model.fields.get(name), `no field ${name} in ${model.collection.name}`);
  return name;
}
