/** The ground: collections, their rows, and the write rings around them. */

import type { Feature, ServiceKey } from "../../core/registry.ts";
import { migrations } from "./migrations.ts";
import { RecordsService } from "./service.ts";

export { collectionsMigration } from "./migrations.ts";
export {
  type Collection,
  type CollectionDefinition,
  type Field,
  fields,
  timestamps,
} from "./schema.ts";
export type { RecordEvent, RecordsService, Values } from "./service.ts";
export { dateMs, decodeRow, type RecordData, storedDate } from "./store.ts";

export const Records: ServiceKey<RecordsService> = { feature: "records" };

export const records: Feature = {
  name: "records",
  needs: [],
  collections: [],
  migrations,
  create(host) {
    const service = new RecordsService();
    return { operations: [], service, start: () => service.load(host.db) };
  },
};
