/** The collections as of now, each with what was compiled from its fields. */

import { type FieldEntry, RecordFields } from "../../../tools/fields/record-fields.ts";
import type { Collection, Field } from "../schema.ts";
import { RowSql } from "../store/row-sql.ts";
import { Filters } from "./filters.ts";

export type Action = "create" | "update" | "delete";

/** Names of the hook rings around a write, the outer ones first. */
interface RingPoints {
  readonly ofType: string;
  readonly ofName: string;
}

/** A collection ready for work; immutable, made anew when the schema changes. */
export interface Model {
  readonly collection: Collection;
  readonly fields: RecordFields;
  readonly isAuth: boolean;
  readonly sql: RowSql;
  /** What a record's JSON has, in the order of its keys. */
  readonly published: readonly (FieldEntry | "collectionId" | "collectionName")[];
  /** Names of the fields that the server sets to the time of the write. */
  readonly dates: Readonly<Record<"onCreate" | "onUpdate", readonly string[]>>;
  readonly rings: Readonly<Record<Action, RingPoints>>;
}

function makeModel(collection: Collection): Model {
  const fields = new RecordFields(collection.fields);
  const isAuth = collection.type === "auth";
  const keyOf = (entry: Model["published"][number]) =>
    typeof entry === "string" ? entry : entry.field.name;
  const published = (["collectionId", "collectionName", ...fields.entries] as const).toSorted(
    (a, b) => (keyOf(a) < keyOf(b) ? -1 : 1),
  );
  const datesOf = (when: "onCreate" | "onUpdate") =>
    collection.fields
      .filter((field) => field.type === "autodate" && field[when])
      .map(({ name }) => name);
  const ringsOf = (action: Action): RingPoints => ({
    ofType: `record.${action}@${collection.type}`,
    ofName: `record.${action}:${collection.name}`,
  });
  return {
    collection,
    fields,
    isAuth,
    sql: new RowSql(collection),
    published,
    dates: { onCreate: datesOf("onCreate"), onUpdate: datesOf("onUpdate") },
    rings: { create: ringsOf("create"), update: ringsOf("update"), delete: ringsOf("delete") },
  };
}

/** A relation field somewhere that names records of a collection. */
export interface Reference {
  readonly model: Model;
  readonly field: Field;
}

/** One version of the whole schema. */
export class Models {
  readonly all: readonly Model[];
  readonly filters: Filters;
  readonly #byId: ReadonlyMap<string, Model>;
  readonly #byName: ReadonlyMap<string, Model>;
  readonly #references = new Map<string, readonly Reference[]>();

  /** Models of collections that are as they were in `before` are the same objects. */
  constructor(collections: readonly Collection[], before?: Models) {
    this.all = collections.map((collection) => {
      const known = before?.find(collection.id);
      return known && Bun.deepEquals(known.collection, collection) ? known : makeModel(collection);
    });
    this.filters = new Filters(this.all.map(({ collection }) => collection));
    this.#byId = new Map(this.all.map((model) => [model.collection.id, model]));
    this.#byName = new Map(this.all.map((model) => [model.collection.name.toLowerCase(), model]));
  }

  /** By id, exactly, or by name in any case. */
  find(nameOrId: string): Model | undefined {
    return this.#byId.get(nameOrId) ?? this.#byName.get(nameOrId.toLowerCase());
  }

  /** Relation fields of stored collections that name records of this one. */
  referencesTo(collectionId: string): readonly Reference[] {
    let references = this.#references.get(collectionId);
    if (!references) {
      const stored = this.all.filter(({ collection }) => collection.type !== "view");
      references = stored.flatMap((model) =>
        model.collection.fields
          .filter((field) => field.type === "relation" && field.collectionId === collectionId)
          .map((field) => ({ model, field })),
      );
      this.#references.set(collectionId, references);
    }
    return references;
  }
}
