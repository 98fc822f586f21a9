/** The last steps of every sign-in: may it, in two steps, from where, and what it gets. */

import { fail } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import type { Caller } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { FeatureHost, TokenOrigin } from "../../../core/registry.ts";
import { meetsRule, type PublicRecord, presentExpanded } from "../../records/index.ts";
import { SUPERUSERS } from "../schema.ts";
import type { Account, Accounts, TokenBearer } from "./accounts.ts";
import { type FormInput, queryText, readTexts } from "./forms.ts";
import type { AuthMethod, Mfa } from "./mfa.ts";
import type { Origins } from "./origins.ts";

export interface AuthResult {
  readonly record: PublicRecord;
  readonly token: string;
  readonly meta?: Readonly<Record<string, unknown>>;
}

export interface SignedIn {
  readonly account: Account;
  /** Undefined: no second step and no mail, the token of old or a superuser stands for it. */
  readonly method?: AuthMethod;
  /** A new one by default. */
  readonly token?: string;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly input: FormInput;
}

export class Answers {
  readonly #host: FeatureHost;
  readonly #accounts: Accounts;
  readonly #mfa: Mfa;
  readonly #origins: Origins;
  readonly #log: Log;

  constructor(
    host: FeatureHost,
    parts: { readonly accounts: Accounts; readonly mfa: Mfa; readonly origins: Origins },
  ) {
    this.#host = host;
    this.#accounts = parts.accounts;
    this.#mfa = parts.mfa;
    this.#origins = parts.origins;
    this.#log = host.log;
  }

  /**
   * Errors: 403 `auth_rule` where the collection's authRule does not let the account in, 401
   * `mfa_required`, 400 `invalid_mfa`.
   */
  async give(context: Context, signedIn: SignedIn): Promise<AuthResult> {
    const { account, method, input, meta } = signedIn;
    await this.#checkRule(context, signedIn);
    if (method) {
      const body = bodyOf(input);
      const mfaId = queryText(context, input, "mfaId") || readTexts(context, body, ["mfaId"]).mfaId;
      await this.#mfa.pass(context, { account, method, mfaId, body });
    }
    const token = signedIn.token ?? this.#accounts.issue(context, account, NEW_TOKEN);
    const claims = { exp: Number.POSITIVE_INFINITY, refreshable: false };
    const caller = callerOf({ ...account, claims }, context.caller);
    const record = await this.#show(context, { account, caller, input });
    if (method && this.#accounts.options(account.collection).authAlert.enabled) {
      await this.#noteOrigin(context, account);
    }
    return meta ? { meta, record, token } : { record, token };
  }

  async #checkRule(context: Context, { account, method, input }: SignedIn): Promise<void> {
    if (context.caller.kind === "superuser" || context.caller.kind === "system") return;
    const { authRule } = this.#accounts.options(account.collection);
    const { models } = this.#accounts.records;
    const model = this.#accounts.model(account.collection);
    const asked = { context: method ?? "default", body: bodyOf(input) } as const;
    const met =
      authRule !== null &&
      (await meetsRule(context, models, {
        model,
        id: account.record.id,
        rule: authRule,
        ...asked,
      }));
    if (met) return;
    const message = "The account doesn't meet the collection's requirements to authenticate.";
    throw fail.forbidden("auth_rule", message);
  }

  /** As the account itself sees it: its address is there whatever it lets others see. */
  async #show(
    context: Context,
    { account, caller, input }: Pick<SignedIn, "account" | "input"> & { readonly caller: Caller },
  ): Promise<PublicRecord> {
    const { requestId, request } = context;
    const own = this.#host.context({ caller, requestId, ...(request ? { request } : {}) });
    return presentExpanded(own, this.#accounts.records.models, {
      model: this.#accounts.model(account.collection),
      record: account.record,
      ownIds: new Set([account.record.id]),
      expand: queryText(context, input, "expand"),
    });
  }

  /** Nobody is kept out because a place could not be noted. */
  async #noteOrigin(context: Context, account: Account): Promise<void> {
    try {
      await this.#origins.note(context, account);
    } catch (cause) {
      this.#log.warn("the place of a sign-in could not be noted", { cause });
    }
  }
}

const NEW_TOKEN = { type: "auth", refreshable: true } as const;

/** What rules see as the body: the input without what the path and the query gave. */
function bodyOf({ collection: _, id: __, ...body }: FormInput): FormInput {
  return body;
}

export function callerOf(
  {
    collection,
    record,
    claims,
  }: Account & { readonly claims: Pick<TokenBearer["claims"], "exp" | "refreshable"> },
  origin: TokenOrigin,
): Caller {
  const caller = {
    id: record.id,
    collection: collection.name,
    expiresAt: claims.exp * 1000,
    refreshable: claims.refreshable,
    record,
    get ip() {
      return origin.ip;
    },
  };
  if (collection.name === SUPERUSERS) return Object.assign(caller, { kind: "superuser" } as const);
  return Object.assign(caller, { kind: "user", name: String(record.name ?? "") } as const);
}
