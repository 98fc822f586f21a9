/**
 * Records by collection. Every write runs the hook rings of its collection, inside the transaction,
 * so that a feature's invariants hold whoever writes.
 */

import { assert, fail } from "../../base/errors.ts";
import type { Context } from "../../core/context.ts";
import type { Reader } from "../../infra/db/database.ts";
import { brokenConstraint } from "../../infra/db/errors.ts";
import type { Collection } from "./schema.ts";
import {
  countRows,
  deleteRow,
  findRow,
  insertRow,
  type ListOptions,
  listRows,
  loadCollections,
  type RecordData,
  storedDate,
  updateRow,
  type Where,
} from "./store.ts";

/** What the write rings of a collection see: `record.create:rooms`, `.update:`, `.delete:`. */
export interface RecordEvent {
  readonly context: Context;
  readonly collection: Collection;
  /** The values about to be written; hooks may change them. */
  record: RecordData;
  /** The stored values before an update or delete. */
  readonly original: RecordData | undefined;
}

export type Values = Readonly<Record<string, unknown>>;

export class RecordsService {
  #collections: readonly Collection[] = [];

  /** Reads the collections; done once after the migrations and again after each schema change. */
  async load(reader: Reader): Promise<void> {
    this.#collections = await loadCollections(reader);
  }

  get collections(): readonly Collection[] {
    return this.#collections;
  }

  /** By id, or by name in any case. */
  collection(nameOrId: string): Collection | undefined {
    const name = nameOrId.toLowerCase();
    return (
      this.#collections.find((collection) => collection.id === nameOrId) ??
      this.#collections.find((collection) => collection.name.toLowerCase() === name)
    );
  }

  find(context: Context, collection: string, where: Where | string) {
    const by = typeof where === "string" ? { id: where } : where;
    return findRow(context.db, this.#known(collection), by);
  }

  /** Error: 404 `not_found`. */
  async get(context: Context, collection: string, id: string): Promise<RecordData> {
    const record = await this.find(context, collection, id);
    if (!record) throw fail.not_found("not_found", "The requested resource wasn't found.");
    return record;
  }

  list(context: Context, collection: string, options: ListOptions): Promise<RecordData[]> {
    return listRows(context.db, this.#known(collection), options);
  }

  count(context: Context, collection: string, where: Where = {}): Promise<number> {
    return countRows(context.db, this.#known(collection), where);
  }

  /** Fills in id and dates. Error: 400 `not_unique` when a unique index is in the way. */
  async create(context: Context, name: string, values: Values): Promise<RecordData> {
    const collection = this.#known(name);
    const now = storedDate(context.clock.now());
    const record = {
      id: context.ids.record(),
      ...values,
      ...autodates(collection, now, "onCreate"),
    };
    const event: RecordEvent = { context, collection, record, original: undefined };
    await this.#write("create", event, () => insertRow(context.tx, collection, event.record));
    return this.get(context, name, event.record.id);
  }

  /** Errors: 404 `not_found`, 400 `not_unique`. */
  async update(
    context: Context,
    target: { readonly collection: string; readonly id: string },
    changes: Values,
  ): Promise<RecordData> {
    const collection = this.#known(target.collection);
    const now = storedDate(context.clock.now());
    let updated: RecordData | undefined;
    await context.transaction(async () => {
      const original = await this.get(context, collection.name, target.id);
      const dates = autodates(collection, now, "onUpdate");
      const record = { ...original, ...changes, ...dates, id: original.id };
      const event: RecordEvent = { context, collection, record, original };
      await this.#write("update", event, () => updateRow(context.tx, collection, event.record));
      updated = await this.get(context, collection.name, target.id);
    });
    assert(updated, "an update that resolved wrote its record");
    return updated;
  }

  /** Error: 404 `not_found`. */
  async delete(context: Context, name: string, id: string): Promise<void> {
    const collection = this.#known(name);
    await context.transaction(async () => {
      const original = await this.get(context, name, id);
      const event: RecordEvent = { context, collection, record: original, original };
      await this.#write("delete", event, () => deleteRow(context.tx, collection, id));
    });
  }

  async #write(
    action: "create" | "update" | "delete",
    event: RecordEvent,
    write: () => Promise<void>,
  ): Promise<void> {
    const point = `record.${action}:${event.collection.name}`;
    try {
      await event.context.transaction(() => event.context.hooks.run(point, event, write));
    } catch (error) {
      throw uniqueViolation(error) ?? error;
    }
  }

  #known(nameOrId: string): Collection {
    const collection = this.collection(nameOrId);
    assert(collection, `no collection ${nameOrId}`);
    return collection;
  }
}

function autodates(collection: Collection, now: string, when: "onCreate" | "onUpdate"): Values {
  const dates = collection.fields.filter((field) => field.type === "autodate" && field[when]);
  return Object.fromEntries(dates.map((field) => [field.name, now]));
}

/** A broken unique index as field errors; undefined for any other failure. */
function uniqueViolation(error: unknown) {
  const broken = brokenConstraint(error);
  if (broken?.kind !== "unique") return undefined;
  const entry = { code: "validation_not_unique", message: "Value must be unique." };
  return fail.invalid("not_unique", "The submitted data is not valid.", {
    data: Object.fromEntries(broken.columns.map((name) => [name.split(".")[1], entry])),
  });
}
