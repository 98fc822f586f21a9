/** A new address for an account: the link goes there, the password confirms who follows it. */

import { type FieldError, fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import type { Collection } from "../../records/index.ts";
import { SUPERUSERS } from "../schema.ts";
import type { AccountMails } from "./account-mails.ts";
import type { Accounts, TokenBearer } from "./accounts.ts";
import { storableChanges } from "./changes.ts";
import {
  checkForm,
  email,
  type FormInput,
  type FormRule,
  length,
  readTexts,
  required,
} from "./forms.ts";
import { tokenFaults } from "./token-faults.ts";
import { readClaims } from "./tokens.ts";

type Input = FormInput & { readonly collection: string };

export class EmailChange {
  readonly #accounts: Accounts;
  readonly #mails: AccountMails;

  constructor(accounts: Accounts, parts: { readonly mails: AccountMails }) {
    this.#accounts = accounts;
    this.#mails = parts.mails;
  }

  /** Waits for the mail: its failure is the answer. Errors: 401, 403, 400. */
  async request(context: Context, input: Input): Promise<void> {
    const account = this.#accounts.ownCollection(context, input.collection);
    refuseSuperusers(account.collection);
    const form = readTexts(context, input, ["newEmail"]);
    const isAnother: FormRule = (value) =>
      value === account.record.email
        ? fault("validation_not_in_invalid", "Must not be the address that it is.")
        : undefined;
    const isFree: FormRule = async (value) => {
      const found = await this.#accounts.findByEmail(context, account.collection, value);
      if (!found || found.id === account.record.id) return undefined;
      return fault("validation_invalid_new_email", "Invalid new email address.");
    };
    await checkForm(form, { newEmail: [required, length(1, 255), email, isAnother, isFree] });
    try {
      await this.#mails.sendEmailChange(context, account, form.newEmail);
    } catch (cause) {
      throw fail.invalid("mail_failed", "Failed to request email change.", { cause });
    }
  }

  /** Ends all sessions of the account. Error: 400 with what is wrong about token and password. */
  async confirm(context: Context, input: Input): Promise<void> {
    const collection = this.#accounts.collection(input.collection);
    refuseSuperusers(collection);
    const form = readTexts(context, input, ["token", "password"]);
    const held: { bearer?: TokenBearer | undefined } = {};
    const isGood: FormRule = async (token) => {
      const found = await this.#read(context, collection, token);
      if ("code" in found) return found;
      held.bearer = found;
      return undefined;
    };
    const isRight: FormRule = async (password) => {
      const hash = held.bearer?.record.password;
      const right =
        hash !== undefined &&
        (await this.#accounts.records.passwords.verify(password, String(hash)));
      if (right) return undefined;
      return fault("validation_invalid_password", "Missing or invalid auth record password.");
    };
    await checkForm(form, {
      token: [required, isGood],
      password: [required, length(1, 100), isRight],
    });
    const { bearer } = held;
    if (!bearer) return;
    const { record, claims } = bearer;
    const changes = { email: claims.newEmail, verified: true };
    const { records } = this.#accounts;
    const model = this.#accounts.model(collection);
    const storable = await storableChanges(records, { model, record }, changes);
    const place = { collection: collection.id, id: record.id };
    await records.update(context, place, storable);
  }

  async #read(
    context: Context,
    collection: Collection,
    token: string,
  ): Promise<TokenBearer | FieldError> {
    const newEmail = readClaims(token)?.newEmail;
    if (!newEmail) return tokenFaults.payload();
    // The token first: one that is not valid must not tell which addresses are taken.
    const bearer = await this.#accounts.bearer(context, token, "emailChange");
    if (!bearer) return tokenFaults.invalid();
    if (bearer.collection.id !== collection.id) return tokenFaults.otherCollection();
    const taken = await this.#accounts.findByEmail(context, collection, newEmail);
    return taken ? tokenFaults.takenEmail() : bearer;
  }
}

function refuseSuperusers(collection: Collection): void {
  if (collection.name !== SUPERUSERS) return;
  const message = "All superusers can change their emails directly.";
  throw fail.invalid("superusers_change_directly", message);
}

function fault(code: string, message: string): FieldError {
  return { code, message };
}
