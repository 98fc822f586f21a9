import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../base/limits.ts";
import { defineOperation, type Operation } from "../../core/operation.ts";
import type { AuthService } from "./service/sign-in.ts";

const RecordShape = Type.Record(Type.String(), Type.Unknown());
const AuthShape = Type.Object({ record: RecordShape, token: Type.String() });
const CollectionName = Type.String({ minLength: 1, maxLength: 255 });

/** Clients of the records API call these; their answers follow it to the letter. */
export function authOperations(auth: AuthService): Operation[] {
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
    defineOperation({
      name: "auth.lookup",
      kind: "read",
      summary: "Finds an account by id or email address",
      input: Type.Object({ collection: CollectionName, identity: Type.String({ maxLength: 255 }) }),
      output: RecordShape,
      access: "superuser",
      errors: ["not_found"],
      rest: [{ method: "GET", path: "/api/accounts/:collection/lookup" }],
      run: (context, input) => auth.lookup(context, input.collection, input.identity),
    }),
  ];
}
