/** A new password for who has forgotten the old one, by a link in a mail. */

import { fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import { NewPassword } from "../../../tools/fields/password-kind.ts";
import type { Collection, RecordData } from "../../records/index.ts";
import { INSTALLER_EMAIL, SUPERUSERS } from "../schema.ts";
import type { AccountMails } from "./account-mails.ts";
import type { Accounts, TokenBearer } from "./accounts.ts";
import { storableChanges } from "./changes.ts";
import {
  checkForm,
  email,
  equalTo,
  type FormInput,
  type FormRule,
  length,
  readTexts,
  required,
} from "./forms.ts";
import type { RequestedMails } from "./requested-mails.ts";
import { tokenFaults } from "./token-faults.ts";

type Input = FormInput & { readonly collection: string };

/** What the field itself says counts besides. */
const PASSWORD_CHARS_MAX = 255;

export class PasswordReset {
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

  /** Says the same whoever has the address. Error: 400 where the collection has no passwords. */
  async request(context: Context, input: Input): Promise<void> {
    const collection = this.#accounts.collection(input.collection);
    if (!this.#accounts.options(collection).passwordAuth.enabled) {
      throw fail.invalid("password_disabled", "The collection has no sign-in by password.");
    }
    const form = readTexts(context, input, ["email"]);
    await checkForm(form, { email: [required, length(1, 255), email] });
    const record = await this.#accounts.findByEmail(context, collection, form.email);
    if (!record || isInstaller(collection, record)) return;
    this.#requested.send("mail to reset a password", pauseKey(collection, record.id), (own) =>
      this.#mails.sendPasswordReset(own, { collection, record }),
    );
  }

  /** Ends all sessions of the account. Error: 400 with what is wrong, field by field. */
  async confirm(context: Context, input: Input): Promise<void> {
    const collection = this.#accounts.collection(input.collection);
    const form = readTexts(context, input, ["token", "password", "passwordConfirm"]);
    const held: { bearer?: TokenBearer | undefined } = {};
    const isGood: FormRule = async (token) => {
      const bearer = await this.#accounts.bearer(context, token, "passwordReset");
      held.bearer = bearer;
      if (!bearer) return tokenFaults.invalid();
      return bearer.collection.id === collection.id ? undefined : tokenFaults.otherCollection();
    };
    const field = collection.fields.find(({ name }) => name === "password");
    const min = Number(field?.min) || 1;
    await checkForm(form, {
      token: [required, isGood],
      password: [required, length(min, PASSWORD_CHARS_MAX)],
      passwordConfirm: [required, equalTo(form.password)],
    });
    const { bearer } = held;
    if (!bearer) return;
    const { record, claims } = bearer;
    // Who reads the mail has the address, unless it has changed since.
    const verified = record.verified || (claims.email !== "" && record.email === claims.email);
    const changes = { password: new NewPassword(form.password), verified };
    const { records } = this.#accounts;
    const model = this.#accounts.model(collection);
    const storable = await storableChanges(records, { model, record }, changes);
    const place = { collection: collection.id, id: record.id };
    await records.update(context, place, storable);
    this.#requested.used(pauseKey(collection, record.id));
  }
}

/** The account behind the set-up link has no owner. */
function isInstaller(collection: Collection, record: RecordData): boolean {
  return collection.name === SUPERUSERS && record.email === INSTALLER_EMAIL;
}

function pauseKey(collection: Collection, id: string): string {
  return `reset ${collection.id} ${id}`;
}
