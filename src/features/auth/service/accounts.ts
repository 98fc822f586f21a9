/** The accounts of the auth collections: who may see, make, change and delete which. */

import { type FieldError, fail, fieldErrors } from "../../../base/errors.ts";
import { isPrivileged } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { Hub } from "../../../core/hub.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import {
  type Collection,
  type RecordData,
  Records,
  type RecordsService,
} from "../../records/index.ts";
import { INSTALLER_EMAIL, SUPERUSERS, TOKEN_KEY_CHARS } from "../schema.ts";
import { type AccountInput, readAccountInput } from "./input.ts";
import { hashPassword, verifyPassword } from "./password.ts";
import { ownId, type PublicRecord, publicRecord } from "./public.ts";
import type { AuthService } from "./sign-in.ts";

export class AccountsService {
  readonly #records: RecordsService;
  readonly #auth: AuthService;
  readonly #hub: Hub;

  constructor(host: FeatureHost, auth: AuthService) {
    this.#records = host.use(Records);
    this.#hub = host.hub;
    this.#auth = auth;
  }

  async list(
    context: Context,
    nameOrId: string,
    page: { readonly page: number; readonly perPage: number },
  ) {
    const collection = this.#readable(context, nameOrId);
    const privileged = isPrivileged(context.caller);
    const where = privileged ? {} : { id: ownId(context.caller, collection) ?? "" };
    const totalItems = await this.#records.count(context, collection.name, where);
    const rows = await this.#records.list(context, collection.name, {
      where,
      limit: page.perPage,
      offset: (page.page - 1) * page.perPage,
    });
    const items = rows.map((row) => publicRecord(collection, row, context.caller));
    return { items, ...page, totalItems, totalPages: Math.ceil(totalItems / page.perPage) };
  }

  async view(context: Context, nameOrId: string, id: string): Promise<PublicRecord> {
    const collection = this.#readable(context, nameOrId);
    const record = await this.#own(context, collection, id);
    return publicRecord(collection, record, context.caller);
  }

  /** Errors: 400 with field errors; 403 for `_superusers` unless by one of them. */
  async create(context: Context, nameOrId: string, body: unknown): Promise<PublicRecord> {
    const collection = this.#readable(context, nameOrId);
    const privileged = isPrivileged(context.caller);
    const input = readAccountInput(body, { creating: true, privileged });
    if (!input.email) throw fieldErrors({ email: REQUIRED });
    const { password, ...values } = input;
    const hashed = await hashPassword(password ?? "");
    const record = await this.#records.create(context, collection.name, {
      ...values,
      verified: collection.name === SUPERUSERS || (input.verified ?? false),
      password: hashed,
      tokenKey: context.ids.secret(TOKEN_KEY_CHARS),
    });
    if (collection.name === SUPERUSERS) await this.#removeInstaller(context);
    return publicRecord(collection, record, privileged ? context.caller : "stranger");
  }

  /** A changed password or email revokes every token of the account. */
  async update(
    context: Context,
    target: { readonly collection: string; readonly id: string },
    body: unknown,
  ): Promise<PublicRecord> {
    const collection = this.#readable(context, target.collection);
    const privileged = isPrivileged(context.caller);
    const stored = await this.#own(context, collection, target.id);
    const input = readAccountInput(body, { creating: false, privileged });
    if (!privileged) await requireUnmanaged(input, stored);
    const { password, oldPassword: _, ...values } = input;
    const revoked =
      password !== undefined || (input.email !== undefined && input.email !== stored.email);
    const record = await this.#records.update(
      context,
      { collection: collection.name, id: stored.id },
      {
        ...values,
        ...(password === undefined ? {} : { password: await hashPassword(password) }),
        ...(revoked ? { tokenKey: context.ids.secret(TOKEN_KEY_CHARS) } : {}),
      },
    );
    if (revoked) this.#hub.revoke({ collection: collection.name, id: record.id });
    return publicRecord(collection, record, context.caller);
  }

  /** Error: 400 for the last superuser. */
  async delete(context: Context, nameOrId: string, id: string): Promise<void> {
    const collection = this.#readable(context, nameOrId);
    const record = await this.#own(context, collection, id);
    await context.transaction(async () => {
      await this.#records.delete(context, collection.name, record.id);
      if (collection.name === SUPERUSERS && !(await this.#auth.hasSuperuser(context))) {
        throw fail.invalid("last_superuser", "The last superuser cannot be deleted.");
      }
    });
    this.#hub.revoke({ collection: collection.name, id: record.id });
  }

  /** By id or email, for superusers. Error: 404. */
  async lookup(context: Context, nameOrId: string, identity: string): Promise<PublicRecord> {
    const collection = this.#auth.authCollection(nameOrId);
    const record =
      (await this.#auth.findByEmail(context, collection.name, identity)) ??
      (await this.#records.get(context, collection.name, identity));
    return publicRecord(collection, record, context.caller);
  }

  async #removeInstaller(context: Context): Promise<void> {
    const installer = await this.#auth.findByEmail(context, SUPERUSERS, INSTALLER_EMAIL);
    if (!installer) return;
    await this.#records.delete(context, SUPERUSERS, installer.id);
    this.#hub.revoke({ collection: SUPERUSERS, id: installer.id });
  }

  /** The collection, unless it is locked to superusers and the caller is none (403). */
  #readable(context: Context, nameOrId: string): Collection {
    const collection = this.#auth.authCollection(nameOrId);
    if (collection.listRule === null && !isPrivileged(context.caller)) {
      throw fail.forbidden("forbidden", "Only superusers can perform this action.");
    }
    return collection;
  }

  /** The caller's own record, or any for superusers; 404 for what is somebody else's. */
  async #own(context: Context, collection: Collection, id: string): Promise<RecordData> {
    const mine = ownId(context.caller, collection) === id;
    const record = await this.#records.find(context, collection.name, id);
    if (!record || !(mine || isPrivileged(context.caller))) {
      throw fail.not_found("not_found", "The requested resource wasn't found.");
    }
    return record;
  }
}

const REQUIRED: FieldError = { code: "validation_required", message: "Cannot be blank." };
const MISMATCH: FieldError = { code: "validation_values_mismatch", message: "Values don't match." };

/** What only a superuser changes, and the old password that a new one needs. */
async function requireUnmanaged(input: AccountInput, stored: RecordData): Promise<void> {
  const faults: Record<string, FieldError> = {};
  if (input.email !== undefined && input.email !== stored.email) faults.email = MISMATCH;
  if (input.verified !== undefined && input.verified !== stored.verified) {
    faults.verified = MISMATCH;
  }
  if (input.password !== undefined) {
    if (!input.oldPassword) faults.oldPassword = REQUIRED;
    else if (!(await verifyPassword(input.oldPassword, String(stored.password)))) {
      faults.oldPassword = {
        code: "validation_invalid_old_password",
        message: "Missing or invalid old password.",
      };
    }
  }
  if (Object.keys(faults).length > 0) throw fieldErrors(faults);
}
