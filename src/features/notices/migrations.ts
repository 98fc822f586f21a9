import type { Migration } from "../../infra/db/migrations.ts";
import { collectionsMigration } from "../records/index.ts";
import { noticesCollections } from "./schema.ts";

export const migrations: readonly Migration[] = [
  collectionsMigration("parvis/0011_notices", noticesCollections),
];
