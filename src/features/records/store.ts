/** SQL of the collections and their rows. Identifiers come from the schema, values are bound. */

import { assert } from "../../base/errors.ts";
import type { Reader, SqlRow, Transaction } from "../../infra/db/database.ts";
import { type Collection, columnType, type Field } from "./schema.ts";
import { insertStored } from "./store/collection-rows.ts";

const IDENTIFIER = /^\w+$/;

/** Quotes a name from the schema; anything else than word characters is an assertion. */
export function quote(name: string): string {
  assert(IDENTIFIER.test(name), `identifier ${name}`);
  return `\`${name}\``;
}

/** `YYYY-MM-DD HH:MM:SS.mmmZ`, the stored form of a moment. */
export function storedDate(ms: number): string {
  // Many records are written in one millisecond: made once for them all.
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString().replace("T", " ") };
  return last.text;
}

let last = { ms: Number.NaN, text: "" };

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

/** Makes the collection's table and indexes and writes its row. `now` in milliseconds. */
export async function createCollection(
  tx: Transaction,
  collection: Collection,
  now: number,
): Promise<void> {
  const columns = collection.fields.map((field) => `${quote(field.name)} ${columnType(field)}`);
  await tx.run(`CREATE TABLE ${quote(collection.name)} (${columns.join(", ")})`);
  for (const index of collection.indexes) await tx.run(index);
  const at = storedDate(now);
  await insertStored(tx, { ...collection, created: at, updated: at });
}

/** Removes a collection's table and row; undoes `createCollection`. */
export async function dropCollection(tx: Transaction, name: string): Promise<void> {
  await tx.run(`DROP TABLE IF EXISTS ${quote(name)}`);
  await tx.run("DELETE FROM `_collections` WHERE name = ?", name);
}

export async function loadCollections(reader: Reader): Promise<Collection[]> {
  const rows = await reader.all("SELECT * FROM `_collections` ORDER BY rowid");
  return rows.map(parseCollection);
}

/** A row of `_collections`, which only the server itself writes. */
export function parseCollection(row: SqlRow): Collection {
  return {
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
  };
}

function rule(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
