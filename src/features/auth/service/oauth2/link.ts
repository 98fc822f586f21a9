/** Whose account an external user is: found, linked or made. */

import { fail } from "../../../../base/errors.ts";
import type { Context } from "../../../../core/context.ts";
import type { FeatureHost } from "../../../../core/registry.ts";
import type { OAuth2Client } from "../../../../infra/oauth2/client.ts";
import { NewPassword } from "../../../../tools/fields/password-kind.ts";
import type {
  Collection,
  RecordData,
  RecordEvent,
  RecordPipeline,
  Values,
} from "../../../records/index.ts";
import { EXTERNAL_AUTHS, PASSWORD_COST, SUPERUSERS } from "../../schema.ts";
import type { Accounts } from "../accounts.ts";
import { newAccountBody } from "./new-account.ts";
import type { ExternalUser } from "./user.ts";

export interface LinkRequest {
  readonly collection: Collection;
  /** Of the provider, as the collection calls it. */
  readonly provider: string;
  readonly user: ExternalUser;
  readonly createData: Values;
}

export interface LinkedAccount {
  readonly record: RecordData;
  readonly isNew: boolean;
}

const RANDOM_PASSWORD_CHARS = 30;

export class AccountLinks {
  readonly #accounts: Accounts;
  readonly #client: OAuth2Client;
  readonly #pipeline: RecordPipeline;
  /** What the account that a context makes is linked with, in the transaction that makes it. */
  readonly #making = new WeakMap<Context, LinkRequest>();

  constructor(
    host: FeatureHost,
    parts: {
      readonly accounts: Accounts;
      readonly client: OAuth2Client;
      readonly pipeline: RecordPipeline;
    },
  ) {
    this.#accounts = parts.accounts;
    this.#client = parts.client;
    this.#pipeline = parts.pipeline;
    host.hooks.bind<RecordEvent>("record.create@auth", (event, next) => this.#made(event, next));
  }

  /**
   * In this order: the account that is linked with the user; the caller's own; the one with the
   * user's address; a new one, as far as the collection's createRule lets it be made. Errors: those
   * of a create.
   */
  async account(context: Context, request: LinkRequest): Promise<LinkedAccount> {
    const link = await this.#link(context, request);
    const known = link
      ? await this.#accounts.records.get(context, request.collection.id, String(link.recordRef))
      : await this.#candidate(context, request);
    if (!known) return { record: await this.#create(context, request), isNew: true };
    const record = await this.#join(context, request, { record: known, isLinked: !!link });
    return { record, isNew: false };
  }

  #link(context: Context, { collection, provider, user }: LinkRequest) {
    const where = { collectionRef: collection.id, provider, providerId: user.id };
    return this.#accounts.records.find(context, EXTERNAL_AUTHS, where);
  }

  async #candidate(context: Context, { collection, user }: LinkRequest) {
    const { caller } = context;
    const isOwn = caller.kind === "user" && caller.collection === collection.name;
    if (isOwn) return this.#accounts.records.find(context, collection.id, caller.id);
    return this.#accounts.findByEmail(context, collection, user.email);
  }

  /** Brings an account up to what the provider says of it, and links it where it is not. */
  async #join(
    context: Context,
    request: LinkRequest,
    { record, isLinked }: { readonly record: RecordData; readonly isLinked: boolean },
  ): Promise<RecordData> {
    const { collection, user } = request;
    const { caller } = context;
    const isCaller = caller.kind === "user" && caller.id === record.id;
    // Somebody else may have signed up with an address that was never theirs: out with them.
    const isSuspect = !isCaller && record.email !== "" && !record.verified;
    const email = record.email === "" ? user.email : String(record.email);
    const verified = record.verified || email === "" || email === user.email;
    const { records } = this.#accounts;
    const changes: Record<string, unknown> = {};
    if (email !== record.email) changes.email = email;
    if (verified !== record.verified) changes.verified = verified;
    if (isSuspect) {
      const random = context.ids.secret(RANDOM_PASSWORD_CHARS);
      changes.password = await records.passwords.hash(random, PASSWORD_COST);
    }
    return context.transaction(async () => {
      if (isSuspect && !isLinked) await this.#unlinkAll(context, collection, record);
      const place = { collection: collection.id, id: record.id };
      const changed = Object.keys(changes).length > 0;
      const joined = changed ? await records.update(context, place, changes) : record;
      if (!isLinked) await this.#createLink(context, request, record.id);
      return joined;
    });
  }

  async #unlinkAll(context: Context, collection: Collection, record: RecordData): Promise<void> {
    const { records } = this.#accounts;
    const where = { collectionRef: collection.id, recordRef: record.id };
    // One for each provider at most.
    const links = await records.list(context, EXTERNAL_AUTHS, { where, limit: 100 });
    for (const { id } of links) await records.delete(context, EXTERNAL_AUTHS, id);
  }

  async #createLink(context: Context, request: LinkRequest, recordId: string): Promise<void> {
    await this.#accounts.records.create(context, EXTERNAL_AUTHS, {
      collectionRef: request.collection.id,
      recordRef: recordId,
      provider: request.provider,
      providerId: request.user.id,
    });
  }

  async #create(context: Context, request: LinkRequest): Promise<RecordData> {
    const { collection, user } = request;
    if (collection.name === SUPERUSERS) {
      throw fail.invalid("superusers_sign_up", "Superusers are not allowed to sign up.");
    }
    const body = await newAccountBody(context, request, {
      accounts: this.#accounts,
      client: this.#client,
    });
    if (!Object.hasOwn(body, "password")) {
      const plain = context.ids.secret(RANDOM_PASSWORD_CHARS);
      body.password = new NewPassword(plain, { isGenerated: true });
      body.passwordConfirm = plain;
    }
    this.#making.set(context, request);
    try {
      await this.#pipeline.create(context, collection.id, { body, context: "oauth2" });
    } finally {
      this.#making.delete(context);
    }
    const link = await this.#link(context, request);
    if (!link) throw fail.invalid("oauth2_unlinked", `The account of ${user.id} was not linked.`);
    return this.#accounts.records.get(context, collection.id, String(link.recordRef));
  }

  async #made(event: RecordEvent, next: () => Promise<void>): Promise<void> {
    const { context, collection } = event;
    const request = this.#making.get(context);
    if (request?.collection.id !== collection.id) return next();
    // What the provider vouches for is verified, also where neither knows an address.
    if (event.record.email === request.user.email)
      event.record = { ...event.record, verified: true };
    await next();
    await this.#createLink(context, request, event.record.id);
  }
}
