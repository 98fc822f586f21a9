/** SQL of records: rows of the collections' tables. Identifiers are the schema's, values bound. */

import { assert } from "../../../base/errors.ts";
import type { Reader, SqlRow, SqlValue, Transaction } from "../../../infra/db/database.ts";
import { quoteIdentifier as quote } from "../../../infra/db/identifiers.ts";
import { isMultiple } from "../../../tools/fields/field.ts";
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
  await tx.run(insertSql(model), ...values);
  return asStored(model, values);
}

function insertSql(model: Model): string {
  const names = model.collection.fields.map((field) => quote(field.name));
  const places = names.map(() => "?").join(", ");
  return `INSERT INTO ${quote(model.collection.name)} (${names.join(", ")}) VALUES (${places})`;
}

/** Writes all fields but the id; returns the record as it will be read. */
export async function updateRow(
  tx: Transaction,
  model: Model,
  record: RecordData,
): Promise<RecordData> {
  const { collection, fields } = model;
  const values = fields.encode(record);
  const changed = collection.fields.flatMap((field, index) =>
    field.name === "id" ? [] : [{ name: field.name, value: values[index] ?? null }],
  );
  const sets = changed.map(({ name }) => `${quote(name)} = ?`).join(", ");
  const sql = `UPDATE ${quote(collection.name)} SET ${sets} WHERE id = ?`;
  await tx.run(sql, ...changed.map(({ value }) => value), record.id);
  return asStored(model, values);
}

export async function deleteRow(tx: Transaction, model: Model, id: string): Promise<void> {
  await tx.run(`DELETE FROM ${quote(model.collection.name)} WHERE id = ?`, id);
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
      LIMIT ? OFFSET ?`,
    ...values,
    options.limit,
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

/**
 * Records whose relation names `id`. A list has no index, so its table is read through; a single
 * relation's own index, where the operator made one, is used.
 */
export async function referringRows(
  reader: Reader,
  { model, field }: Reference,
  id: string,
): Promise<RecordData[]> {
  const column = quote(field.name);
  const test = isMultiple(field)
    ? `EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(${column}) THEN ${column} ELSE '[]' END)
        WHERE value = ?)`
    : `${column} = ?`;
  const rows = await reader.all<SqlRow>(
    `SELECT * FROM ${quote(model.collection.name)} WHERE ${test}`,
    id,
  );
  return rows.map((row) => decodeRow(model, row));
}

function asStored(model: Model, values: readonly SqlValue[]): RecordData {
  const row = model.collection.fields.map((field, index) => [field.name, values[index]] as const);
  return model.fields.decode(Object.fromEntries(row)) as RecordData;
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
