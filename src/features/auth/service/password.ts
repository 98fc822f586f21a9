/** Signing in with a password. */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import { isEmail } from "../../../tools/fields/addresses.ts";
import { TokenBuckets } from "../../../tools/token-bucket.ts";
import type { Collection, RecordData } from "../../records/index.ts";
import type { Accounts } from "./accounts.ts";
import type { Answers, AuthResult } from "./answers.ts";
import { checkForm, type FormInput, length, oneOf, readTexts, required } from "./forms.ts";

/** Of the same cost as a real one: an unknown identity takes as long as a wrong password. */
const NOBODYS_HASH = "$2b$10$4bGqVpeSe9srmZ2XZON8WO3TV6AFWf1a2ZLeDU6xl3I/38YiJOV6y";

export class PasswordSignIn {
  readonly #accounts: Accounts;
  readonly #answers: Answers;
  readonly #failures = new TokenBuckets(LIMITS.rateBucketsMax);
  readonly #failureLimit: { readonly count: number; readonly windowMs: number };

  constructor(
    accounts: Accounts,
    parts: { readonly answers: Answers; readonly perMinute: number },
  ) {
    this.#accounts = accounts;
    this.#answers = parts.answers;
    this.#failureLimit = { count: parts.perMinute, windowMs: 60_000 };
  }

  /**
   * Errors: 403 where the collection has no passwords, 400 with no details whatever was wrong with
   * the pair, 429 after too many failures of this identity from this address; those of an answer.
   */
  async signIn(
    context: Context,
    input: FormInput & { readonly collection: string },
  ): Promise<AuthResult> {
    const collection = this.#accounts.collection(input.collection);
    const { passwordAuth } = this.#accounts.options(collection);
    if (!passwordAuth.enabled) {
      throw fail.forbidden("password_disabled", "The collection has no sign-in by password.");
    }
    const form = readTexts(context, input, ["identity", "password", "identityField"]);
    await checkForm(form, {
      identity: [required, length(1, 255)],
      password: [required, length(1, 255)],
      identityField: [length(1, 255), oneOf(passwordAuth.identityFields)],
    });
    const key = `${collection.id} ${form.identity.toLowerCase()} ${context.caller.ip}`;
    this.#countAttempt(key, context);
    const fields = form.identityField ? [form.identityField] : passwordAuth.identityFields;
    const record = await this.#find(context, collection, { fields, identity: form.identity });
    const hash = record ? String(record.password) : NOBODYS_HASH;
    const right = await this.#accounts.records.passwords.verify(form.password, hash);
    if (!record || !right) throw fail.invalid("invalid_credentials", "Failed to authenticate.");
    this.#failures.restore(key, this.#failureLimit);
    const account = { collection, record };
    return this.#answers.give(context, { account, method: "password", input });
  }

  /** The address first; an identity that looks like none is not looked for there. */
  async #find(
    context: Context,
    collection: Collection,
    { fields, identity }: { readonly fields: readonly string[]; readonly identity: string },
  ): Promise<RecordData | undefined> {
    const ordered = [...fields].sort((a, b) => Number(b === "email") - Number(a === "email"));
    for (const field of ordered) {
      if (field === "email" && !isEmail(identity)) continue;
      const found = await this.#accounts.findBy(context, collection, { field, value: identity });
      if (found) return found;
    }
    return undefined;
  }

  #countAttempt(key: string, { clock }: Context): void {
    const waitMs = this.#failures.take(key, this.#failureLimit, clock.monotonic());
    if (waitMs === 0) return;
    const retryAfter = Math.ceil(waitMs / 1000);
    throw fail.rate_limited("rate_limited", `Too many attempts: try again in ${retryAfter} s.`, {
      retryAfter,
    });
  }
}
