/** Records as JSON for the caller: what is hidden stays hidden, addresses with whom they are for. */

import type { Context } from "../../../core/context.ts";
import type { SqlRow } from "../../../infra/db/database.ts";
import { own, put } from "../../../tools/fields/record-fields.ts";
import type { RecordData } from "../store/rows.ts";
import { requestInfo, seesAll } from "./caller.ts";
import type { Model, Models } from "./models.ts";
import { runStatement } from "./statements.ts";

/** A record as a client may see it, keys in order. */
export type PublicRecord = Record<string, unknown>;

export interface PresentOptions {
  readonly model: Model;
  readonly records: readonly RecordData[];
  /** Ids whose address is shown whatever their owners set: the account that just signed in. */
  readonly ownIds?: ReadonlySet<string>;
}

/** One result for each record, in their order; at once where nothing has to be asked for it. */
export function present(
  context: Context,
  models: Models,
  options: PresentOptions,
): PublicRecord[] | Promise<PublicRecord[]> {
  const { model, records } = options;
  const all = seesAll(context);
  if (model.isAuth && !all) return presentAccounts(context, models, options);
  return records.map((record) => publish(model, record, { all, hidesEmail: false }));
}

async function presentAccounts(
  context: Context,
  models: Models,
  options: PresentOptions,
): Promise<PublicRecord[]> {
  const { model, records, ownIds } = options;
  const managed = await managedIds(context, models, options);
  return records.map((record) => {
    const trusted = ownIds?.has(record.id) || managed.has(record.id);
    const hidesEmail = !trusted && record.emailVisibility !== true;
    return publish(model, record, { all: false, hidesEmail });
  });
}

const NONE: ReadonlySet<string> = new Set();

/** The caller's own record, and those that it manages by the collection's manageRule. */
async function managedIds(
  context: Context,
  models: Models,
  { model, records }: PresentOptions,
): Promise<ReadonlySet<string>> {
  const { caller } = context;
  if (caller.kind !== "user") return NONE;
  const own = caller.collection === model.collection.name ? [caller.id] : [];
  const rule = model.collection.options.manageRule;
  if (typeof rule !== "string" || rule === "") return new Set(own);
  const query = models.filters.query({
    collection: model.collection,
    rule,
    privileged: false,
    request: requestInfo(context, models),
    now: context.clock.now(),
  });
  const rows = await runStatement<SqlRow>(context, query.rowsOf(records.map(({ id }) => id)));
  return new Set([...own, ...rows.map((row) => String(row.id))]);
}

interface Sight {
  /** Hidden fields too. */
  readonly all: boolean;
  readonly hidesEmail: boolean;
}

/** Keys in order. The secrets of accounts are nobody's. */
function publish(model: Model, record: RecordData, { all, hidesEmail }: Sight): PublicRecord {
  const { collection, isAuth } = model;
  const shown: PublicRecord = {};
  for (const entry of model.published) {
    if (typeof entry === "string") {
      shown[entry] = entry === "collectionId" ? collection.id : collection.name;
      continue;
    }
    const { name, hidden } = entry.field;
    if (hidden && !all) continue;
    if (isAuth && (name === "password" || name === "tokenKey")) continue;
    if (hidesEmail && name === "email") continue;
    put(shown, name, entry.kind.publish(own(record, name)));
  }
  return shown;
}
