/** A collection's files go with it. */

import type { Hooks } from "../../../../core/hooks.ts";
import type { CollectionEvent } from "../collections/schema-change.ts";
import type { RecordFiles } from "./record-files.ts";

export function bindCollectionFiles(hooks: Hooks, files: RecordFiles): void {
  hooks.bind<CollectionEvent>("collection.delete", async ({ context, collection }, next) => {
    await next();
    if (collection.type !== "view") files.collectionDeleted(context, collection.id);
  });
}
