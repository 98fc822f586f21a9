/** The ground: collections, their rows, and the write rings around them. */

import { join } from "node:path";
import type { Feature, ServiceKey } from "../../core/registry.ts";
import type { Bcrypt } from "../../infra/bcrypt/bcrypt.ts";
import { migrations } from "./migrations.ts";
import { batchOperations } from "./operations/batch.ts";
import { collectionsOperations } from "./operations/collections.ts";
import { realtimeOperations } from "./operations/realtime.ts";
import { recordOperations } from "./operations/records.ts";
import { Batches } from "./service/batch/batches.ts";
import { CollectionsService } from "./service/collections/collections-service.ts";
import { Scheduler } from "./service/crons/scheduler.ts";
import { bindCollectionFiles } from "./service/files/collection-files.ts";
import { RecordFiles } from "./service/files/record-files.ts";
import { Passwords } from "./service/passwords.ts";
import { RecordPipeline } from "./service/pipeline.ts";
import { RateRules } from "./service/rate-limits/rate-rules.ts";
import { Realtime } from "./service/realtime/realtime.ts";
import { SettingsBook } from "./service/settings/book.ts";
import { RecordsService } from "./service.ts";

export { collectionsMigration } from "./migrations.ts";
export {
  type Collection,
  type CollectionDefinition,
  type Field,
  fields,
  timestamps,
} from "./schema.ts";
export {
  type AuthOptions,
  defaultAuthOptions,
  type MailTemplate,
  NO_AUTH_OPTIONS,
  type Provider,
  readAuthOptions,
} from "./service/collections/auth-options.ts";
export { findUniqueIndex } from "./service/collections/index-text.ts";
export type { CollectionEvent } from "./service/collections/schema-change.ts";
export type { CronJob, Scheduler } from "./service/crons/scheduler.ts";
export { presentExpanded } from "./service/expand.ts";
export { type RecordFiles, recordFolder } from "./service/files/record-files.ts";
export { viewFileOrigin } from "./service/files/view-files.ts";
export { Filters, type Statement } from "./service/filters.ts";
export { type ListParameters, readPage } from "./service/list-parameters.ts";
export { meetsRule } from "./service/meets-rule.ts";
export type { Model } from "./service/models.ts";
export { RecordPipeline } from "./service/pipeline.ts";
export type { PublicRecord } from "./service/present.ts";
export type { Realtime } from "./service/realtime/realtime.ts";
export type { RequestContext } from "./service/request.ts";
export { NO_REQUEST } from "./service/request.ts";
export type { SettingsBook } from "./service/settings/book.ts";
export { mergeSettings } from "./service/settings/merge.ts";
export type * from "./service/settings/shape.ts";
export type { RecordEvent, RecordsService, Values } from "./service.ts";
export type { RecordData } from "./store/rows.ts";
export { dateMs, storedDate } from "./store.ts";

export const Records: ServiceKey<RecordsService> = { feature: "records" };

export interface RecordsOptions {
  /** 32 characters; settings are stored encrypted under it. */
  readonly encryptionKey?: string | undefined;
  /** The data directory. */
  readonly dir: string;
  readonly bcrypt: Bcrypt;
}

/** Of uploaded files, in the data directory. */
const STORAGE_DIR = "storage";

export function records(options: RecordsOptions): Feature {
  return {
    name: "records",
    needs: [],
    collections: [],
    migrations,
    create(host) {
      const settings = new SettingsBook({ ids: host.ids, ...options });
      const scheduler = new Scheduler(host);
      const realtime = new Realtime(host, () => service.models);
      const files = new RecordFiles({ ...host, settings, dir: join(options.dir, STORAGE_DIR) });
      bindCollectionFiles(host.hooks, files);
      const collection = (nameOrId: string) => service.collection(nameOrId);
      const rateRules = new RateRules({ clock: host.clock, settings, collection });
      const passwords = new Passwords(options.bcrypt);
      const parts = { files, passwords, rateRules, settings, scheduler, realtime };
      const service = new RecordsService(host.hub, parts);
      const ofRecords = recordOperations(new RecordPipeline(service));
      const operations = [
        ...ofRecords,
        ...batchOperations(new Batches(service, ofRecords)),
        ...realtimeOperations(realtime),
        ...collectionsOperations(new CollectionsService(host, service)),
      ];
      const start = async () => {
        await settings.load(host.db);
        await service.load(host.db);
      };
      const stop = async () => {
        await scheduler.stop();
        await files.settle();
      };
      return { operations, service, start, stop };
    },
  };
}
