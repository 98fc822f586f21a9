/** The collections as of now, each with what was compiled from its fields. */

import { RecordFields } from "../../../tools/fields/record-fields.ts";
import type { Collection, Field } from "../schema.ts";
import { Filters } from "./filters.ts";

/** A collection ready for work; immutable, made anew when the schema changes. */
export interface Model {
  readonly collection: Collection;
  readonly fields: RecordFields;
  readonly isAuth: boolean;
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

  constructor(collections: readonly Collection[]) {
    this.all = collections.map((collection) => ({
      collection,
      fields: new RecordFields(collection.fields),
      isAuth: collection.type === "auth",
    }));
    this.filters = new Filters(collections);
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
