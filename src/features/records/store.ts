/** SQL of the collections and their rows. Identifiers come from the schema, values are bound. */

import { assert } from "../../base/errors.ts";
import type { Reader, SqlRow, SqlValue, Transaction } from "../../infra/db/database.ts";
import { type Collection, columnType, type Field, isMultiple } from "./schema.ts";

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

const IDENTIFIER = /^\w+$/;

/** Quotes a name from the schema; anything else than word characters is an assertion. */
export function quote(name: string): string {
  assert(IDENTIFIER.test(name), `identifier ${name}`);
  return `\`${name}\``;
}

/** `YYYY-MM-DD HH:MM:SS.mmmZ`, the stored form of a moment. */
export function storedDate(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ");
}

/** Milliseconds since the epoch of a stored date; undefined for the empty one. */
export function dateMs(stored: unknown): number | undefined {
  if (typeof stored !== "string" || stored === "") return undefined;
  const ms = Date.parse(stored.replace(" ", "T"));
  return Number.isNaN(ms) ? undefined : ms;
}

export async function createCollectionsTables(tx: Transaction): Promise<void> {
  await tx.run(`
    CREATE TABLE IF NOT EXISTS \`_collections\` (
      \`id\`         TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
      \`system\`     BOOLEAN DEFAULT FALSE NOT NULL,
      \`type\`       TEXT DEFAULT "base" NOT NULL,
      \`name\`       TEXT UNIQUE NOT NULL,
      \`fields\`     JSON DEFAULT "[]" NOT NULL,
      \`indexes\`    JSON DEFAULT "[]" NOT NULL,
      \`listRule\`   TEXT DEFAULT NULL,
      \`viewRule\`   TEXT DEFAULT NULL,
      \`createRule\` TEXT DEFAULT NULL,
      \`updateRule\` TEXT DEFAULT NULL,
      \`deleteRule\` TEXT DEFAULT NULL,
      \`options\`    JSON DEFAULT "{}" NOT NULL,
      \`created\`    TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL,
      \`updated\`    TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
    )`);
  await tx.run("CREATE INDEX IF NOT EXISTS `idx__collections_type` ON `_collections` (`type`)");
  await tx.run(`
    CREATE TABLE IF NOT EXISTS \`_params\` (
      \`id\`      TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
      \`value\`   JSON DEFAULT NULL,
      \`created\` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL,
      \`updated\` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
    )`);
}

/** Makes the collection's table and indexes and writes its row. */
export async function createCollection(tx: Transaction, collection: Collection): Promise<void> {
  const columns = collection.fields.map((field) => `${quote(field.name)} ${columnType(field)}`);
  await tx.run(`CREATE TABLE ${quote(collection.name)} (${columns.join(", ")})`);
  for (const index of collection.indexes) await tx.run(index);
  await tx.run(
    `INSERT INTO \`_collections\`
       (id, system, type, name, fields, indexes,
        listRule, viewRule, createRule, updateRule, deleteRule, options)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    collection.id,
    collection.system,
    collection.type,
    collection.name,
    JSON.stringify(collection.fields),
    JSON.stringify(collection.indexes),
    collection.listRule,
    collection.viewRule,
    collection.createRule,
    collection.updateRule,
    collection.deleteRule,
    JSON.stringify(collection.options),
  );
}

/** Removes a collection's table and row; undoes `createCollection`. */
export async function dropCollection(tx: Transaction, name: string): Promise<void> {
  await tx.run(`DROP TABLE IF EXISTS ${quote(name)}`);
  await tx.run("DELETE FROM `_collections` WHERE name = ?", name);
}

export async function loadCollections(reader: Reader): Promise<Collection[]> {
  const rows = await reader.all("SELECT * FROM `_collections` ORDER BY rowid");
  return rows.map((row) => ({
    id: String(row.id),
    name: String(row.name),
    type: String(row.type) as Collection["type"],
    system: Boolean(row.system),
    fields: JSON.parse(String(row.fields)) as Field[],
    indexes: JSON.parse(String(row.indexes)) as string[],
    listRule: rule(row.listRule),
    viewRule: rule(row.viewRule),
    createRule: rule(row.createRule),
    updateRule: rule(row.updateRule),
    deleteRule: rule(row.deleteRule),
    options: JSON.parse(String(row.options)) as Record<string, unknown>,
  }));
}

function rule(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export async function insertRow(
  tx: Transaction,
  collection: Collection,
  record: RecordData,
): Promise<void> {
  const names = collection.fields.map((field) => quote(field.name));
  const values = collection.fields.map((field) => encode(field, record[field.name]));
  const places = names.map(() => "?").join(", ");
  await tx.run(
    `INSERT INTO ${quote(collection.name)} (${names.join(", ")}) VALUES (${places})`,
    ...values,
  );
}

/** Writes the named fields of one row. */
export async function updateRow(
  tx: Transaction,
  collection: Collection,
  record: RecordData,
): Promise<void> {
  const changed = collection.fields.filter((field) => field.name !== "id");
  const sets = changed.map((field) => `${quote(field.name)} = ?`).join(", ");
  const values = changed.map((field) => encode(field, record[field.name]));
  await tx.run(`UPDATE ${quote(collection.name)} SET ${sets} WHERE id = ?`, ...values, record.id);
}

export async function deleteRow(
  tx: Transaction,
  collection: Collection,
  id: string,
): Promise<void> {
  await tx.run(`DELETE FROM ${quote(collection.name)} WHERE id = ?`, id);
}

export async function findRow(
  reader: Reader,
  collection: Collection,
  where: Where,
): Promise<RecordData | undefined> {
  const { sql, values } = conditions(collection, where);
  const row = await reader.get<SqlRow>(
    `SELECT * FROM ${quote(collection.name)}${sql} LIMIT 1`,
    ...values,
  );
  return row && decodeRow(collection, row);
}

export async function listRows(
  reader: Reader,
  collection: Collection,
  options: ListOptions,
): Promise<RecordData[]> {
  const { sql, values } = conditions(collection, options.where ?? {});
  const rows = await reader.all<SqlRow>(
    `SELECT * FROM ${quote(collection.name)}${sql}${order(collection, options.sort ?? [])}
      LIMIT ? OFFSET ?`,
    ...values,
    options.limit,
    options.offset ?? 0,
  );
  return rows.map((row) => decodeRow(collection, row));
}

export async function countRows(
  reader: Reader,
  collection: Collection,
  where: Where,
): Promise<number> {
  const { sql, values } = conditions(collection, where);
  const row = await reader.get<{ total: number }>(
    `SELECT count(*) AS total FROM ${quote(collection.name)}${sql}`,
    ...values,
  );
  return row?.total ?? 0;
}

function conditions(collection: Collection, where: Where): { sql: string; values: SqlValue[] } {
  const names = Object.keys(where);
  if (names.length === 0) return { sql: "", values: [] };
  const tests = names.map((name) => `${quote(fieldOf(collection, name).name)} = ?`);
  return { sql: ` WHERE ${tests.join(" AND ")}`, values: Object.values(where) };
}

function order(collection: Collection, sort: readonly string[]): string {
  if (sort.length === 0) return "";
  const terms = sort.map((term) => {
    const descending = term.startsWith("-");
    const { name } = fieldOf(collection, descending ? term.slice(1) : term);
    return `${quote(name)}${descending ? " DESC" : ""}`;
  });
  return ` ORDER BY ${terms.join(", ")}`;
}

function fieldOf(collection: Collection, name: string): Field {
  const field = collection.fields.find((candidate) => candidate.name === name);
  assert(field, `no field ${name} in ${collection.name}`);
  return field;
}

function encode(field: Field, value: unknown): SqlValue {
  if (isMultiple(field)) return JSON.stringify(value ?? []);
  if (field.type === "json") {
    return value === null || value === undefined ? null : JSON.stringify(value);
  }
  if (field.type === "geoPoint") return JSON.stringify(value ?? { lon: 0, lat: 0 });
  if (field.type === "bool") return value === true;
  if (field.type === "number") return typeof value === "number" ? value : 0;
  return typeof value === "string" ? value : "";
}

export function decodeRow(collection: Collection, row: SqlRow): RecordData {
  const record: Record<string, unknown> = {};
  for (const field of collection.fields) record[field.name] = decode(field, row[field.name]);
  return record as RecordData;
}

function decode(field: Field, value: unknown): unknown {
  if (field.type === "bool") return Boolean(value);
  if (field.type === "number") return Number(value ?? 0);
  if (isMultiple(field) || field.type === "json" || field.type === "geoPoint") {
    // A column declared JSON has numeric affinity, so a stored number comes back as one.
    return typeof value === "string" ? JSON.parse(value) : value;
  }
  return value ?? "";
}
