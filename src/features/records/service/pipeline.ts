/**
 * The records API: who may by the collection's rules, what may be by its fields, in the order its
 * clients rely on. Create: lock, body, rule on the values to be, form, fields, write. Update: lock,
 * stored row, body, rule on the stored values, form, fields, write.
 */

import { fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import type { SqlRow } from "../../../infra/db/database.ts";
import { recordBodyBytesMax } from "../../../tools/fields/field.ts";
import {
  type BodyTarget,
  bodyForRules,
  type ResolvedBody,
  resolveBody,
} from "../../../tools/fields/modifiers.ts";
import { NewPassword } from "../../../tools/fields/password-kind.ts";
import { withUploads } from "../../../tools/fields/read-upload.ts";
import { own } from "../../../tools/fields/record-fields.ts";
import type { SentFiles } from "../../../tools/fields/upload.ts";
import type { RecordsService, Values } from "../service.ts";
import { decodeRow, type RecordData } from "../store/rows.ts";
import { requestInfo, seesAll } from "./caller.ts";
import { presentAllExpanded, presentExpanded } from "./expand.ts";
import type { Query } from "./filters.ts";
import { type ListParameters, readPage } from "./list-parameters.ts";
import type { Model, Models } from "./models.ts";
import type { PublicRecord } from "./present.ts";
import type { RequestContext } from "./request.ts";
import { runStatement, unlessInvalid } from "./statements.ts";
import { Totals } from "./totals.ts";
import { Validation } from "./validation.ts";

export interface RecordTarget {
  readonly collection: string;
  readonly id: string;
}

export interface RecordList {
  readonly items: readonly PublicRecord[];
  readonly page: number;
  readonly perPage: number;
  /** -1 when the client skipped counting. */
  readonly totalItems: number;
  readonly totalPages: number;
}

export interface AnswerOptions {
  readonly expand?: string | undefined;
  /** What rules see as `@request.context`. */
  readonly context?: RequestContext;
}

export interface WriteOptions extends AnswerOptions {
  readonly body: Body;
  /** Files of the form that the body is from. */
  readonly files?: SentFiles | undefined;
}

type Body = Readonly<Record<string, unknown>>;
type RuleName = "listRule" | "viewRule" | "createRule" | "updateRule" | "deleteRule";

export class RecordPipeline {
  readonly #records: RecordsService;
  readonly #totals = new Totals();
  readonly #validation: Validation;

  constructor(records: RecordsService) {
    this.#records = records;
    this.#validation = new Validation(records);
  }

  /**
   * One of the calls below, again when the schema changed under it. A call with files is not
   * repeated: they are given away when they are stored.
   */
  steady<T>(context: Context, call: () => Promise<T>): Promise<T> {
    const hasFiles = (context.request?.files?.size ?? 0) > 0;
    return hasFiles ? call() : this.#records.steady(call);
  }

  /** The largest body that a record may come in. Error: 404 collection. */
  bodyBytesMax(nameOrId: string): number {
    return recordBodyBytesMax(this.#model(this.#records.models, nameOrId).collection.fields);
  }

  /** Errors: 404 collection, 403 locked, 400 filter, sort or page, 503 `query_too_slow`. */
  async list(context: Context, nameOrId: string, parameters: ListParameters): Promise<RecordList> {
    const models = this.#records.models;
    const model = this.#model(models, nameOrId);
    assertUnlocked(context, model, "listRule");
    const { page, perPage, skipTotal } = readPage(parameters);
    const query = this.#query(context, models, {
      model,
      rule: "listRule",
      filter: parameters.filter ?? "",
      sort: parameters.sort ?? "",
    });
    const total = skipTotal ? -1 : await this.#totals.of(context, query);
    const offset = (page - 1) * perPage;
    const nothing = total >= 0 && offset >= total;
    const rows = nothing
      ? []
      : await runStatement<SqlRow>(context, query.rows({ limit: perPage, offset }));
    const records = rows.map((row) => decodeRow(model, row));
    const expand = parameters.expand ?? "";
    return {
      items: await presentAllExpanded(context, models, { model, records, expand }),
      page,
      perPage,
      totalItems: total,
      totalPages: total < 0 ? -1 : Math.ceil(total / perPage),
    };
  }

  /** Errors: 404 collection, record, or rule unmet; 403 locked. */
  async view(
    context: Context,
    target: RecordTarget,
    options: AnswerOptions = {},
  ): Promise<PublicRecord> {
    const models = this.#records.models;
    const model = this.#model(models, target.collection);
    assertUnlocked(context, model, "viewRule");
    const record = await this.#allowed(context, models, { model, id: target.id, rule: "viewRule" });
    return this.#answer(context, model, { record, options });
  }

  /** Errors: 404 collection, 403 locked, 400 rule unmet (no details) or invalid values. */
  async create(
    context: Context,
    nameOrId: string,
    { body: sent, files, ...options }: WriteOptions,
  ): Promise<PublicRecord> {
    const models = this.#records.models;
    const model = this.#writable(models, nameOrId);
    assertUnlocked(context, model, "createRule");
    const body = bodyWithFiles(context, model, { body: sent, files });
    const resolved = this.#resolve(context, model, { body });
    const values = model.fields.fill(resolved.values, context.ids);
    const passes = async (rule: string) => {
      const request = requestInfo(context, models, {
        ...(options.context ? { context: options.context } : {}),
        body: bodyForRules(model.fields, resolved),
      });
      const virtual = columnsOf(model, model.isAuth ? { ...values, verified: false } : values);
      const asked = unlessInvalid(() =>
        this.#ruleQuery(context, models, { model, rule, request }).accepts(virtual),
      );
      return asked !== undefined && (await runStatement(context, asked)).length > 0;
    };
    const rule = model.collection.createRule ?? "";
    if (!seesAll(context) && rule !== "" && !(await passes(rule))) throw createRefused();
    const settled = isSuperusers(model) ? { ...values, verified: true } : values;
    const ready = await this.#validation.ready(context, models, {
      model,
      body,
      resolved,
      values: settled,
      stored: undefined,
      passes,
    });
    const place = {
      collection: model.collection.id,
      given: Object.keys(resolved.values),
      checkedBy: model.collection,
    };
    const record = await this.#records.create(context, place, ready);
    return this.#answer(context, model, { record, options });
  }

  /** Errors: 404 collection, record, or rule unmet; 403 locked; 400 invalid values. */
  async update(
    context: Context,
    target: RecordTarget,
    { body: sent, files, ...options }: WriteOptions,
  ): Promise<PublicRecord> {
    const models = this.#records.models;
    const model = this.#writable(models, target.collection);
    assertUnlocked(context, model, "updateRule");
    const stored = await this.#records.get(context, model.collection.id, target.id);
    const body = bodyWithFiles(context, model, { body: sent, files });
    const resolved = this.#resolve(context, model, { body, stored });
    const request = requestInfo(context, models, {
      context: options.context ?? "default",
      body: bodyForRules(model.fields, resolved),
    });
    const passes = async (rule: string) => {
      const asked = unlessInvalid(() =>
        this.#ruleQuery(context, models, { model, rule, request }).row(target.id),
      );
      return asked !== undefined && (await runStatement(context, asked)).length > 0;
    };
    const rule = model.collection.updateRule ?? "";
    if (!seesAll(context) && rule !== "" && !(await passes(rule))) throw recordMissing();
    const changes = await this.#validation.ready(context, models, {
      model,
      body,
      resolved,
      values: { ...stored, ...resolved.values },
      stored,
      passes,
    });
    const place = {
      collection: model.collection.id,
      id: stored.id,
      given: Object.keys(resolved.values),
      checkedBy: model.collection,
    };
    const record = await this.#records.update(context, place, changes);
    return this.#answer(context, model, { record, options });
  }

  /** Errors: 404 collection, record, or rule unmet; 403 locked; 400 in a required relation. */
  async delete(context: Context, target: RecordTarget): Promise<void> {
    const models = this.#records.models;
    const model = this.#writable(models, target.collection);
    assertUnlocked(context, model, "deleteRule");
    await this.#allowed(context, models, { model, id: target.id, rule: "deleteRule" });
    await this.#records.delete(context, model.collection.id, target.id);
  }

  #answer(
    context: Context,
    model: Model,
    { record, options }: { readonly record: RecordData; readonly options: AnswerOptions },
  ): Promise<PublicRecord> {
    const { expand = "" } = options;
    return presentExpanded(context, this.#records.models, { model, record, expand });
  }

  #model(models: Models, nameOrId: string): Model {
    const model = models.find(nameOrId);
    if (!model) throw recordMissing();
    return model;
  }

  #writable(models: Models, nameOrId: string): Model {
    const model = this.#model(models, nameOrId);
    if (model.collection.type === "view") {
      throw fail.invalid("view_is_read_only", "Records of a view cannot be written.");
    }
    return model;
  }

  #query(
    context: Context,
    models: Models,
    options: {
      readonly model: Model;
      readonly rule: RuleName;
      readonly filter?: string;
      readonly sort?: string;
    },
  ): Query {
    const { collection } = options.model;
    const privileged = seesAll(context);
    return models.filters.query({
      collection,
      ...(privileged ? {} : { rule: collection[options.rule] ?? "" }),
      filter: options.filter ?? "",
      sort: options.sort ?? "",
      privileged,
      request: requestInfo(context, models),
      now: context.clock.now(),
    });
  }

  #ruleQuery(
    context: Context,
    models: Models,
    options: {
      readonly model: Model;
      readonly rule: string;
      readonly request: ReturnType<typeof requestInfo>;
    },
  ): Query {
    return models.filters.query({
      collection: options.model.collection,
      rule: options.rule,
      privileged: false,
      request: options.request,
      now: context.clock.now(),
    });
  }

  async #allowed(
    context: Context,
    models: Models,
    { model, id, rule }: { readonly model: Model; readonly id: string; readonly rule: RuleName },
  ): Promise<RecordData> {
    const asked = unlessInvalid(() => this.#query(context, models, { model, rule }).row(id));
    const [row] = asked ? await runStatement<SqlRow>(context, asked) : [];
    if (!row) throw recordMissing();
    return decodeRow(model, row);
  }

  #resolve(
    context: Context,
    model: Model,
    { body, stored }: { readonly body: Body; readonly stored?: RecordData },
  ): ResolvedBody {
    const target: BodyTarget = {
      fields: model.fields,
      record: stored,
      random: (bound) => context.ids.below(bound),
      writesHidden: seesAll(context),
      isAuth: model.isAuth,
    };
    return resolveBody(target, body);
  }
}

function bodyWithFiles(
  context: Context,
  { fields }: Model,
  { body, files }: Pick<WriteOptions, "body" | "files">,
): Body {
  if (!files || files.size === 0) return body;
  const { batched } = context.request ?? {};
  return withUploads(fields, { body, files, batched }, (bound) => context.ids.below(bound));
}

/** What the row would store, passwords left out: no rule reads them. */
function columnsOf(model: Model, values: Values): Record<string, string | number | boolean | null> {
  const plain = Object.fromEntries(
    model.collection.fields.map(({ name }) => {
      const value = own(values, name);
      return [name, value instanceof NewPassword ? "" : value];
    }),
  );
  const columns = model.fields.encode(plain);
  return Object.fromEntries(
    model.collection.fields.map(({ name }, index) => [name, columns[index] ?? null]),
  );
}

function isSuperusers(model: Model): boolean {
  return model.isAuth && model.collection.name === "_superusers";
}

function assertUnlocked(context: Context, { collection }: Model, rule: RuleName): void {
  if (collection[rule] !== null || seesAll(context)) return;
  throw fail.forbidden("forbidden", "Only superusers can perform this action.");
}

function recordMissing() {
  return fail.not_found("not_found", "The requested resource wasn't found.");
}

function createRefused() {
  return fail.invalid("create_refused", "Failed to create the record.");
}
