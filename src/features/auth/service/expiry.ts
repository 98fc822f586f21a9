/** Second steps and one-time passwords that nobody took in time go, once an hour. */

import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import { storedDate } from "../../records/index.ts";
import { MFAS, OTPS } from "../schema.ts";
import { idsMadeBefore } from "../store.ts";
import type { Accounts } from "./accounts.ts";

const HOURLY = "0 * * * *";

export function scheduleExpiry(accounts: Accounts, context: () => Context): void {
  const { scheduler } = accounts.records;
  scheduler.add({
    id: "__pbMFACleanup__",
    expression: HOURLY,
    run: () => removeExpired(accounts, context(), MFAS),
  });
  scheduler.add({
    id: "__pbOTPCleanup__",
    expression: HOURLY,
    run: () => removeExpired(accounts, context(), OTPS),
  });
}

/** Removes those of every auth collection, also where the way to sign in is off by now. */
export async function removeExpired(
  accounts: Accounts,
  context: Context,
  table: typeof MFAS | typeof OTPS,
): Promise<void> {
  const { records } = accounts;
  for (const collection of records.collections.filter(({ type }) => type === "auth")) {
    const options = accounts.options(collection);
    const { duration } = table === MFAS ? options.mfa : options.otp;
    const before = storedDate(context.clock.now() - duration * 1000);
    const asked = { table, collectionId: collection.id, before, limit: LIMITS.readPageMax };
    for (;;) {
      const ids = await idsMadeBefore(context.db, asked);
      for (const id of ids) {
        // It may have been used up since it was listed.
        if (await records.find(context, table, id)) await records.delete(context, table, id);
      }
      if (ids.length < LIMITS.readPageMax) break;
    }
  }
}
