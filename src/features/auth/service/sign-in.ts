/** Accounts as other features and wires know them: tokens, superusers, who somebody is. */

import { fieldErrors } from "../../../base/errors.ts";
import type { Caller } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { FeatureHost, TokenOrigin, TokenScheme } from "../../../core/registry.ts";
import {
  type Collection,
  type PublicRecord,
  presentExpanded,
  type RecordData,
} from "../../records/index.ts";
import { INSTALLER_EMAIL, PASSWORD_COST, SUPERUSERS, TOKEN_KEY_CHARS } from "../schema.ts";
import type { AccountMails } from "./account-mails.ts";
import type { Accounts, IssueOptions } from "./accounts.ts";
import { type Answers, type AuthResult, callerOf } from "./answers.ts";
import type { Background } from "./background.ts";
import { type FormInput, malformedBody } from "./forms.ts";
import type { TokenType } from "./tokens.ts";

export interface AccountPlace {
  readonly collection: string;
  readonly id: string;
}

export class AuthService {
  readonly #host: FeatureHost;
  readonly #accounts: Accounts;
  readonly #answers: Answers;
  readonly #background: Background;
  /** The mails of accounts, for who previews them. */
  readonly mails: AccountMails;

  constructor(
    host: FeatureHost,
    parts: {
      readonly accounts: Accounts;
      readonly answers: Answers;
      readonly mails: AccountMails;
      readonly background: Background;
    },
  ) {
    this.#host = host;
    this.#accounts = parts.accounts;
    this.#answers = parts.answers;
    this.mails = parts.mails;
    this.#background = parts.background;
  }

  /** Resolves when nothing is under way that an answer did not wait for: no mail, above all. */
  idle(): Promise<void> {
    return this.#background.settled();
  }

  /** Error: 404 where the name is no auth collection. */
  authCollection(nameOrId: string): Collection {
    return this.#accounts.collection(nameOrId);
  }

  get tokenScheme(): TokenScheme {
    return {
      name: "jwt",
      matches: (token) => token.split(".").length === 3,
      authenticate: (token, origin) => this.authenticate(token, origin),
    };
  }

  /** Whom a token of this type stands for: undefined where it is not valid. */
  async authenticate(
    token: string,
    origin: TokenOrigin,
    type: TokenType = "auth",
  ): Promise<Caller | undefined> {
    const bearer = await this.#accounts.bearer(this.#host.context(), token, type);
    return bearer && callerOf(bearer, origin);
  }

  /** Error: 401 for guests, 403 for a caller of another collection. */
  async refresh(
    context: Context,
    input: FormInput & { readonly collection: string },
  ): Promise<AuthResult> {
    const account = this.#accounts.ownCollection(context, input.collection);
    const { caller, token } = context;
    const isStatic = "refreshable" in caller && !caller.refreshable && token !== undefined;
    return this.#answers.give(context, { account, input, ...(isStatic ? { token } : {}) });
  }

  /** A token of somebody else's, for superusers; it cannot be refreshed. Errors: 404, 400. */
  async impersonate(context: Context, input: FormInput & AccountPlace): Promise<AuthResult> {
    const collection = this.#accounts.collection(input.collection);
    const record = await this.#accounts.records.get(context, collection.id, input.id);
    const account = { collection, record };
    const given = readDuration(context, input.duration);
    const seconds = given === 0 ? {} : { seconds: given };
    const options = { type: "auth", refreshable: false, ...seconds } as const;
    const token = this.#accounts.issue(context, account, options);
    return this.#answers.give(context, { account, input, token });
  }

  async issueToken(
    context: Context,
    target: AccountPlace,
    options: IssueOptions & { readonly type?: TokenType } = {},
  ): Promise<string> {
    const collection = this.#accounts.collection(target.collection);
    const record = await this.#accounts.records.get(context, collection.id, target.id);
    const type = options.type ?? "auth";
    const refreshable = type === "auth" ? { refreshable: true } : {};
    return this.#accounts.issue(
      context,
      { collection, record },
      { ...refreshable, ...options, type },
    );
  }

  findByEmail(context: Context, collection: string, email: string) {
    return this.#accounts.findByEmail(context, this.#accounts.collection(collection), email);
  }

  /** Whether anybody but the installer can administer the server. */
  async hasSuperuser(context: Context): Promise<boolean> {
    const total = await this.#accounts.records.count(context, SUPERUSERS);
    if (total !== 1) return total > 0;
    return (await this.findByEmail(context, SUPERUSERS, INSTALLER_EMAIL)) === undefined;
  }

  /** A token good for 30 minutes that lets its bearer make the first superuser. */
  async setupToken(context: Context): Promise<string> {
    const known = await this.findByEmail(context, SUPERUSERS, INSTALLER_EMAIL);
    const installer = known ?? (await this.#createInstaller(context));
    const target = { collection: SUPERUSERS, id: installer.id };
    return this.issueToken(context, target, { seconds: 1800, refreshable: false });
  }

  async #createInstaller(context: Context): Promise<RecordData> {
    const { records } = this.#accounts;
    const password = await records.passwords.hash(context.ids.secret(30), PASSWORD_COST);
    return records.create(context, SUPERUSERS, {
      email: INSTALLER_EMAIL,
      password,
      tokenKey: context.ids.secret(TOKEN_KEY_CHARS),
      verified: true,
    });
  }

  /** By id or email, for superusers. Error: 404. */
  async lookup(context: Context, nameOrId: string, identity: string): Promise<PublicRecord> {
    const collection = this.#accounts.collection(nameOrId);
    const { records } = this.#accounts;
    const record =
      (await this.#accounts.findByEmail(context, collection, identity)) ??
      (await records.get(context, collection.id, identity));
    const model = this.#accounts.model(collection);
    const options = { model, record, ownIds: new Set([record.id]), expand: "" };
    return presentExpanded(context, records.models, options);
  }
}

/** Seconds; 0 for the collection's own. */
function readDuration(context: Context, given: unknown): number {
  const isForm = /form/.test(context.request?.headers.get("content-type") ?? "");
  const value = isForm && typeof given === "string" ? Number(given) : (given ?? 0);
  if (!Number.isSafeInteger(value)) throw malformedBody();
  if (Number(value) >= 0) return Number(value);
  const code = "validation_min_greater_equal_than_required";
  const message = "Must be no less than 0.";
  throw fieldErrors({ duration: { code, message, params: { threshold: 0 } } });
}
