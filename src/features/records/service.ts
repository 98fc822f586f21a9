/**
 * Records by collection, for features and for the pipeline behind the records API. Every write runs
 * the hook rings of its collection, inside the transaction, so that a feature's invariants hold
 * whoever writes. No rules are asked here and nothing is validated: that is the caller's.
 */

import { AppError, assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Context } from "../../core/context.ts";
import type { Hub } from "../../core/hub.ts";
import type { Reader, SqlRow } from "../../infra/db/database.ts";
import { brokenConstraint, sqliteCode } from "../../infra/db/errors.ts";
import type { Field } from "../../tools/fields/field.ts";
import { hashPasswords } from "../../tools/fields/password-kind.ts";
import { put } from "../../tools/fields/record-fields.ts";
import type { Collection } from "./schema.ts";
import { type CascadeActions, deleteRecords } from "./service/cascade.ts";
import type { Scheduler } from "./service/crons/scheduler.ts";
import type { RecordFiles } from "./service/files/record-files.ts";
import { type Action, type Model, Models } from "./service/models.ts";
import type { Passwords } from "./service/passwords.ts";
import type { RateRules } from "./service/rate-limits/rate-rules.ts";
import type { Realtime } from "./service/realtime/realtime.ts";
import type { SettingsBook } from "./service/settings/book.ts";
import {
  countRows,
  decodeRow,
  deleteRows,
  findRow,
  findRowById,
  insertRow,
  type ListOptions,
  listRows,
  type RecordData,
  updateRow,
  type Where,
} from "./store/rows.ts";
import { loadCollections, storedDate } from "./store.ts";

/**
 * What the write rings of a collection see: `record.create:rooms`, `.update:`, `.delete:`; around
 * them stand those of its type, `record.create@auth`.
 */
export interface RecordEvent {
  readonly context: Context;
  readonly collection: Collection;
  /** The values about to be written; hooks may change them. */
  record: RecordData;
  /** Names of the fields that the writer spoke of: an absent one has its zero value in `record`. */
  readonly given: readonly string[];
  /** The stored values before an update or delete. */
  readonly original: RecordData | undefined;
}

export type Values = Readonly<Record<string, unknown>>;
export interface RecordPlace {
  readonly collection: string;
  readonly id: string;
  readonly given?: readonly string[];
  /** What the values were checked by, if they were. */
  readonly checkedBy?: Collection;
}

export type CreatePlace = Omit<RecordPlace, "id"> & { readonly given: readonly string[] };

const NOTHING_GIVEN: readonly string[] = [];

interface Change {
  readonly original: RecordData;
  readonly changes: Values;
  readonly given: readonly string[] | undefined;
}

export class RecordsService {
  /** The platform's settings; read `current` at the time of use. */
  readonly settings: SettingsBook;
  /** Where features register what runs by the clock. */
  readonly scheduler: Scheduler;
  /** The settings' rate limits, for who takes requests that are not seen as such. */
  readonly rateRules: RateRules;
  /** Stored and removed with the records that name them. */
  readonly files: RecordFiles;
  /** Told of every write, whoever makes it. */
  readonly realtime: Realtime;
  readonly passwords: Passwords;
  readonly #hub: Hub;
  #models = new Models([]);

  constructor(
    hub: Hub,
    parts: Pick<
      RecordsService,
      "files" | "passwords" | "rateRules" | "settings" | "scheduler" | "realtime"
    >,
  ) {
    this.#hub = hub;
    this.files = parts.files;
    this.passwords = parts.passwords;
    this.settings = parts.settings;
    this.scheduler = parts.scheduler;
    this.rateRules = parts.rateRules;
    this.realtime = parts.realtime;
  }

  /** Reads the collections; done once after the migrations and again after each schema change. */
  async load(reader: Reader): Promise<void> {
    this.#models = new Models(await loadCollections(reader));
  }

  /** The values, or some of them, with every new password replaced by its hash. */
  hashed(fields: readonly Field[], values: Values): Promise<Values> {
    return hashPasswords(fields, values, (plain, cost) => this.passwords.hash(plain, cost));
  }

  /** Takes the schema of a change that was just committed. */
  adopt(collections: readonly Collection[]): void {
    this.#models = new Models(collections, this.#models);
  }

  /**
   * Does something again that failed because the schema changed under it: a call that was asked
   * with one schema must not write with another. `work` leaves nothing behind when it fails.
   */
  async steady<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const models = this.#models;
      try {
        return await work();
      } catch (error) {
        const again = models !== this.#models && isOfOtherSchema(error);
        if (!again || attempt === LIMITS.schemaAttemptsMax) throw error;
      }
    }
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
    const model = this.#known(collection);
    return typeof where === "string"
      ? findRowById(context.db, model, where)
      : findRow(context.db, model, where);
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
  create(context: Context, target: string | CreatePlace, values: Values): Promise<RecordData> {
    if (typeof target !== "string") return this.#create(context, target, values);
    const place = { collection: target, given: Object.keys(values) };
    return this.steady(() => this.#create(context, place, values));
  }

  async #create(context: Context, place: CreatePlace, values: Values): Promise<RecordData> {
    const { collection, given, checkedBy } = place;
    const model = this.#known(collection, checkedBy);
    // Who had the values checked has filled in what they lack.
    const filled = checkedBy ? values : model.fields.fill(values, context.ids);
    const record = { ...filled, ...now(context, model.dates.onCreate) } as RecordData;
    const event = { context, collection: model.collection, record, given, original: undefined };
    return this.files.keep(context, { model, id: record.id, values: record }, () =>
      context.transaction(() =>
        this.#write("create", event, () => insertRow(context.tx, model, event.record)),
      ),
    );
  }

  /** Errors: 404 `not_found`, 400 `not_unique`. */
  async update(context: Context, target: RecordPlace, changes: Values): Promise<RecordData> {
    const model = this.#known(target.collection, target.checkedBy);
    const uploads = { model, id: target.id, values: changes };
    return this.files.keep(context, uploads, () => this.#update(context, target, changes));
  }

  async #update(context: Context, target: RecordPlace, changes: Values): Promise<RecordData> {
    return context.transaction(async () => {
      const model = this.#known(target.collection, target.checkedBy);
      const original = await this.get(context, model.collection.name, target.id);
      return this.#change(context, model, { original, changes, given: target.given });
    });
  }

  async #change(
    context: Context,
    model: Model,
    { original, changes, given: named }: Change,
  ): Promise<RecordData> {
    const dates = now(context, model.dates.onUpdate);
    const record = { ...original, ...changes, ...dates, id: original.id };
    const given = named ?? Object.keys(changes);
    const event = { context, collection: model.collection, record, given, original };
    const stored = await this.#write("update", event, () =>
      updateRow(context.tx, model, { record: event.record, original }),
    );
    // A new key means that none of the account's tokens counts any more.
    if (model.isAuth && stored.tokenKey !== original.tokenKey) {
      this.#revoke(context, model.collection, stored.id);
    }
    this.files.replaced(context, { model, id: stored.id, values: stored }, original);
    return stored;
  }

  /**
   * Deletes with what hangs on it: relations that name the record lose it, records whose required
   * or cascading relation it was go too. Errors: 404 `not_found`, 400 `required_by_relation`.
   */
  async delete(context: Context, name: string, id: string): Promise<void> {
    await context.transaction(async () => {
      const model = this.#known(name);
      const original = await this.get(context, name, id);
      await deleteRecords(this.#cascade(context), model, [original]);
    });
  }

  #cascade(context: Context): CascadeActions {
    return {
      tx: context.tx,
      models: this.#models,
      isWatched: ({ collection: { name, type } }) =>
        context.hooks.has(`record.delete:${name}`) || context.hooks.has(`record.delete@${type}`),
      deleteOne: (model, record, rest) => this.#deleteOne(context, model, { record, rest }),
      deleteSet: (model, records) => this.#deleteSet(context, model, records),
      change: async (model, original, changes) => {
        await this.#change(context, model, { original, changes, given: undefined });
      },
    };
  }

  async #deleteOne(
    context: Context,
    model: Model,
    { record, rest }: { readonly record: RecordData; readonly rest: () => Promise<void> },
  ): Promise<void> {
    const { collection } = model;
    const event = { context, collection, record, given: NOTHING_GIVEN, original: record };
    await this.#write("delete", event, async () => {
      await this.#removeRows(context, model, [record]);
      await rest();
      return record;
    });
    this.#forget(context, model, record);
  }

  async #deleteSet(context: Context, model: Model, records: readonly RecordData[]): Promise<void> {
    await this.#removeRows(context, model, records);
    for (const record of records) this.#forget(context, model, record);
  }

  async #removeRows(context: Context, model: Model, records: readonly RecordData[]): Promise<void> {
    for (const record of records) {
      if (!this.realtime.wants(model.collection, record.id)) continue;
      const farewell = await this.realtime.aboutToDelete(model.collection, record);
      if (farewell) context.afterCommit(farewell);
    }
    await deleteRows(
      context.tx,
      model,
      records.map(({ id }) => id),
    );
  }

  #forget(context: Context, model: Model, { id }: RecordData): void {
    if (model.isAuth) this.#revoke(context, model.collection, id);
    this.files.deleted(context, model, id);
  }

  /** Connections end after the commit: what is undone revokes nothing. */
  #revoke(context: Context, { name }: Collection, id: string): void {
    context.afterCommit(() => this.#hub.revoke({ collection: name, id }));
  }

  /** In the open transaction: whoever opened it undoes all of a write that fails. */
  async #write(
    action: Action,
    event: RecordEvent,
    write: () => Promise<RecordData>,
  ): Promise<RecordData> {
    const { context } = event;
    const model = this.#known(event.collection.id, event.collection);
    const { ofType, ofName } = model.rings[action];
    let written: RecordData | undefined;
    try {
      await context.hooks.run(ofType, event, () =>
        context.hooks.run(ofName, event, async () => {
          // Uploads that hooks put into it; those of the caller are stored already.
          const { record } = event;
          written = await this.files.keep(context, { model, id: record.id, values: record }, write);
          if (action !== "delete") this.#tell(action, event, written);
        }),
      );
    } catch (error) {
      throw uniqueViolation(error) ?? error;
    }
    assert(written, `a ring of ${ofName} left the write out without refusing it`);
    return written;
  }

  /** Deletions are told of otherwise: what may be seen of them is asked before they run. */
  #tell(action: "create" | "update", event: RecordEvent, record: RecordData): void {
    const { context, collection } = event;
    if (!this.realtime.wants(collection, record.id)) return;
    const change = { action, collectionId: collection.id, record };
    context.afterCommit(() => this.realtime.changed(change));
  }

  /** `checkedBy`: the schema that the caller's values were checked by must still be in force. */
  #known(nameOrId: string, checkedBy?: Collection): Model {
    const model = this.#models.find(nameOrId);
    if (checkedBy && model?.collection !== checkedBy) throw schemaChanged();
    assert(model, `no collection ${nameOrId}`);
    return model;
  }
}

/** This moment as the value of each of these fields. */
function now({ clock }: Context, names: readonly string[]): Values {
  const values: Record<string, unknown> = {};
  if (names.length === 0) return values;
  const date = storedDate(clock.now());
  for (const name of names) put(values, name, date);
  return values;
}

function schemaChanged() {
  const message = "The collection is being changed. Try again in a moment.";
  return fail.unavailable("schema_changed", message, { retryAfter: 1 });
}

/** Also what the engine says of a table or column that is not there any more. */
function isOfOtherSchema(error: unknown): boolean {
  const isOurs = error instanceof AppError && error.code === "schema_changed";
  return isOurs || sqliteCode(error) === "SQLITE_ERROR";
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
