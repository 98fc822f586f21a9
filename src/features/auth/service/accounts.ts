/** Auth collections, their accounts, and the tokens that stand for these. */

import { assert, fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import {
  type AuthOptions,
  type Collection,
  findUniqueIndex,
  type Model,
  NO_AUTH_OPTIONS,
  type RecordData,
  Records,
  type RecordsService,
  readAuthOptions,
} from "../../records/index.ts";
import { findInAnyCase } from "../store.ts";
import { KnownBearers } from "./known-bearers.ts";
import { isGenuine, readClaims, signToken, type TokenClaims, type TokenType } from "./tokens.ts";

export interface IssueOptions {
  /** Seconds; what the collection says for the type by default. */
  readonly seconds?: number;
  readonly refreshable?: boolean;
  readonly email?: string;
  readonly newEmail?: string;
}

/** An account and where it is. */
export interface Account {
  readonly collection: Collection;
  readonly record: RecordData;
}

export type TokenBearer = Account & { readonly claims: TokenClaims };

const TOKEN_OPTIONS = {
  auth: "authToken",
  emailChange: "emailChangeToken",
  file: "fileToken",
  passwordReset: "passwordResetToken",
  verification: "verificationToken",
} as const satisfies Record<TokenType, keyof AuthOptions>;

export class Accounts {
  readonly records: RecordsService;
  /** Made new with the schema, so that a changed collection has its changed options. */
  readonly #options = new WeakMap<Collection, AuthOptions>();
  readonly #bearers = new KnownBearers();

  constructor(host: Pick<FeatureHost, "use">) {
    this.records = host.use(Records);
  }

  /** Error: 404 where the name is no auth collection. */
  collection(nameOrId: string): Collection {
    const collection = this.records.collection(nameOrId);
    if (collection?.type !== "auth") throw missing();
    return collection;
  }

  /** Error: 404 for what is no auth collection; 401 and 403 where the caller is not one of its. */
  ownCollection(context: Context, nameOrId: string): Account {
    const { caller } = context;
    if (caller.kind !== "user" && caller.kind !== "superuser") {
      throw fail.unauthenticated("unauthenticated", "Sign in first: this needs a valid token.");
    }
    const collection = this.records.collection(nameOrId);
    if (!collection) throw missing();
    if (caller.collection !== collection.name) {
      throw fail.forbidden("forbidden", "The token is of another collection.");
    }
    // A superuser by other means than a token has no account.
    if (typeof caller.record.id !== "string") throw missing();
    return { collection, record: caller.record as RecordData };
  }

  model(collection: Collection): Model {
    const model = this.records.models.find(collection.id);
    assert(model, `a model of ${collection.name}`);
    return model;
  }

  options(collection: Collection): AuthOptions {
    let options = this.#options.get(collection);
    if (!options) {
      options = readAuthOptions(collection.options, NO_AUTH_OPTIONS);
      this.#options.set(collection, options);
    }
    return options;
  }

  /** By the value of a field with a unique index of its own, in the way that index compares. */
  async findBy(
    context: Context,
    collection: Collection,
    { field, value }: { readonly field: string; readonly value: string },
  ): Promise<RecordData | undefined> {
    if (value === "") return undefined;
    const index = findUniqueIndex(collection.indexes, field);
    if (index?.columns[0]?.collate.toLowerCase() !== "nocase") {
      return this.records.find(context, collection.id, { [field]: value });
    }
    const row = await findInAnyCase(context.db, { table: collection.name, field, value });
    return row && this.records.decode(collection.id, row);
  }

  findByEmail(context: Context, collection: Collection, email: string) {
    return this.findBy(context, collection, { field: "email", value: email });
  }

  issue(
    context: Pick<Context, "clock">,
    { collection, record }: Account,
    { type, seconds, ...claims }: IssueOptions & { readonly type: TokenType },
  ): string {
    const { duration } = this.options(collection)[TOKEN_OPTIONS[type]];
    const exp = Math.floor(context.clock.now() / 1000) + (seconds ?? duration);
    const all = { ...claims, collectionId: collection.id, exp, id: record.id, type };
    return signToken(all, this.#key({ collection, record }, type));
  }

  /** Whose valid token of this type it is; undefined where it is none. */
  async bearer(context: Context, token: string, type: TokenType): Promise<TokenBearer | undefined> {
    const known = this.#bearers.find(token, context.clock.now());
    if (known?.bearer.claims.type === type) {
      const { collection } = known.bearer;
      // A changed schema has other collections, a changed row another version.
      const isSame = this.records.collection(collection.id) === collection;
      if (isSame && context.db.version([collection.name]) === known.version) return known.bearer;
    }
    const collection = this.records.collection(readClaims(token)?.collectionId ?? "");
    const version = collection && context.db.version([collection.name]);
    const bearer = await this.#verify(context, token, type);
    if (bearer && version !== undefined) this.#bearers.add(token, { bearer, version });
    return bearer;
  }

  async #verify(
    context: Context,
    token: string,
    type: TokenType,
  ): Promise<TokenBearer | undefined> {
    const claims = readClaims(token);
    if (claims?.type !== type) return undefined;
    const collection = this.records.collection(claims.collectionId);
    if (collection?.type !== "auth" || collection.id !== claims.collectionId) return undefined;
    const record = await this.records.find(context, collection.id, claims.id);
    if (!record) return undefined;
    const key = this.#key({ collection, record }, type);
    const genuine = isGenuine(token, { key, exp: claims.exp, now: context.clock.now() });
    return genuine ? { collection, record, claims } : undefined;
  }

  #key({ collection, record }: Account, type: TokenType): string {
    return String(record.tokenKey) + this.options(collection)[TOKEN_OPTIONS[type]].secret;
  }
}

function missing() {
  return fail.not_found("not_found", "The requested resource wasn't found.");
}
