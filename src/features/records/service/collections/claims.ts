/** Collections that features of the server made and cannot do without. */

import type { Feature } from "../../../../core/registry.ts";
import type { Migration } from "../../../../infra/db/migrations.ts";
import type { CollectionsMigration } from "../../migrations.ts";

/** By the collection's id: the feature, and the fields that stay as it made them. */
export type Claims = ReadonlyMap<
  string,
  { readonly feature: string; readonly fields: ReadonlySet<string> }
>;

/** What the features that are on have made in their migrations. */
export function claimsOf(features: readonly Feature[]): Claims {
  const made = features.flatMap((feature) =>
    feature.migrations
      .filter(makesCollections)
      .flatMap(({ collections }) => collections())
      // What a feature makes but does not list, such as `users`, is the operator's.
      .filter(({ name }) => feature.collections.includes(name))
      .map(({ id, fields }) => {
        const names = new Set(fields.map(({ name }) => name));
        return [id, { feature: feature.name, fields: names }] as const;
      }),
  );
  return new Map(made);
}

function makesCollections(migration: Migration): migration is CollectionsMigration {
  return "collections" in migration;
}
