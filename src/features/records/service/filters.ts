/**
 * Rules, filters and sorts as statements. Owns the cache of what was compiled; made anew, empty,
 * whenever the collections change.
 */

import { assert, fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { SqlValue } from "../../../infra/db/database.ts";
import { CLIENT_FILTER, parseFilter, RULE } from "../../../tools/filter/parser.ts";
import type { Collection } from "../schema.ts";
import { condition, listable, ruleCondition } from "./conditions.ts";
import { BASE, type CountSource, Form, type Page } from "./form.ts";
import { ALWAYS, allOf, type Run } from "./fragment.ts";
import { Aliases, Joins } from "./joins.ts";
import { NO_REQUEST, type RequestInfo } from "./request.ts";
import { Observations, Schema, type Scope } from "./scope.ts";
import { sortTerms } from "./sort.ts";

export interface FilterTexts {
  readonly collection: Collection;
  /**
   * The rule to apply, "" or none for everyone. A locked collection (null) has no rule to apply:
   * that is for the caller to refuse, as it is to leave the rule out for superusers.
   */
  readonly rule?: string;
  /** The client's own filter and sort; "" is none. */
  readonly filter?: string;
  readonly sort?: string;
  /** A superuser's or the server's own filter: nothing is hidden from it. */
  readonly privileged: boolean;
}

export interface FilterOptions extends FilterTexts {
  readonly request: RequestInfo;
  /** Milliseconds since the epoch, what `@now` and the like are made from. */
  readonly now: number;
}

/** What is compiled: for rows of the table, or for one that is not stored. */
type Texts = FilterTexts & { readonly unstored: boolean };

/** One statement to run. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** Made from a client's text: run it with a time limit, `tick()` in it breaks it off. */
  readonly timed: boolean;
}

export class Filters {
  readonly #schema: Schema;
  /** Forms of each combination of texts, least recently used first. */
  readonly #forms = new Map<string, Form[]>();
  /** Of collections, asked for as they are. */
  readonly #plain = new Map<string, Form>();
  #chars = 0;

  constructor(collections: readonly Collection[]) {
    this.#schema = new Schema(collections);
  }

  /**
   * Errors: 403 `forbidden_filter` when a client names `@request.` or `@collection.`, 400
   * `invalid_filter` for its other mistakes, 400 `invalid_rule` when a rule does not fit the schema
   * or the request.
   */
  query(options: FilterOptions): Query {
    const run: Run = { request: options.request, now: options.now };
    const form = (unstored: boolean) => this.#form({ ...options, unstored }, run);
    return new Query(run, { stored: form(false), unstored: () => form(true) });
  }

  /**
   * Whether `rule` fits its collection, all of `@request` being NULL. Error: 400 `invalid_filter`
   * that says why, for the operator who is writing it.
   */
  checkRule(collection: Collection, rule: string): void {
    if (rule === "") return;
    const options = { collection, privileged: true, unstored: false };
    const scope = this.#scope(options, { request: NO_REQUEST, now: 0 });
    condition(scope, parseFilter(rule, RULE));
  }

  #form(options: Texts, run: Run): Form {
    const { collection, privileged, unstored, rule = "", filter = "", sort = "" } = options;
    const isPlain = rule === "" && filter === "" && sort === "" && !unstored;
    if (isPlain) return this.#plainForm(options, run);
    const flags = `${privileged ? 1 : 0}${unstored ? 1 : 0}`;
    const key = [collection.id, flags, rule, filter, sort].join("\0");
    const known = this.#forms.get(key);
    const fitting = known?.find((form) => form.fits(run));
    if (known && fitting) {
      this.#forms.delete(key);
      this.#forms.set(key, known);
      return fitting;
    }
    const form = this.#compile(options, run);
    this.#keep(key, form);
    return form;
  }

  /** Without any text there is nothing to look at in a request, and nobody to hide from. */
  #plainForm(options: Texts, run: Run): Form {
    let form = this.#plain.get(options.collection.id);
    if (!form) {
      form = this.#compile(options, run);
      this.#plain.set(options.collection.id, form);
    }
    return form;
  }

  #compile(options: Texts, run: Run): Form {
    const { collection, privileged, rule = "", filter = "", sort = "" } = options;
    assert(this.#schema.find(collection.id), `${collection.name} is of this schema`);
    if (!privileged) refuseReserved(filter, sort);
    const scope = this.#scope(options, run);
    const { joins, requirements, observations } = scope;
    const client: Scope = { ...scope, trusted: privileged };
    const conditions = rule === "" ? [] : [ruleCondition(scope, rule)];
    if (filter !== "") conditions.push(condition(client, parseFilter(filter, CLIENT_FILTER)));
    const order = sort === "" ? undefined : sortTerms(client, sort);
    const all = allOf([...conditions, ...requirements.values()]);
    const tables = joins.neededBy(order ? [all, order] : [all]);
    const isChosen = filter !== "" || requirements.size > 0 || (rule !== "" && all !== ALWAYS);
    const counted = { ...joins.neededBy([all]), timed: scope.timed && isChosen };
    const timed = scope.timed && (isChosen || sort !== "");
    const tablesIn = (text: string) => this.#schema.tablesIn(text);
    const parts = { collection, observations, tablesIn, timed, condition: all, order };
    return new Form({ ...parts, ...tables, counted });
  }

  #scope(options: Texts, run: Run): Scope {
    const { collection, unstored, rule = "", filter = "", sort = "" } = options;
    // A rule is the operator's, but a list by it may look at every row all the same.
    const timed = filter !== "" || sort !== "" || (rule !== "" && !unstored);
    const aliases = new Aliases();
    const complete = collection.type !== "view" && !unstored;
    return {
      schema: this.#schema,
      observations: new Observations(run),
      aliases,
      joins: new Joins(aliases, timed),
      base: { collection, alias: BASE, unstored, complete },
      trusted: true,
      timed,
      requirements: new Map(),
      listable,
    };
  }

  #keep(key: string, form: Form): void {
    const forms = this.#forms.get(key) ?? [];
    this.#forms.delete(key);
    this.#forms.set(key, forms);
    forms.push(form);
    this.#chars += key.length + form.chars;
    if (forms.length > LIMITS.compiledFilterFormsMax) this.#forget(key, forms.splice(0, 1));
    for (const [oldest, dropped] of this.#forms) {
      const few = this.#forms.size <= LIMITS.compiledFiltersMax;
      if (few && this.#chars <= LIMITS.compiledFilterCharsMax) return;
      this.#forms.delete(oldest);
      this.#forget(oldest, dropped);
    }
  }

  #forget(key: string, forms: readonly Form[]): void {
    for (const form of forms) this.#chars -= key.length + form.chars;
  }
}

/** What a client may not even write in quotes; checked before anything else is. */
function refuseReserved(...texts: readonly string[]): void {
  for (const name of ["@request.", "@collection."]) {
    if (!texts.some((text) => text.includes(name))) continue;
    throw fail.forbidden("forbidden_filter", `Only superusers can filter or sort by ${name}*.`);
  }
}

/** Compiled texts with the values of one request. Rows have the collection's columns. */
export class Query {
  readonly #run: Run;
  readonly #form: Form;
  readonly #unstored: () => Form;

  constructor(run: Run, forms: { readonly stored: Form; readonly unstored: () => Form }) {
    this.#run = run;
    this.#form = forms.stored;
    this.#unstored = forms.unstored;
  }

  /** A page of rows, each once, in the order of the sort (without one, in none that is promised). */
  rows(page: Page): Statement {
    return this.#form.page(this.#run, page);
  }

  /** One row with their number: `total`. */
  count(): Statement {
    return this.#form.statement("count", this.#run);
  }

  get countSource(): CountSource {
    return this.#form.countSource;
  }

  /** The row with this id, if it passes. */
  row(id: string): Statement {
    return this.#form.statement("row", { ...this.#run, given: { id } });
  }

  /** Those of the rows with these ids that pass, in the order of the sort. */
  rowsOf(ids: readonly string[]): Statement {
    return this.#form.statement("rowsOf", this.#given(ids));
  }

  /** Rows whose relation `field` names one of `ids`. */
  referringBy(field: string, ids: readonly string[], limit: number): Statement {
    const { given } = this.#given(ids);
    return this.#form.statement(`referring:${field}`, { ...this.#run, given: { ...given, limit } });
  }

  /**
   * One row `{ok: 1}` when a record that is not stored passes, else none. `values` are its columns
   * as they would be stored. Error: 400 `invalid_rule` for paths that go back from it, since its id
   * may be one that others still name.
   */
  accepts(values: Readonly<Record<string, SqlValue>>): Statement {
    return this.#unstored().statement("accepts", { ...this.#run, given: values });
  }

  #given(ids: readonly string[]): Run & { readonly given: Readonly<Record<string, SqlValue>> } {
    return { ...this.#run, given: { ids: JSON.stringify(ids) } };
  }
}
