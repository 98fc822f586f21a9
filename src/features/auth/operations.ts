import { Type } from "@sinclair/typebox";
import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { defineOperation, type Operation } from "../../core/operation.ts";
import type { AccountsService } from "./service/accounts.ts";
import type { AuthService } from "./service/sign-in.ts";

const RecordShape = Type.Record(Type.String(), Type.Unknown());
const AuthShape = Type.Object({ record: RecordShape, token: Type.String() });
const CollectionName = Type.String({ minLength: 1, maxLength: 255 });
const RecordId = Type.String({ minLength: 1, maxLength: 255 });
const Target = { collection: CollectionName, id: RecordId };
const records = "/api/collections/:collection/records";

/** Clients of the records API call these; their answers follow it to the letter. */
export function authOperations(auth: AuthService, accounts: AccountsService): Operation[] {
  return [...signInOperations(auth), ...accountReads(accounts), ...accountWrites(accounts)];
}

function signInOperations(auth: AuthService): Operation[] {
  return [
    defineOperation({
      name: "auth.withPassword",
      kind: "write",
      summary: "Signs in with an email address and a password",
      input: Type.Object({
        collection: CollectionName,
        identity: Type.String({ minLength: 1, maxLength: 255 }),
        password: Type.String({ minLength: 1, maxLength: 255 }),
        identityField: Type.Optional(Type.Union([Type.Literal("email"), Type.Literal("")])),
      }),
      output: AuthShape,
      access: "anyone",
      errors: ["invalid_credentials", "rate_limited"],
      dialect: "records",
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rest: [{ method: "POST", path: "/api/collections/:collection/auth-with-password" }],
      run: (context, input) => auth.signIn(context, input),
    }),
    defineOperation({
      name: "auth.refresh",
      kind: "write",
      summary: "Exchanges a token for a fresh one",
      input: Type.Object({ collection: CollectionName }),
      output: AuthShape,
      access: "anyone",
      errors: ["unauthenticated", "forbidden"],
      dialect: "records",
      rest: [{ method: "POST", path: "/api/collections/:collection/auth-refresh" }],
      run: (context, input) => auth.refresh(context, input.collection, context.token ?? ""),
    }),
  ];
}

const Page = {
  page: Type.Optional(Type.Integer()),
  perPage: Type.Optional(Type.Integer()),
  filter: Type.Optional(Type.String()),
  sort: Type.Optional(Type.String()),
};

const common = { access: "anyone", dialect: "records" } as const;

function accountReads(accounts: AccountsService): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "accounts.list",
      kind: "read",
      summary: "Lists accounts: all for superusers, else one's own",
      input: Type.Object({ collection: CollectionName, ...Page }),
      output: RecordShape,
      errors: ["forbidden", "not_found"],
      rest: [{ method: "GET", path: records }],
      run(context, input) {
        // Answering as if nothing had been asked would hand out the wrong rows.
        if (input.filter || input.sort) {
          throw fail.invalid("unsupported_parameter", "filter and sort are not available here.");
        }
        const perPage = Math.min(input.perPage && input.perPage > 0 ? input.perPage : 30, 1000);
        const page = Math.max(input.page ?? 1, 1);
        return accounts.list(context, input.collection, { page, perPage });
      },
    }),
    defineOperation({
      ...common,
      name: "accounts.view",
      kind: "read",
      summary: "Shows one account",
      input: Type.Object(Target),
      output: RecordShape,
      errors: ["not_found"],
      rest: [{ method: "GET", path: `${records}/:id` }],
      run: (context, input) => accounts.view(context, input.collection, input.id),
    }),
    defineOperation({
      name: "accounts.lookup",
      kind: "read",
      summary: "Finds an account by id or email address",
      input: Type.Object({ collection: CollectionName, identity: Type.String({ maxLength: 255 }) }),
      output: RecordShape,
      access: "superuser",
      errors: ["not_found"],
      rest: [{ method: "GET", path: "/api/accounts/:collection/lookup" }],
      run: (context, input) => accounts.lookup(context, input.collection, input.identity),
    }),
  ];
}

function accountWrites(accounts: AccountsService): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "accounts.create",
      kind: "write",
      summary: "Signs up, or makes an account for somebody",
      input: Type.Object({ collection: CollectionName, body: Type.Optional(Type.Unknown()) }),
      output: RecordShape,
      errors: ["validation_failed", "forbidden"],
      bodyField: "body",
      rest: [{ method: "POST", path: records }],
      run: (context, input) => accounts.create(context, input.collection, input.body),
    }),
    defineOperation({
      ...common,
      name: "accounts.update",
      kind: "write",
      summary: "Changes one's name or password; superusers change anything",
      input: Type.Object({ ...Target, body: Type.Optional(Type.Unknown()) }),
      output: RecordShape,
      errors: ["validation_failed", "not_found"],
      bodyField: "body",
      rest: [{ method: "PATCH", path: `${records}/:id` }],
      run: (context, input) => accounts.update(context, input, input.body),
    }),
    defineOperation({
      ...common,
      name: "accounts.delete",
      kind: "write",
      summary: "Deletes an account and ends its connections",
      input: Type.Object(Target),
      output: Type.Void(),
      errors: ["not_found", "last_superuser"],
      rest: [{ method: "DELETE", path: `${records}/:id`, status: 204 }],
      run: (context, input) => accounts.delete(context, input.collection, input.id),
    }),
  ];
}
