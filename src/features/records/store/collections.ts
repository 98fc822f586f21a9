/** Reads of `_collections`: one row for each collection, with its times. */

import type { Reader, SqlRow } from "../../../infra/db/database.ts";
import { parseCollection } from "../store.ts";
import type { StoredCollection } from "./collection-rows.ts";

export async function loadStored(reader: Reader): Promise<StoredCollection[]> {
  const rows = await reader.all("SELECT * FROM `_collections` ORDER BY rowid");
  return rows.map(decodeStored);
}

/** By id, or by name in any case. */
export async function findStored(
  reader: Reader,
  nameOrId: string,
): Promise<StoredCollection | undefined> {
  const row = await reader.get(
    "SELECT * FROM `_collections` WHERE id = ? OR lower(name) = lower(?) ORDER BY id = ? DESC",
    nameOrId,
    nameOrId,
    nameOrId,
  );
  return row && decodeStored(row);
}

export function decodeStored(row: SqlRow): StoredCollection {
  const { created, updated } = row;
  return { ...parseCollection(row), created: String(created), updated: String(updated) };
}
