/** The second way of signing in that collections may ask for. */

import { fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import { dateMs, meetsRule } from "../../records/index.ts";
import { MFAS } from "../schema.ts";
import type { Account, Accounts } from "./accounts.ts";

export type AuthMethod = "oauth2" | "otp" | "password";

export interface MfaStep {
  readonly account: Account;
  readonly method: AuthMethod;
  /** What the client got at its first step; "" at that one. */
  readonly mfaId: string;
  /** As rules see it. */
  readonly body: Readonly<Record<string, unknown>>;
}

export class Mfa {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  /**
   * Lets through who needs no second step or has just taken it. Errors: 401 `mfa_required` with an
   * `mfaId` for the second step, 400 `invalid_mfa` for one that is unknown, another's, too old or
   * taken in the same way as the first.
   */
  async pass(context: Context, step: MfaStep): Promise<void> {
    if (!(await this.#isWanted(context, step))) return;
    if (step.mfaId === "") throw await this.#challenge(context, step);
    await this.#redeem(context, step);
  }

  async #isWanted(context: Context, { account, method, body }: MfaStep): Promise<boolean> {
    const { mfa } = this.#accounts.options(account.collection);
    if (!mfa.enabled || mfa.rule === "") return mfa.enabled;
    const { models } = this.#accounts.records;
    const model = this.#accounts.model(account.collection);
    const question = { model, id: account.record.id, rule: mfa.rule, context: method, body };
    return meetsRule(context, models, question);
  }

  async #challenge(context: Context, { account, method }: MfaStep) {
    const { records } = this.#accounts;
    const { id: mfaId } = await records.create(context, MFAS, {
      collectionRef: account.collection.id,
      recordRef: account.record.id,
      method,
    });
    const message = "Sign in a second time, in another way.";
    return fail.unauthenticated("mfa_required", message, { data: { mfaId }, body: { mfaId } });
  }

  async #redeem(context: Context, { account, method, mfaId }: MfaStep): Promise<void> {
    const { records } = this.#accounts;
    const mfa = await records.find(context, MFAS, mfaId);
    if (!mfa) throw refused("Invalid or expired MFA session.");
    const { duration } = this.#accounts.options(account.collection).mfa;
    if (context.clock.now() - (dateMs(mfa.created) ?? 0) > duration * 1000) {
      await records.delete(context, MFAS, mfa.id);
      throw refused("Invalid or expired MFA session.");
    }
    const isTheirs = mfa.recordRef === account.record.id;
    if (!isTheirs || mfa.collectionRef !== account.collection.id) {
      throw refused("Invalid MFA session.");
    }
    if (mfa.method === method) throw refused("A different authentication method is required.");
    await records.delete(context, MFAS, mfa.id);
  }
}

function refused(message: string) {
  return fail.invalid("invalid_mfa", message);
}
