/** What holds for accounts and what belongs to them, whoever writes. */

import { fieldErrors } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import { faults } from "../../../tools/fields/faults.ts";
import {
  type CollectionEvent,
  type RecordEvent,
  Records,
  type RecordsService,
} from "../../records/index.ts";
import {
  AUTH_ORIGINS,
  BELONGINGS,
  EXTERNAL_AUTHS,
  MFAS,
  OTPS,
  SUPERUSERS,
  TOKEN_KEY_CHARS,
} from "../schema.ts";
import { isProviderName } from "./oauth2/providers.ts";

export function bindAccounts(host: FeatureHost): void {
  const records = host.use(Records);
  host.hooks.bind<RecordEvent>("record.create@auth", async (event, next) => {
    await refuseTakenId(records, event);
    await next();
  });
  host.hooks.bind<RecordEvent>("record.update@auth", (event, next) => settle(records, event, next));
  host.hooks.bind<RecordEvent>(
    "record.delete@auth",
    async ({ context, collection, record }, next) => {
      await next();
      const owner = { collectionRef: collection.id, recordRef: record.id };
      await removeAll(context, records, { names: BELONGINGS, owner });
    },
  );
  host.hooks.bind<CollectionEvent>("collection.delete", async ({ context, collection }, next) => {
    await next();
    if (collection.type !== "auth") return;
    await removeAll(context, records, {
      names: BELONGINGS,
      owner: { collectionRef: collection.id },
    });
  });
  for (const name of BELONGINGS) {
    for (const action of ["create", "update"] as const) {
      host.hooks.bind<RecordEvent>(`record.${action}:${name}`, async (event, next) => {
        await checkOwner(records, event);
        await next();
      });
    }
  }
}

/** An account's id is its own among all auth collections: tokens and relations name it alone. */
async function refuseTakenId(
  records: RecordsService,
  { context, collection, record }: RecordEvent,
): Promise<void> {
  for (const { collection: other, isAuth } of records.models.all) {
    if (!isAuth || other.id === collection.id) continue;
    if (!(await records.find(context, other.id, record.id))) continue;
    const message = "The id is taken or not valid.";
    throw fieldErrors({ id: { code: "validation_invalid_auth_id", message } });
  }
}

/** A new password or address ends all sessions; a new password forgets places and half sign-ins. */
async function settle(
  records: RecordsService,
  event: RecordEvent,
  next: () => Promise<void>,
): Promise<void> {
  const { context, collection, original } = event;
  const newPassword = event.record.password !== original?.password;
  const newEmail = event.record.email !== original?.email;
  const hasOldKey = event.record.tokenKey === original?.tokenKey;
  if (hasOldKey && (newPassword || newEmail)) {
    event.record = { ...event.record, tokenKey: context.ids.secret(TOKEN_KEY_CHARS) };
  }
  if (collection.name === SUPERUSERS) event.record = { ...event.record, verified: true };
  await next();
  const owner = { collectionRef: collection.id, recordRef: event.record.id };
  if (newPassword) await removeAll(context, records, { names: [MFAS, AUTH_ORIGINS], owner });
  if (event.record.tokenKey !== original?.tokenKey) {
    await removeAll(context, records, { names: [OTPS], owner });
  }
}

async function removeAll(
  context: Context,
  records: RecordsService,
  options: {
    readonly names: readonly string[];
    readonly owner: { readonly collectionRef: string; readonly recordRef?: string };
  },
): Promise<void> {
  for (const name of options.names) {
    for (;;) {
      const found = await records.list(context, name, {
        where: options.owner,
        limit: LIMITS.readPageMax,
      });
      for (const { id } of found) await records.delete(context, name, id);
      if (found.length < LIMITS.readPageMax) break;
    }
  }
}

async function checkOwner(
  records: RecordsService,
  { context, collection, record }: RecordEvent,
): Promise<void> {
  const owner = records.models.find(String(record.collectionRef));
  if (owner?.collection.id !== record.collectionRef) {
    const message = "Missing or invalid collection.";
    const fault = { code: "validation_invalid_collection_id", message };
    throw fieldErrors({ collectionRef: fault });
  }
  if (!owner?.isAuth) {
    const message = "Invalid collection type - must be auth.";
    const fault = { code: "validation_invalid_collection_type", message };
    throw fieldErrors({ collectionRef: fault });
  }
  if (!(await records.find(context, owner.collection.id, String(record.recordRef)))) {
    const fault = { code: "validation_invalid_record", message: "Missing or invalid record." };
    throw fieldErrors({ recordRef: fault });
  }
  if (collection.name !== EXTERNAL_AUTHS) return;
  const provider = String(record.provider);
  if (provider === "") throw fieldErrors({ provider: faults.required() });
  if (isProviderName(provider)) return;
  const fault = { code: "validation_in_invalid", message: "Must be a valid value." };
  throw fieldErrors({ provider: fault });
}
