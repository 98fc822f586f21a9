/** Proving that an address is one's own, by a link in a mail. */

import { fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import type { Collection } from "../../records/index.ts";
import { SUPERUSERS } from "../schema.ts";
import type { AccountMails } from "./account-mails.ts";
import type { Accounts, TokenBearer } from "./accounts.ts";
import {
  checkForm,
  email,
  type FormInput,
  type FormRule,
  length,
  readTexts,
  required,
} from "./forms.ts";
import type { RequestedMails } from "./requested-mails.ts";
import { tokenFaults } from "./token-faults.ts";
import { readClaims } from "./tokens.ts";

type Input = FormInput & { readonly collection: string };

export class Verification {
  readonly #accounts: Accounts;
  readonly #mails: AccountMails;
  readonly #requested: RequestedMails;

  constructor(
    accounts: Accounts,
    parts: { readonly mails: AccountMails; readonly requested: RequestedMails },
  ) {
    this.#accounts = accounts;
    this.#mails = parts.mails;
    this.#requested = parts.requested;
  }

  /** Says the same whoever has the address. Error: 400 for superusers, and no address at all. */
  async request(context: Context, input: Input): Promise<void> {
    const collection = this.#collection(input.collection);
    const form = readTexts(context, input, ["email"]);
    await checkForm(form, { email: [required, length(1, 255), email] });
    const record = await this.#accounts.findByEmail(context, collection, form.email);
    if (!record || record.verified) return;
    this.#requested.send("mail to verify an address", pauseKey(collection, record.id), (own) =>
      this.#mails.sendVerification(own, { collection, record }),
    );
  }

  /** A link that was used before is still good. Error: 400 with what is wrong about the token. */
  async confirm(context: Context, input: Input): Promise<void> {
    const collection = this.#collection(input.collection);
    const form = readTexts(context, input, ["token"]);
    const held: { bearer?: TokenBearer | undefined } = {};
    const isGood: FormRule = async (token) => {
      if (!readClaims(token)?.email) return tokenFaults.claims();
      const bearer = await this.#accounts.bearer(context, token, "verification");
      held.bearer = bearer;
      if (!bearer) return tokenFaults.invalid();
      if (bearer.collection.id !== collection.id) return tokenFaults.otherCollection();
      return bearer.record.email === bearer.claims.email ? undefined : tokenFaults.otherEmail();
    };
    await checkForm(form, { token: [required, isGood] });
    const { bearer } = held;
    if (!bearer) return;
    const { id } = bearer.record;
    if (!bearer.record.verified) {
      const place = { collection: collection.id, id };
      await this.#accounts.records.update(context, place, { verified: true });
    }
    this.#requested.used(pauseKey(collection, id));
  }

  #collection(nameOrId: string): Collection {
    const collection = this.#accounts.collection(nameOrId);
    if (collection.name !== SUPERUSERS) return collection;
    throw fail.invalid("superusers_are_verified", "All superusers are verified by default.");
  }
}

function pauseKey(collection: Collection, id: string): string {
  return `verification ${collection.id} ${id}`;
}
