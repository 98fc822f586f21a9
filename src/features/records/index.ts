/** The ground: collections, their rows, and the write rings around them. */

import type { Feature, ServiceKey } from "../../core/registry.ts";
import { migrations } from "./migrations.ts";
import { recordOperations } from "./operations/records.ts";
import { RecordPipeline } from "./service/pipeline.ts";
import { RecordsService } from "./service.ts";

export { collectionsMigration } from "./migrations.ts";
export {
  type Collection,
  type CollectionDefinition,
  type Field,
  fields,
  timestamps,
} from "./schema.ts";
export { hashPassword, verifyPassword } from "./service/auth-form.ts";
export { presentExpanded } from "./service/expand.ts";
export type { PublicRecord } from "./service/present.ts";
export type { RecordEvent, RecordsService, Values } from "./service.ts";
export type { RecordData } from "./store/rows.ts";
export { dateMs, storedDate } from "./store.ts";

export const Records: ServiceKey<RecordsService> = { feature: "records" };

export const records: Feature = {
  name: "records",
  needs: [],
  collections: [],
  migrations,
  create(host) {
    const service = new RecordsService(host.hub);
    const operations = recordOperations(new RecordPipeline(service));
    return { operations, service, start: () => service.load(host.db) };
  },
};
