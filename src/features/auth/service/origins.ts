/** Where accounts were used from, and the mail about a place that is new. */

import { createHash } from "node:crypto";
import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import { storedDate } from "../../records/index.ts";
import { AUTH_ORIGINS } from "../schema.ts";
import type { AccountMails } from "./account-mails.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { Background } from "./background.ts";

export class Origins {
  readonly #accounts: Accounts;
  readonly #mails: AccountMails;
  readonly #background: Background;

  constructor(
    accounts: Accounts,
    parts: { readonly mails: AccountMails; readonly background: Background },
  ) {
    this.#accounts = accounts;
    this.#mails = parts.mails;
    this.#background = parts.background;
  }

  /**
   * Takes note of a sign-in. From a place that is not known, but not at the account's first
   * sign-in, its owner gets a mail; where that fails the place counts as new again.
   */
  async note(context: Context, account: Account): Promise<void> {
    const { records } = this.#accounts;
    const place = placeOf(context);
    const owner = { collectionRef: account.collection.id, recordRef: account.record.id };
    const known = await records.list(context, AUTH_ORIGINS, {
      where: owner,
      sort: ["-created"],
      limit: LIMITS.readPageMax,
    });
    const current = known.find((origin) => origin.fingerprint === place.fingerprint);
    if (current) {
      await records.update(context, { collection: AUTH_ORIGINS, id: current.id }, {});
      return;
    }
    const id = await context.transaction(async () => {
      for (const oldest of known.slice(LIMITS.authOriginsMax - 1)) {
        await records.delete(context, AUTH_ORIGINS, oldest.id);
      }
      const values = { ...owner, fingerprint: place.fingerprint };
      return (await records.create(context, AUTH_ORIGINS, values)).id;
    });
    const to = String(account.record.email);
    if (known.length > 0 && to !== "") this.#alert(context, account, { id, to, place });
  }

  #alert(
    context: Context,
    account: Account,
    { id, to, place }: { readonly id: string; readonly to: string; readonly place: Place },
  ): void {
    const at = storedDate(context.clock.now());
    const values = { ALERT_INFO: `${at} - ${place.ip} ${place.userAgent}` };
    this.#background.run("mail about a sign-in", async (own) => {
      try {
        await this.#mails.send("alert", account, { to, values });
      } catch (error) {
        const { records } = this.#accounts;
        if (await records.find(own, AUTH_ORIGINS, id)) await records.delete(own, AUTH_ORIGINS, id);
        throw error;
      }
    });
  }
}

interface Place {
  readonly ip: string;
  readonly userAgent: string;
  readonly fingerprint: string;
}

/** The fingerprint is stored, so that it must be made as other servers of the same data make it. */
function placeOf({ caller: { ip }, request }: Context): Place {
  const given = request?.headers.get("user-agent") ?? "";
  const max = LIMITS.userAgentCharsMax;
  const userAgent = given.length > max ? `${given.slice(0, max)}...` : given;
  const fingerprint = createHash("md5")
    .update(ip + userAgent)
    .digest("hex");
  return { ip, userAgent, fingerprint };
}
