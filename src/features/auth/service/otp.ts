/** Signing in with a one-time password that comes by mail. */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Log } from "../../../base/log.ts";
import type { Context } from "../../../core/context.ts";
import { type Collection, dateMs, type RecordData } from "../../records/index.ts";
import { OTP_COST, OTPS } from "../schema.ts";
import type { AccountMails } from "./account-mails.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { Answers, AuthResult } from "./answers.ts";
import type { Background } from "./background.ts";
import { checkForm, email, type FormInput, length, readTexts, required } from "./forms.ts";
import type { Windows } from "./throttles.ts";

/** Of the same cost as a real one: an unknown password takes as long as a wrong one. */
const NOBODYS_HASH = "$2b$08$rmZfG8Uf7WPXHhR6bRpeiuGE.xfzfGKJGpqeN2D8JjtfHqfgKblSS";

type Input = FormInput & { readonly collection: string };

export class Otps {
  readonly #accounts: Accounts;
  readonly #answers: Answers;
  readonly #mails: AccountMails;
  readonly #background: Background;
  readonly #log: Log;
  readonly #tries: Windows;

  constructor(
    accounts: Accounts,
    parts: {
      readonly answers: Answers;
      readonly mails: AccountMails;
      readonly background: Background;
      readonly log: Log;
      readonly tries: Windows;
    },
  ) {
    this.#accounts = accounts;
    this.#answers = parts.answers;
    this.#mails = parts.mails;
    this.#background = parts.background;
    this.#log = parts.log;
    this.#tries = parts.tries;
  }

  /** Answers in the same way, after the same work, whether there is such an account or not. */
  async request(context: Context, input: Input): Promise<{ readonly otpId: string }> {
    const collection = this.#enabled(input.collection);
    const form = readTexts(context, input, ["email"]);
    await checkForm(form, { email: [required, length(1, 255), email] });
    const record = await this.#accounts.findByEmail(context, collection, form.email);
    const { otp } = this.#accounts.options(collection);
    const password = digits(context, otp.length);
    const hash = await this.#accounts.records.passwords.hash(password, OTP_COST);
    if (!record) return { otpId: context.ids.record() };
    const account = { collection, record };
    const known = await this.#reusable(context, account);
    if (known) {
      this.#log.warn("too many one-time passwords, the last one is reused", { record: record.id });
      return { otpId: known.id };
    }
    const { id: otpId } = await this.#accounts.records.create(context, OTPS, {
      collectionRef: collection.id,
      recordRef: record.id,
      password: hash,
    });
    this.#send(account, { otpId, password });
    return { otpId };
  }

  /**
   * One to hand over by another way than mail: for who has lost the way into the mailbox. Errors:
   * 404, 403 `otp_disabled`.
   */
  async make(
    context: Context,
    target: { readonly collection: string; readonly id: string },
  ): Promise<{ readonly otpId: string; readonly password: string; readonly seconds: number }> {
    const collection = this.#enabled(target.collection);
    const record = await this.#accounts.records.get(context, collection.id, target.id);
    const { otp } = this.#accounts.options(collection);
    const password = digits(context, otp.length);
    const { id: otpId } = await this.#accounts.records.create(context, OTPS, {
      collectionRef: collection.id,
      recordRef: record.id,
      password: await this.#accounts.records.passwords.hash(password, OTP_COST),
    });
    return { otpId, password, seconds: otp.duration };
  }

  /** Errors: 400 with no details for what is wrong or too late, 429 after too many tries. */
  async signIn(context: Context, input: Input): Promise<AuthResult> {
    const collection = this.#enabled(input.collection);
    const form = readTexts(context, input, ["otpId", "password"]);
    await checkForm(form, {
      otpId: [required, length(1, 255)],
      password: [required, length(1, 71)],
    });
    const found = await this.#find(context, collection, form.otpId);
    this.#countTry(context, found ? `${collection.id} ${found.account.record.id}` : form.otpId);
    const hash = found ? String(found.otp.password) : NOBODYS_HASH;
    const right = await this.#accounts.records.passwords.verify(form.password, hash);
    if (!found || !right) throw fail.invalid("invalid_otp", "Invalid or expired OTP");
    const account = await this.#use(context, found);
    return this.#answers.give(context, { account, method: "otp", input });
  }

  #enabled(nameOrId: string): Collection {
    const collection = this.#accounts.collection(nameOrId);
    if (this.#accounts.options(collection).otp.enabled) return collection;
    throw fail.forbidden("otp_disabled", "The collection has no sign-in by one-time password.");
  }

  async #reusable(context: Context, account: Account): Promise<RecordData | undefined> {
    const all = await this.#accounts.records.list(context, OTPS, {
      where: { collectionRef: account.collection.id, recordRef: account.record.id },
      sort: ["-created"],
      limit: LIMITS.readPageMax,
    });
    const alive = all.filter((otp) => this.#isAlive(context, account.collection, otp));
    return alive.length > LIMITS.otpsLiveMax ? alive[0] : undefined;
  }

  #isAlive(context: Context, collection: Collection, otp: RecordData): boolean {
    const { duration } = this.#accounts.options(collection).otp;
    return context.clock.now() - (dateMs(otp.created) ?? 0) <= duration * 1000;
  }

  async #find(context: Context, collection: Collection, otpId: string) {
    const { records } = this.#accounts;
    const otp = await records.find(context, OTPS, otpId);
    if (otp?.collectionRef !== collection.id) return undefined;
    if (!this.#isAlive(context, collection, otp)) return undefined;
    const record = await records.find(context, collection.id, String(otp.recordRef));
    return record && { otp, account: { collection, record } };
  }

  #countTry(context: Context, whose: string): void {
    const waitMs = this.#tries.take(`${whose} ${context.caller.ip}`);
    if (waitMs === 0) return;
    const message = "Too many attempts, please try again later with a new OTP.";
    throw fail.rate_limited("rate_limited", message, { retryAfter: Math.ceil(waitMs / 1000) });
  }

  /** Who reads the mail has the address: that is verified. The password is used up either way. */
  async #use(
    context: Context,
    { otp, account }: { readonly otp: RecordData; readonly account: Account },
  ): Promise<Account> {
    const { records } = this.#accounts;
    const { collection, record } = account;
    const verifies = !record.verified && otp.sentTo !== "" && otp.sentTo === record.email;
    return context.transaction(async () => {
      // Of two sign-ins at the same time one finds it gone.
      if (!(await records.find(context, OTPS, otp.id))) {
        throw fail.invalid("invalid_otp", "Invalid or expired OTP");
      }
      await records.delete(context, OTPS, otp.id);
      if (!verifies) return account;
      const place = { collection: collection.id, id: record.id };
      return { collection, record: await records.update(context, place, { verified: true }) };
    });
  }

  #send(
    account: Account,
    { otpId, password }: { readonly otpId: string; readonly password: string },
  ): void {
    const { records } = this.#accounts;
    const to = String(account.record.email);
    this.#background.run("mail with a one-time password", async (context) => {
      try {
        await this.#mails.send("otp", account, { to, values: { OTP: password, OTP_ID: otpId } });
      } catch (error) {
        if (await records.find(context, OTPS, otpId)) await records.delete(context, OTPS, otpId);
        throw error;
      }
      await context.transaction(async () => {
        if (!(await records.find(context, OTPS, otpId))) return;
        await records.update(context, { collection: OTPS, id: otpId }, { sentTo: to });
      });
    });
  }
}

function digits(context: Context, count: number): string {
  return Array.from({ length: count }, () => context.ids.below(10)).join("");
}
