/**
 * Records by collection, for features and for the pipeline behind the records API. Every write runs
 * the hook rings of its collection, inside the transaction, so that a feature's invariants hold
 * whoever writes. No rules are asked here and nothing is validated: that is the caller's.
 */

import { assert, fail } from "../../base/errors.ts";
import type { Context } from "../../core/context.ts";
import type { Hub } from "../../core/hub.ts";
import type { Reader, SqlRow } from "../../infra/db/database.ts";
import { brokenConstraint } from "../../infra/db/errors.ts";
import { isMultiple } from "../../tools/fields/field.ts";
import type { Collection } from "./schema.ts";
import { type Model, Models, type Reference } from "./service/models.ts";
import {
  countRows,
  decodeRow,
  deleteRow,
  findRow,
  insertRow,
  type ListOptions,
  listRows,
  type RecordData,
  referringRows,
  updateRow,
  type Where,
} from "./store/rows.ts";
import { loadCollections, storedDate } from "./store.ts";

/** What the write rings of a collection see: `record.create:rooms`, `.update:`, `.delete:`. */
export interface RecordEvent {
  readonly context: Context;
  readonly collection: Collection;
  /** The values about to be written; hooks may change them. */
  record: RecordData;
  /** Names of the fields that the writer spoke of: an absent one has its zero value in `record`. */
  readonly given: ReadonlySet<string>;
  /** The stored values before an update or delete. */
  readonly original: RecordData | undefined;
}

export type Values = Readonly<Record<string, unknown>>;
export interface RecordPlace {
  readonly collection: string;
  readonly id: string;
  readonly given?: readonly string[];
}

const NOTHING_GIVEN: ReadonlySet<string> = new Set();

type Action = "create" | "update" | "delete";

export class RecordsService {
  readonly #hub: Hub;
  #models = new Models([]);

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Reads the collections; done once after the migrations and again after each schema change. */
  async load(reader: Reader): Promise<void> {
    this.#models = new Models(await loadCollections(reader));
  }

  /** The schema as of now; hold on to it for no longer than one operation. */
  get models(): Models {
    return this.#models;
  }

  get collections(): readonly Collection[] {
    return this.#models.all.map(({ collection }) => collection);
  }

  /** By id, or by name in any case. */
  collection(nameOrId: string): Collection | undefined {
    return this.#models.find(nameOrId)?.collection;
  }

  /** A row of the collection's table, from a statement of one's own. */
  decode(collection: string, row: SqlRow): RecordData {
    return decodeRow(this.#known(collection), row);
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

  /**
   * Fills in what is absent: id, dates, generated texts, zero values. `given` names the fields that
   * somebody spoke of, where `values` has been filled already. Error: 400 `not_unique` when a
   * unique index is in the way.
   */
  async create(
    context: Context,
    target: string | { readonly collection: string; readonly given: readonly string[] },
    values: Values,
  ): Promise<RecordData> {
    const { collection, given } =
      typeof target === "string" ? { collection: target, given: Object.keys(values) } : target;
    const model = this.#known(collection);
    const { ids } = context;
    const source = { ordered: () => ids.record(), random: (bound: number) => ids.below(bound) };
    const record = {
      ...model.fields.fill({ ...model.fields.zero(), ...values }, source),
      ...this.#dates(context, model, "onCreate"),
    } as RecordData;
    const event: RecordEvent = {
      context,
      collection: model.collection,
      record,
      given: new Set(given),
      original: undefined,
    };
    return this.#write("create", event, () => insertRow(context.tx, model, event.record));
  }

  /** Errors: 404 `not_found`, 400 `not_unique`. */
  async update(context: Context, target: RecordPlace, changes: Values): Promise<RecordData> {
    const model = this.#known(target.collection);
    return context.transaction(async () => {
      const original = await this.get(context, model.collection.name, target.id);
      const dates = this.#dates(context, model, "onUpdate");
      const record = { ...original, ...changes, ...dates, id: original.id };
      const given = new Set(target.given ?? Object.keys(changes));
      const event = { context, collection: model.collection, record, given, original };
      const stored = await this.#write("update", event, () =>
        updateRow(context.tx, model, event.record),
      );
      // A new key means that none of the account's tokens counts any more.
      if (model.isAuth && stored.tokenKey !== original.tokenKey) this.#revoke(context, event);
      return stored;
    });
  }

  /**
   * Deletes with what hangs on it: relations that name the record lose it, records whose required
   * or cascading relation it was go too. Errors: 404 `not_found`, 400 `required_by_relation`.
   */
  async delete(context: Context, name: string, id: string): Promise<void> {
    const model = this.#known(name);
    await context.transaction(async () => {
      const original = await this.get(context, name, id);
      await this.#deleteRecord(context, model, original);
    });
  }

  async #deleteRecord(context: Context, model: Model, original: RecordData): Promise<void> {
    const { collection } = model;
    const event = { context, collection, record: original, given: NOTHING_GIVEN, original };
    await this.#write("delete", event, async () => {
      await deleteRow(context.tx, model, original.id);
      for (const reference of this.#models.referencesTo(collection.id)) {
        for (const row of await referringRows(context.tx, reference, original.id)) {
          await this.#release(context, reference, { row, gone: original.id });
        }
      }
      return original;
    });
    if (model.isAuth) this.#revoke(context, event);
  }

  /** Takes a deleted record's id out of a relation, and the row with it where it must go too. */
  async #release(
    context: Context,
    { model, field }: Reference,
    { row, gone }: { readonly row: RecordData; readonly gone: string },
  ): Promise<void> {
    const value = row[field.name];
    const left = Array.isArray(value) ? value.filter((id) => id !== gone) : [];
    if (left.length === 0 && field.cascadeDelete === true) {
      return this.#deleteRecord(context, model, row);
    }
    if (left.length === 0 && field.required === true) {
      const message = "The record is part of a required relation of another one.";
      throw fail.invalid("required_by_relation", message);
    }
    const changed = { [field.name]: isMultiple(field) ? left : "" };
    await this.update(context, { collection: model.collection.id, id: row.id }, changed);
  }

  /** Connections end after the commit: what is undone revokes nothing. */
  #revoke(context: Context, { collection, record }: RecordEvent): void {
    context.afterCommit(() => this.#hub.revoke({ collection: collection.name, id: record.id }));
  }

  async #write(
    action: Action,
    event: RecordEvent,
    write: () => Promise<RecordData>,
  ): Promise<RecordData> {
    const point = `record.${action}:${event.collection.name}`;
    const { context } = event;
    let written: RecordData | undefined;
    try {
      await context.transaction(() =>
        context.hooks.run(point, event, async () => {
          written = await write();
        }),
      );
    } catch (error) {
      throw uniqueViolation(error) ?? error;
    }
    assert(written, `a ring of ${point} left the write out without refusing it`);
    return written;
  }

  #dates(context: Context, { collection }: Model, when: "onCreate" | "onUpdate"): Values {
    const now = storedDate(context.clock.now());
    const dates = collection.fields.filter((field) => field.type === "autodate" && field[when]);
    return Object.fromEntries(dates.map((field) => [field.name, now]));
  }

  #known(nameOrId: string): Model {
    const model = this.#models.find(nameOrId);
    assert(model, `no collection ${nameOrId}`);
    return model;
  }
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
