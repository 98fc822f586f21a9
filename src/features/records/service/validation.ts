/**
 * Whether values may be written as they are: the account form, the fields' own checks, and what
 * the database must say of ids and relations. All faults are told together.
 */

import { type FieldError, fieldErrors } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import { type Lookup, pendingLookups } from "../../../tools/fields/lookups.ts";
import type { ResolvedBody } from "../../../tools/fields/modifiers.ts";
import { NewPassword } from "../../../tools/fields/password-kind.ts";
import type { RecordsService, Values } from "../service.ts";
import { countIds, hasIdInAnyCase, type RecordData } from "../store/rows.ts";
import { checkAccountForm } from "./auth-form.ts";
import { seesAll } from "./caller.ts";
import { KnownIds } from "./known-ids.ts";
import type { Model, Models } from "./models.ts";

/** A record as a body would have it. */
export interface Draft {
  readonly model: Model;
  readonly body: Readonly<Record<string, unknown>>;
  readonly resolved: ResolvedBody;
  /** Of all fields. */
  readonly values: Values;
  /** The record before an update. */
  readonly stored: RecordData | undefined;
  /** Whether the draft meets a rule of the collection. */
  readonly passes: (rule: string) => Promise<boolean>;
}

interface Checked extends Pick<Draft, "model" | "values" | "stored"> {
  readonly lookups: readonly Lookup[];
}

export class Validation {
  readonly #records: RecordsService;
  readonly #knownIds = new KnownIds();

  constructor(records: RecordsService) {
    this.#records = records;
  }

  /** The values with passwords hashed, ready to be written. Error: 400 with field errors. */
  async ready(context: Context, models: Models, draft: Draft): Promise<Values> {
    const { model, stored } = draft;
    let { values } = draft;
    if (model.isAuth) {
      await checkAccountForm({
        body: draft.body,
        values: draft.resolved.values,
        stored,
        manages: await manages(context, draft),
        passwords: this.#records.passwords,
      });
      if (stored && revokesTokens(draft)) values = { ...values, tokenKey: context.ids.secret(50) };
    }
    const { fields } = model;
    const lookups = pendingLookups(fields, values, stored).filter(
      (lookup) => !this.#isKnown(context, models, lookup),
    );
    const missing =
      model.isAuth || lookups.length > 0
        ? await this.#lookUpFaults(context, models, { model, values, stored, lookups })
        : undefined;
    const faults = fields.check(values, stored);
    if (missing || faults) throw fieldErrors({ ...missing, ...faults });
    if (fields.passwords.length === 0) return values;
    return this.#records.hashed(fields.passwords, values);
  }

  #isKnown(context: Context, models: Models, lookup: Lookup): boolean {
    if (lookup.kind === "key") return false;
    const target = models.find(lookup.collectionId);
    return target !== undefined && this.#knownIds.has(context, target, lookup.ids);
  }

  async #lookUpFaults(
    context: Context,
    models: Models,
    { model, values, stored, lookups }: Checked,
  ): Promise<Record<string, FieldError> | undefined> {
    let found: Record<string, FieldError> | undefined;
    const note = (field: string, fault: FieldError) => {
      found ??= {};
      found[field] = fault;
    };
    for (const lookup of lookups) {
      const { field } = lookup;
      if (lookup.kind === "key") {
        if (await hasIdInAnyCase(context.db, model, lookup.id)) note(field, lookup.taken);
        continue;
      }
      const target = models.find(lookup.collectionId);
      if (!target) note(field, lookup.missingCollection);
      else if (!(await this.#knownIds.areThere(context, target, lookup.ids))) {
        note(field, lookup.missingRecords);
      }
    }
    if (!stored && model.isAuth && (await isAccountId(context, models, { model, values }))) {
      note("id", { code: "validation_invalid_auth_id", message: "The id is taken or not valid." });
    }
    return found;
  }
}

async function manages(context: Context, { model, passes }: Draft): Promise<boolean> {
  if (seesAll(context)) return true;
  const rule = model.collection.options.manageRule;
  if (context.caller.kind !== "user" || typeof rule !== "string" || rule === "") return false;
  return passes(rule);
}

function revokesTokens({ values, stored }: Draft): boolean {
  return values.password instanceof NewPassword || values.email !== stored?.email;
}

/** An account's id is its own among all auth collections: tokens and relations name it alone. */
async function isAccountId(
  context: Context,
  models: Models,
  { model, values }: Pick<Draft, "model" | "values">,
): Promise<boolean> {
  const others = models.all.filter((other) => other.isAuth && other !== model);
  for (const other of others) {
    if ((await countIds(context.db, other, [String(values.id)])) > 0) return true;
  }
  return false;
}
