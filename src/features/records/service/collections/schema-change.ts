/**
 * One change of the schema: tables, indexes, views and rows of `_collections` go together, within
 * the write transaction of whoever makes it. A failure undoes all of it.
 */

import { assert, fail } from "../../../../base/errors.ts";
import type { Context } from "../../../../core/context.ts";
import type { Transaction } from "../../../../infra/db/database.ts";
import {
  deleteStored,
  insertStored,
  type StoredCollection,
  updateStored,
} from "../../store/collection-rows.ts";
import { loadStored } from "../../store/collections.ts";
import {
  changeTable,
  convertedFields,
  createTable,
  dropTable,
  schemaNames,
} from "../../store/tables.ts";
import { createView, dropView, viewQueryOf } from "../../store/views.ts";
import { storedDate } from "../../store.ts";
import type { Claims } from "./claims.ts";
import { checkCollection, type Surroundings } from "./collection-checks.ts";
import { type Draft, toDraft, toStored } from "./draft.ts";
import { type FaultMap, refused } from "./faults.ts";
import { type IndexPlace, syncIndexes } from "./index-sync.ts";
import { engineReason, refusedChange } from "./refusals.ts";
import { type ReadView, readView, viewStatement } from "./view-reading.ts";

/** What hooks around `collection.create`, `.update` and `.delete` see. Anything they do is undone
 * with the change. */
export interface CollectionEvent {
  readonly context: Context;
  readonly collection: StoredCollection;
  /** As it was before an update. */
  readonly original: StoredCollection | undefined;
}

export interface SaveOptions {
  /** The collection that is changed; undefined for a new one. */
  readonly original: StoredCollection | undefined;
  /** All other collections as they will be; as they are now unless given. */
  readonly others?: readonly StoredCollection[];
  /** Default true. */
  readonly withRules?: boolean;
}

const SUPERUSERS = "_superusers";
const SECRET_CHARS = 50;

export class SchemaChange {
  readonly #context: Context;
  readonly #tx: Transaction;
  readonly #claims: Claims;
  #all: readonly StoredCollection[];

  private constructor(context: Context, claims: Claims, all: readonly StoredCollection[]) {
    this.#context = context;
    this.#tx = context.tx;
    this.#claims = claims;
    this.#all = all;
  }

  /** Within an open transaction, which it should have to itself. */
  static async begin(context: Context, claims: Claims): Promise<SchemaChange> {
    return new SchemaChange(context, claims, await loadStored(context.tx));
  }

  /** The collections as this change has made them so far. */
  get collections(): readonly StoredCollection[] {
    return this.#all;
  }

  /** By id, or by name in any case. */
  find(nameOrId: string): StoredCollection | undefined {
    const lower = nameOrId.toLowerCase();
    return (
      this.#all.find(({ id }) => id === nameOrId) ??
      this.#all.find(({ name }) => name.toLowerCase() === lower)
    );
  }

  /**
   * Checks and saves a collection with its table or view. Errors: 400 with the faults by key, 400
   * `schema_change_failed` where the database refuses.
   */
  async save(given: Draft, options: SaveOptions): Promise<StoredCollection> {
    const { original } = options;
    const stored = original && toDraft(original);
    const view = given.type === "view" ? await this.#readView(given, original) : undefined;
    const draft = view ? { ...given, fields: view.fields } : given;
    const faults = checkCollection({
      ...(await this.#surroundings(draft, options)),
      draft,
      stored,
      queryFault: view?.fault,
      withRules: options.withRules ?? true,
    });
    if (faults) throw refused(faults);
    const collection = this.#settled(draft, stored);
    const event = { context: this.#context, collection, original };
    await this.#around(original ? "update" : "create", event, async () => {
      if (original) await updateStored(this.#tx, collection);
      else await insertStored(this.#tx, collection);
      if (view) await this.#makeView(collection, view);
      else await this.#makeTable(collection, original);
    });
    this.#all = original
      ? this.#all.map((each) => (each.id === collection.id ? collection : each))
      : [...this.#all, collection];
    await this.#followViews(collection.id, "leave");
    return collection;
  }

  /** What is wrong with a saved collection now that everything around it is saved too. */
  async faultsOf(collection: StoredCollection): Promise<FaultMap | undefined> {
    const draft = toDraft(collection);
    const surroundings = await this.#surroundings(draft, { original: collection });
    const view = { queryFault: undefined, withRules: true };
    return checkCollection({ ...surroundings, ...view, draft, stored: draft });
  }

  /**
   * Drops a collection with its records. `checked` refuses (400) one that others relate to or that a
   * view reads. Error: 400 `collection_in_use` for one of the system or of a feature.
   */
  async remove(collection: StoredCollection, checked: boolean): Promise<void> {
    const { id, name, system, type } = collection;
    if (system) throw refusedChange(`${name} is a collection of the system.`);
    const claim = this.#claims.get(id);
    if (claim) throw refusedChange(`${name} is needed by the feature "${claim.feature}".`);
    const users = this.#all.filter((other) => other.id !== id && refersTo(other, id));
    if (checked && users.length > 0) {
      throw refusedChange(`${name} is related to by ${users.map((each) => each.name).join(", ")}.`);
    }
    const event = { context: this.#context, collection, original: collection };
    await this.#around("delete", event, async () => {
      if (type === "view") await dropView(this.#tx, name);
      else await dropTable(this.#tx, name);
      await deleteStored(this.#tx, id);
    });
    this.#all = this.#all.filter((each) => each.id !== id);
    if (checked) await this.#followViews(id, "refuse");
  }

  /** What the engine refuses becomes the client's 400. */
  async #around(action: string, event: CollectionEvent, work: () => Promise<void>): Promise<void> {
    try {
      await this.#context.hooks.run(`collection.${action}`, event, work);
    } catch (error) {
      const reason = engineReason(error);
      throw reason === undefined ? error : refusedChange(`The database refused: ${reason}`, error);
    }
  }

  async #surroundings(draft: Draft, { others, original }: SaveOptions): Promise<Surroundings> {
    const { tables, indexTables } = await schemaNames(this.#tx);
    const known = new Set(this.#all.map(({ name }) => name.toLowerCase()));
    return {
      others: others ?? this.#all.filter(({ id }) => id !== original?.id),
      tables: new Set([...tables].filter((name) => !known.has(name))),
      indexTables,
      claimed: this.#claims.get(draft.id)?.fields,
      random: (bound) => this.#context.ids.below(bound),
    };
  }

  /** With what follows from other options, and its times. */
  #settled(draft: Draft, stored: Draft | undefined): StoredCollection {
    const now = storedDate(this.#context.clock.now());
    let { auth } = draft;
    // Who may sign in has changed: whoever is signed in has to ask again.
    if (stored && (stored.auth.authRule ?? "") !== (auth.authRule ?? "")) {
      const secret = this.#context.ids.secret(SECRET_CHARS);
      auth = { ...auth, authToken: { ...auth.authToken, secret } };
    }
    if (draft.name === SUPERUSERS) {
      auth = {
        ...auth,
        oauth2: { ...auth.oauth2, enabled: false, providers: [] },
        passwordAuth: { ...auth.passwordAuth, enabled: true },
        mfa: { ...auth.mfa, enabled: auth.mfa.enabled || auth.otp.enabled },
      };
    }
    return toStored({ ...draft, auth, created: stored?.created ?? now, updated: now });
  }

  async #makeTable(
    collection: StoredCollection,
    original: StoredCollection | undefined,
  ): Promise<void> {
    const from: IndexPlace | undefined = original && {
      ...original,
      changed: changedColumns(original, collection),
    };
    const apply = () =>
      original ? changeTable(this.#tx, original, collection) : createTable(this.#tx, collection);
    await syncIndexes(this.#tx, { from, to: collection }, apply);
  }

  #readView(draft: Draft, original: StoredCollection | undefined): Promise<ReadView> {
    return readView(this.#tx, draft.viewQuery, {
      collections: this.#all,
      stored: original?.fields ?? [],
      copyId: () => `_clone_${this.#context.ids.secret(4)}`,
      replaced: original?.type === "view" ? original.name : undefined,
    });
  }

  async #makeView({ name }: StoredCollection, { statement, columns }: ReadView): Promise<void> {
    assert(statement !== undefined, "a view without fault has a statement");
    await createView(this.#tx, name, { query: statement, columns });
  }

  /**
   * Brings views in line with a change of what they read: new names in their queries, new types of
   * their fields. One that cannot be read any more is left as it is, or refuses the change.
   */
  async #followViews(changedId: string, broken: "leave" | "refuse"): Promise<void> {
    const views = this.#all.filter(({ id, type }) => type === "view" && id !== changedId);
    for (const view of views) {
      const draft = toDraft(view);
      const inside = await viewQueryOf(this.#tx, view.name);
      const renamed = inside !== undefined && inside !== viewStatement(draft.viewQuery);
      const viewQuery = renamed ? inside : draft.viewQuery;
      const read = await this.#tryView({ ...draft, viewQuery }, view);
      if (read.fault !== undefined) {
        if (broken === "leave") continue;
        throw refusedChange(`The view ${view.name} reads from it.`);
      }
      if (!renamed && sameFields(read.fields, view.fields)) continue;
      const followed = toStored({ ...draft, viewQuery, fields: read.fields });
      await updateStored(this.#tx, followed);
      await dropView(this.#tx, view.name);
      await this.#makeView(followed, read);
      this.#all = this.#all.map((each) => (each.id === view.id ? followed : each));
    }
  }

  /** The view of the query stays where it is. */
  #tryView(draft: Draft, { fields }: StoredCollection): Promise<ReadView> {
    return readView(this.#tx, draft.viewQuery, {
      collections: this.#all,
      stored: fields,
      copyId: () => `_clone_${this.#context.ids.secret(4)}`,
      replaced: undefined,
    });
  }
}

function refersTo({ fields }: StoredCollection, id: string): boolean {
  return fields.some((field) => field.type === "relation" && field.collectionId === id);
}

function sameFields(some: StoredCollection["fields"], others: StoredCollection["fields"]) {
  const shapes = (fields: StoredCollection["fields"]) =>
    fields.map((each) => ({ ...each, id: "" }));
  return Bun.deepEquals(shapes(some), shapes(others));
}

/** Names of columns that go, get another name or are made anew. */
function changedColumns(from: StoredCollection, to: StoredCollection): string[] {
  const moved = from.fields.filter(
    (field) => to.fields.find(({ id }) => id === field.id)?.name !== field.name,
  );
  return [...moved, ...convertedFields(from, to)].map(({ name }) => name);
}

export function assertFound<T>(collection: T | undefined): T {
  if (!collection) throw fail.not_found("not_found", "The requested resource wasn't found.");
  return collection;
}
