/** Writes of `_collections`: one row for each collection, with its times. */

import type { SqlValue, Transaction } from "../../../infra/db/database.ts";
import type { Collection } from "../schema.ts";

/** A collection as its row holds it. */
export interface StoredCollection extends Collection {
  /** Stored dates. */
  readonly created: string;
  readonly updated: string;
}

const COLUMNS = ["id", "system", "type", "name", "fields", "indexes"].concat(
  ["listRule", "viewRule", "createRule", "updateRule", "deleteRule"],
  ["options", "created", "updated"],
);

export async function insertStored(tx: Transaction, collection: StoredCollection): Promise<void> {
  const names = COLUMNS.map((name) => `\`${name}\``).join(", ");
  const marks = COLUMNS.map(() => "?").join(", ");
  const sql = `INSERT INTO \`_collections\` (${names}) VALUES (${marks})`;
  await tx.run(sql, ...columnValues(collection));
}

export async function updateStored(tx: Transaction, collection: StoredCollection): Promise<void> {
  const sets = COLUMNS.map((name) => `\`${name}\` = ?`).join(", ");
  const sql = `UPDATE \`_collections\` SET ${sets} WHERE \`id\` = ?`;
  await tx.run(sql, ...columnValues(collection), collection.id);
}

export async function deleteStored(tx: Transaction, id: string): Promise<void> {
  await tx.run("DELETE FROM `_collections` WHERE `id` = ?", id);
}

function columnValues(collection: StoredCollection): SqlValue[] {
  return [
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
    collection.created,
    collection.updated,
  ];
}
