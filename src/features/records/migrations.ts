import type { Transaction } from "../../infra/db/database.ts";
import type { Migration } from "../../infra/db/migrations.ts";
import { type Collection, type CollectionDefinition, defineCollection } from "./schema.ts";
import { createCollection, createCollectionsTables, dropCollection } from "./store.ts";

/** What PocketBase 0.36 would do to an empty directory: all of it is there after a first start. */
const POCKETBASE = [
  "1640988000_aux_init.go",
  "1640988000_init.go",
  "1717233556_v0.23_migrate.go",
  "1717233557_v0.23_migrate2.go",
  "1717233558_v0.23_migrate3.go",
  "1717233559_v0.23_migrate4.go",
  "1763020353_update_default_auth_alert_templates.go",
];

export const migrations: readonly Migration[] = [
  { name: "parvis/0001_records", standsFor: POCKETBASE, up: createCollectionsTables },
];

/** A migration that tells which collections it makes. */
export interface CollectionsMigration extends Migration {
  collections(): readonly Collection[];
}

/** A migration that makes collections, unless the data directory has them already. */
export function collectionsMigration(
  name: string,
  definitions: () => readonly CollectionDefinition[],
): CollectionsMigration {
  return {
    name,
    collections: () => definitions().map(defineCollection),
    async up(tx, now) {
      for (const collection of definitions().map(defineCollection)) {
        if (!(await exists(tx, collection))) await createCollection(tx, collection, now);
      }
    },
    async down(tx) {
      for (const collection of [...definitions()].reverse())
        await dropCollection(tx, collection.name);
    },
  };
}

async function exists(tx: Transaction, collection: Collection): Promise<boolean> {
  const row = await tx.get("SELECT 1 FROM `_collections` WHERE id = ?", collection.id);
  return row !== undefined;
}
