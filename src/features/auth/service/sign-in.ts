/** Sign-in and tokens of the auth collections. */

import type { Clock } from "../../../base/clock.ts";
import { assert, fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Caller } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { FeatureHost, TokenOrigin, TokenScheme } from "../../../core/registry.ts";
import { TokenBuckets } from "../../../tools/token-bucket.ts";
import {
  type Collection,
  hashPassword,
  type PublicRecord,
  presentExpanded,
  type RecordData,
  Records,
  type RecordsService,
  verifyPassword,
} from "../../records/index.ts";
import { INSTALLER_EMAIL, PASSWORD_COST, SUPERUSERS, TOKEN_KEY_CHARS } from "../schema.ts";
import { type IssueOptions, issueAuthToken, readClaims, verifyAuthToken } from "./tokens.ts";

export interface AuthResult {
  readonly record: PublicRecord;
  readonly token: string;
}

/** Of the same cost as a real one, so that an unknown identity takes as long as a wrong password. */
const NOBODYS_HASH = "$2b$10$4bGqVpeSe9srmZ2XZON8WO3TV6AFWf1a2ZLeDU6xl3I/38YiJOV6y";

export class AuthService {
  readonly #records: RecordsService;
  readonly #clock: Clock;
  readonly #host: FeatureHost;
  readonly #failures = new TokenBuckets(LIMITS.rateBucketsMax);
  readonly #failureLimit: { readonly count: number; readonly windowMs: number };

  constructor(host: FeatureHost, options: { readonly signInPerMinute: number }) {
    this.#host = host;
    this.#records = host.use(Records);
    this.#clock = host.clock;
    this.#failureLimit = { count: options.signInPerMinute, windowMs: 60_000 };
  }

  /** Error: 404 where the name is no auth collection. */
  authCollection(nameOrId: string): Collection {
    const collection = this.#records.collection(nameOrId);
    if (collection?.type !== "auth") {
      throw fail.not_found("not_found", "The requested resource wasn't found.");
    }
    return collection;
  }

  get tokenScheme(): TokenScheme {
    return {
      name: "jwt",
      matches: (token) => token.split(".").length === 3,
      authenticate: (token, origin) => this.#authenticate(token, origin),
    };
  }

  async #authenticate(token: string, origin: TokenOrigin): Promise<Caller | undefined> {
    const claims = readClaims(token);
    if (claims?.type !== "auth") return undefined;
    const collection = this.#records.collection(claims.collectionId);
    if (collection?.type !== "auth" || collection.id !== claims.collectionId) return undefined;
    const context = this.#host.context();
    const record = await this.#records.find(context, collection.id, claims.id);
    if (!record) return undefined;
    const valid = await verifyAuthToken(token, collection, { record, clock: this.#clock });
    if (!valid) return undefined;
    const common = {
      id: record.id,
      collection: collection.name,
      ip: origin.ip,
      expiresAt: claims.exp * 1000,
      refreshable: claims.refreshable,
      record,
    };
    if (collection.name === SUPERUSERS) return { ...common, kind: "superuser" };
    return { ...common, kind: "user", name: String(record.name ?? "") };
  }

  /**
   * Errors: 400 with no details whatever was wrong, 429 after too many failures of this identity
   * from this address.
   */
  async signIn(
    context: Context,
    credentials: {
      readonly collection: string;
      readonly identity: string;
      readonly password: string;
    },
  ): Promise<AuthResult> {
    const collection = this.authCollection(credentials.collection);
    const identity = credentials.identity.toLowerCase();
    const key = `${collection.id} ${identity} ${context.caller.ip}`;
    this.#countAttempt(key);
    const record = await this.findByEmail(context, collection.name, credentials.identity);
    const hash = record ? String(record.password) : NOBODYS_HASH;
    const right = await verifyPassword(credentials.password, hash);
    if (!record || !right) {
      throw fail.invalid("invalid_credentials", "Failed to authenticate.");
    }
    this.#failures.restore(key, this.#failureLimit);
    return this.#result(context, collection, record);
  }

  #countAttempt(key: string): void {
    const waitMs = this.#failures.take(key, this.#failureLimit, this.#clock.monotonic());
    if (waitMs === 0) return;
    const retryAfter = Math.ceil(waitMs / 1000);
    throw fail.rate_limited("rate_limited", `Too many attempts: try again in ${retryAfter} s.`, {
      retryAfter,
    });
  }

  /** Error: 401 for guests, 403 for a caller of another collection. */
  async refresh(context: Context, nameOrId: string, token: string): Promise<AuthResult> {
    const collection = this.authCollection(nameOrId);
    const { caller } = context;
    if (caller.kind !== "user" && caller.kind !== "superuser") {
      throw fail.unauthenticated("unauthenticated", "Sign in first: this needs a valid token.");
    }
    if (caller.collection !== collection.name) {
      throw fail.forbidden("forbidden", "The token is of another collection.");
    }
    const record = await this.#records.get(context, collection.name, caller.id);
    if (!caller.refreshable) {
      return { record: await this.#shown(context, collection, record), token };
    }
    return this.#result(context, collection, record);
  }

  async #result(context: Context, collection: Collection, record: RecordData): Promise<AuthResult> {
    const token = await issueAuthToken(collection, record, { clock: this.#clock });
    return { record: await this.#shown(context, collection, record), token };
  }

  /** One's own record: the address is there whatever its owner lets others see. */
  async #shown(
    context: Context,
    collection: Collection,
    record: RecordData,
  ): Promise<PublicRecord> {
    const { models } = this.#records;
    const model = models.find(collection.id);
    assert(model, `a model of ${collection.name}`);
    const ownIds = new Set([record.id]);
    const options = { model, records: [record], ownIds, expand: "" };
    const [shown] = await presentExpanded(context, models, options);
    return shown ?? {};
  }

  async issueToken(
    context: Context,
    target: { readonly collection: string; readonly id: string },
    options: IssueOptions = {},
  ): Promise<string> {
    const collection = this.authCollection(target.collection);
    const record = await this.#records.get(context, collection.name, target.id);
    return issueAuthToken(collection, record, { ...options, clock: this.#clock });
  }

  findByEmail(context: Context, collection: string, email: string) {
    if (email === "") return Promise.resolve(undefined);
    return this.#records.find(context, collection, { email });
  }

  /** Whether anybody but the installer can administer the server. */
  async hasSuperuser(context: Context): Promise<boolean> {
    const total = await this.#records.count(context, SUPERUSERS);
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
    const password = await hashPassword(context.ids.secret(30), PASSWORD_COST);
    return this.#records.create(context, SUPERUSERS, {
      email: INSTALLER_EMAIL,
      password,
      tokenKey: context.ids.secret(TOKEN_KEY_CHARS),
      verified: true,
    });
  }

  /** By id or email, for superusers. Error: 404. */
  async lookup(context: Context, nameOrId: string, identity: string): Promise<PublicRecord> {
    const collection = this.authCollection(nameOrId);
    const record =
      (await this.findByEmail(context, collection.name, identity)) ??
      (await this.#records.get(context, collection.name, identity));
    return this.#shown(context, collection, record);
  }
}
