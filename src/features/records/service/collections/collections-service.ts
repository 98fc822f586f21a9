/** The collections API: the schema itself, for superusers. */

import { LIMITS } from "../../../../base/limits.ts";
import type { Context } from "../../../../core/context.ts";
import type { FeatureHost } from "../../../../core/registry.ts";
import { RecordFields } from "../../../../tools/fields/record-fields.ts";
import type { RecordsService } from "../../service.ts";
import { findStored } from "../../store/collections.ts";
import { sampleRows } from "../../store/views.ts";
import type { ListParameters } from "../list-parameters.ts";
import { type Claims, claimsOf } from "./claims.ts";
import { newDraft, withDefaults } from "./defaults.ts";
import { type Draft, mergeBody, publicCollection, toDraft } from "./draft.ts";
import { fault, refused } from "./faults.ts";
import { importCollections, readCollections } from "./import.ts";
import { renameIndexColumn } from "./index-text.ts";
import { type CollectionList, Listing } from "./listing.ts";
import { type ProviderName, providerNames } from "./providers.ts";
import { type Json, own, readFlag, readText } from "./reading.ts";
import { refusedChange } from "./refusals.ts";
import { assertFound, SchemaChange } from "./schema-change.ts";
import { type ReadView, readView } from "./view-reading.ts";

const SCAFFOLD_ID_CHARS = 10;

export class CollectionsService {
  readonly #host: FeatureHost;
  readonly #records: RecordsService;
  readonly #claims: Claims;
  readonly #listing = new Listing();

  constructor(host: FeatureHost, records: RecordsService) {
    this.#host = host;
    this.#records = records;
    this.#claims = claimsOf(host.features);
  }

  /** Errors: 400 `invalid_filter`, `invalid_page`. */
  list(context: Context, parameters: ListParameters): Promise<CollectionList> {
    return this.#listing.list(context, parameters);
  }

  /** Error: 404. */
  async view(context: Context, nameOrId: string): Promise<Json> {
    return publicCollection(toDraft(assertFound(await findStored(context.db, nameOrId))));
  }

  /** Errors: 400 `invalid_body`, or with the faults by key. */
  async create(context: Context, body: Json): Promise<Json> {
    const made = newDraft(
      { id: "", name: readText(own(body, "name"), ""), type: readText(own(body, "type"), "") },
      (length) => context.ids.secret(length),
    );
    const merged = mergeBody(made, body);
    return this.#change(context, async (change) => {
      const draft = withDefaults({ ...merged, id: merged.id === "" ? made.id : merged.id });
      const free = draft.id === made.id ? withFreeId(draft, change) : draft;
      return publicCollection(toDraft(await change.save(free, { original: undefined })));
    });
  }

  /** Errors: 404, 400 `invalid_body`, or with the faults by key. */
  async update(context: Context, nameOrId: string, body: Json): Promise<Json> {
    return this.#change(context, async (change) => {
      const original = assertFound(change.find(nameOrId));
      const stored = toDraft(original);
      const merged = mergeBody(stored, body);
      if (merged.id !== stored.id) throw refusedChange("The id of a collection stays as it is.");
      const followed = own(body, "indexes") === undefined ? withRenames(merged, stored) : merged;
      const saved = await change.save(withDefaults(followed), { original });
      this.#endSessions(context, stored, toDraft(saved));
      if (saved.name !== stored.name) {
        await this.#records.settings.renameCollection(context, stored.name, saved.name);
      }
      return publicCollection(toDraft(saved));
    });
  }

  /** Errors: 404, 400 for one of the system or of a feature, or that others need. */
  async delete(context: Context, nameOrId: string): Promise<void> {
    await this.#change(context, async (change) => {
      const stored = assertFound(change.find(nameOrId));
      await change.remove(stored, true);
      this.#endSessions(context, toDraft(stored), undefined);
    });
  }

  /**
   * Deletes all records one by one, with what hangs on them. Errors: 404, 400 for a view, 400
   * `required_by_relation`, in which case all of them stay.
   */
  async truncate(context: Context, nameOrId: string): Promise<void> {
    const { id, type } = assertFound(this.#records.collection(nameOrId));
    if (type === "view") throw refusedChange("A view has no records of its own.");
    const removeAll = async () => {
      for (;;) {
        const rows = await this.#records.list(context, id, { limit: LIMITS.truncateRows });
        if (rows.length === 0) return;
        for (const row of rows) {
          // One that was deleted before it may have taken it along.
          if (await this.#records.find(context, id, row.id)) {
            await this.#records.delete(context, id, row.id);
          }
        }
        // Other requests are read and answered between two batches; writes wait.
        await turn();
      }
    };
    await context.transaction(removeAll, { exclusive: true });
  }

  /** Errors: 400 with the one fault `collections`. */
  async import(context: Context, body: Json): Promise<void> {
    const given = readCollections(own(body, "collections"));
    const deleteMissing = readFlag(own(body, "deleteMissing"), false);
    const secret = (length: number) => context.ids.secret(length);
    await this.#change(context, async (change) => {
      const before = change.collections;
      await importCollections(change, given, { deleteMissing, secret });
      for (const stored of before) {
        const now = change.collections.find(({ id }) => id === stored.id);
        this.#endSessions(context, toDraft(stored), now && toDraft(now));
      }
    });
  }

  /** New collections of each type, as a form starts with them. */
  scaffolds(context: Context): Readonly<Record<string, Json>> {
    // Names of indexes are unique, so they come with a part of chance.
    const id = context.ids.secret(SCAFFOLD_ID_CHARS).toLowerCase();
    const scaffold = (type: string) =>
      publicCollection({ ...newDraft({ id, name: "", type }, () => ""), id: "" });
    return { auth: scaffold("auth"), base: scaffold("base"), view: scaffold("view") };
  }

  providers(): ProviderName[] {
    return providerNames();
  }

  /** Some rows of a query that may become a view. Error: 400 with the fault of `query`. */
  async dryRunView(context: Context, body: Json): Promise<Json[]> {
    const query = readText(own(body, "query"), "");
    if (query === "") throw refused({ query: fault("validation_required") });
    const read = await this.#tryView(context, query);
    const { statement } = read;
    const reason = statement?.includes(";") ? "a semicolon needs char(59)" : read.fault;
    if (statement === undefined || reason !== undefined) {
      throw refused({ query: fault("validation_invalid_view_query", { reason }) });
    }
    const limits = { limitMs: LIMITS.queryMs, rows: LIMITS.viewSampleRows };
    const rows = await sampleRows(context.db, statement, limits);
    const fields = new RecordFields(read.fields);
    return rows.map((row) => fields.publish(fields.decode(row), () => true));
  }

  /** The view that it takes to read the query is gone again before anybody sees it. */
  #tryView(context: Context, query: string): Promise<ReadView> {
    const collections = this.#records.collections;
    const options = { collections, stored: [], copyId: () => "", replaced: undefined };
    return context.transaction(() => readView(context.tx, query, options), { exclusive: true });
  }

  /** One change of the schema; requests see all of it at once, after its commit. */
  async #change<T>(context: Context, work: (change: SchemaChange) => Promise<T>): Promise<T> {
    // Writes that the change before sent back stand in the queue again by then, and go first:
    // otherwise one change after another could keep them from ever getting through.
    await turn();
    await turn();
    return context.transaction(
      async () => {
        const change = await SchemaChange.begin(context, this.#claims);
        const before = change.collections;
        const result = await work(change);
        const left = new Set(change.collections.map(({ id }) => id));
        const gone = before.filter(({ id }) => !left.has(id));
        for (const { id } of gone) this.#records.files.collectionDeleted(context, id);
        context.afterCommit(() => this.#records.adopt(change.collections));
        return result;
      },
      { exclusive: true },
    );
  }

  /** Tokens that do not count any more, or accounts whose collection has another name. */
  #endSessions(context: Context, stored: Draft, now: Draft | undefined): void {
    if (stored.type !== "auth") return;
    const secret = now?.auth.authToken.secret;
    if (secret === stored.auth.authToken.secret && now?.name === stored.name) return;
    context.afterCommit(() => this.#host.hub.revokeCollection(stored.name));
  }
}

/** The id made from type and name may belong to another collection, which has been renamed. */
function withFreeId(draft: Draft, change: SchemaChange): Draft {
  const taken = new Set(change.collections.map(({ id }) => id));
  let id = draft.id;
  for (let number = 2; taken.has(id); number++) id = `${draft.id}${number}`;
  const indexes = draft.indexes.map((text) => text.replaceAll(draft.id, id));
  return { ...draft, id, indexes };
}

/** Indexes follow fields that got another name. */
function withRenames(draft: Draft, stored: Draft): Draft {
  const renamed = stored.fields.flatMap((field) => {
    const now = draft.fields.find(({ id }) => id === field.id);
    return now && !field.system && now.name !== field.name && /^\w+$/.test(now.name)
      ? [{ from: field.name, to: now.name }]
      : [];
  });
  const passing = (place: number) => `_renamed_${place}_`;
  // By way of names of their own, so that two can change places.
  const follow = (text: string) => {
    const half = renamed.reduce(
      (out, { from }, at) => renameIndexColumn(out, from, passing(at)),
      text,
    );
    return renamed.reduce((out, { to }, at) => renameIndexColumn(out, passing(at), to), half);
  };
  return { ...draft, indexes: draft.indexes.map(follow) };
}

/** The event loop does what waits, then goes on here. */
function turn(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}
