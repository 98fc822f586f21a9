/**
 * One changed record as its listeners may see it. Rules and filters are asked once for each
 * statement they come to with the caller's values in it; what passes is encoded once for each view.
 */

import type { Clock } from "../../../../base/clock.ts";
import { AppError } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import { isPrivileged } from "../../../../core/access.ts";
import type { Context, RequestFacts } from "../../../../core/context.ts";
import type { FeatureHost } from "../../../../core/registry.ts";
import { EncodedJson } from "../../../../core/session.ts";
import type { SqlRow } from "../../../../infra/db/database.ts";
import { type FieldPick, parseFields, pickFields } from "../../../../tools/pick-fields.ts";
import { decodeRow, type RecordData } from "../../store/rows.ts";
import { requestInfo } from "../caller.ts";
import { presentExpanded } from "../expand.ts";
import type { Statement } from "../filters.ts";
import type { Model, Models } from "../models.ts";
import { type Asked, accountKey, type Group } from "./subscribers.ts";
import type { Topic } from "./topic.ts";

export interface Change {
  readonly action: "create" | "update" | "delete";
  readonly collectionId: string;
  /** As stored by the write, or before the deletion. */
  readonly record: RecordData;
}

export interface EvaluationParts {
  readonly host: Pick<FeatureHost, "clock" | "context" | "log">;
  readonly models: Models;
  readonly model: Model;
  readonly change: Change;
  /** Milliseconds for the filters of all clients together. */
  readonly filtersMs?: number;
}

export class Evaluation {
  readonly #parts: EvaluationParts;
  readonly #clock: Clock;
  /** One moment for all of them, so that `@now` does not tell statements apart. */
  readonly #now: number;
  /** By statement, then by its values: the texts of statements are long and few. */
  readonly #rows = new Map<string, Map<string, RecordData | undefined>>();
  readonly #equal = new Map<string, RecordData>();
  readonly #views = new Map<RecordData, Map<string, EncodedJson>>();
  #checks = 0;
  #filtersMs: number;

  constructor(parts: EvaluationParts) {
    this.#parts = parts;
    this.#clock = parts.host.clock;
    this.#now = this.#clock.now();
    this.#filtersMs = parts.filtersMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * What the group gets to hear; undefined for nothing. `rule` null is for superusers only. With a
   * filter that cannot be applied, or not in time, it hears nothing, and no word of why.
   */
  async of(group: Group, rule: string | null): Promise<EncodedJson | undefined> {
    const privileged = isPrivileged(group.caller);
    if (rule === null && !privileged) return undefined;
    try {
      const record = await this.#allowed(group, privileged ? "" : (rule ?? ""));
      return record && (await this.#view(record, group));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#parts.host.log.debug("a realtime subscription does not fit", { code: error.code });
      return undefined;
    }
  }

  /** Reads what is committed: also beside a transaction that is about to delete the record. */
  #asked(group: Group): Asked {
    const { models, host } = this.#parts;
    const { caller, asked, topic } = group;
    if (asked?.caller === caller && asked.models === models) return asked;
    const context = host.context({ caller, request: requestFacts(topic) });
    const request = requestInfo(context, models, { context: "realtime" });
    group.asked = { caller, models, context, request };
    return group.asked;
  }

  /** The record where the caller may see it, with the values that the rule was asked about. */
  async #allowed(group: Group, rule: string): Promise<RecordData | undefined> {
    const { models, model, change } = this.#parts;
    const filter = group.topic.query.filter ?? "";
    if (rule === "" && filter === "") return change.record;
    const { context, request } = this.#asked(group);
    const query = models.filters.query({
      collection: model.collection,
      rule,
      filter,
      privileged: isPrivileged(group.caller),
      request,
      now: this.#now,
    });
    const statement = query.row(change.record.id);
    const key = JSON.stringify(statement.values);
    const rows = this.#rows.get(statement.sql) ?? new Map<string, RecordData | undefined>();
    this.#rows.set(statement.sql, rows);
    const known = rows.get(key);
    if (known !== undefined || rows.has(key)) return known;
    const record = await this.#ask(context, statement);
    rows.set(key, record);
    return record;
  }

  async #ask(context: Context, statement: Statement): Promise<RecordData | undefined> {
    if (++this.#checks % LIMITS.realtimeChecksPerTurn === 0) await nextTurn();
    const { sql, values, timed } = statement;
    const [row] = timed
      ? await this.#readTimed(context, statement)
      : await context.db.all<SqlRow>(sql, ...values);
    if (!row) return undefined;
    // Callers asked apart mostly get the same values, and then share what is made of them.
    const text = JSON.stringify(row);
    const record = this.#equal.get(text) ?? decodeRow(this.#parts.model, row);
    this.#equal.set(text, record);
    return record;
  }

  async #readTimed(context: Context, { sql, values }: Statement): Promise<SqlRow[]> {
    if (this.#filtersMs <= 0) return [];
    const started = this.#clock.monotonic();
    try {
      const limitMs = Math.min(LIMITS.realtimeFilterMs, this.#filtersMs);
      return await context.db.readWithin(limitMs, sql, ...values);
    } finally {
      this.#filtersMs -= this.#clock.monotonic() - started;
    }
  }

  async #view(record: RecordData, group: Group): Promise<EncodedJson> {
    const views = this.#views.get(record) ?? new Map<string, EncodedJson>();
    this.#views.set(record, views);
    const key = this.#viewKey(group);
    const known = views.get(key);
    if (known) return known;
    const view = await this.#encode(record, group);
    views.set(key, view);
    return view;
  }

  /** What a view depends on besides the record: for most, on nothing of the caller. */
  #viewKey({ caller, topic }: Group): string {
    const { fields = "", expand = "" } = topic.query;
    const personal = expand !== "" || this.#parts.model.isAuth;
    return personal
      ? `${accountKey(caller) ?? ""}\n${topic.text}`
      : `${isPrivileged(caller) ? 1 : 0}\n${fields}`;
  }

  async #encode(record: RecordData, group: Group): Promise<EncodedJson> {
    const { models, model, change } = this.#parts;
    const { context } = this.#asked(group);
    const { expand = "", fields = "" } = group.topic.query;
    const full = await presentExpanded(context, models, { model, record, expand });
    const pick = readPick(fields);
    const shown = pick ? pickFields(full, pick) : full;
    return new EncodedJson({ action: change.action, record: shown });
  }
}

function requestFacts({ query, headers }: Topic): RequestFacts {
  const sent = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // What no real request could carry is not there for rules either.
    if (/^\w+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) sent.set(name, value);
  }
  return { method: "GET", query: new URLSearchParams(query), headers: sent };
}

/** Fields that cannot be read are all of them, as clients of the reference know it. */
function readPick(fields: string): FieldPick | undefined {
  if (fields === "") return undefined;
  try {
    return parseFields(fields);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}
