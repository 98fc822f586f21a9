import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { EmailChange } from "../service/email-change.ts";
import type { PasswordReset } from "../service/password-reset.ts";
import type { AuthService } from "../service/sign-in.ts";
import type { Verification } from "../service/verification.ts";
import {
  Answer,
  AuthShape,
  CollectionName,
  common,
  FormText,
  FormWhole,
  pick,
  RecordShape,
  routeOf,
} from "./shapes.ts";

export interface AccountParts {
  readonly auth: AuthService;
  readonly verification: Verification;
  readonly passwordReset: PasswordReset;
  readonly emailChange: EmailChange;
}

const step = {
  ...common,
  kind: "write",
  output: Type.Void(),
  bodyBytesMax: LIMITS.signallingBodyBytesMax,
} as const;

/** What accounts do once they are there: stay signed in, prove addresses, change what signs in. */
export function accountOperations(parts: AccountParts): Operation[] {
  return [
    ...sessions(parts),
    ...verifications(parts),
    ...passwordResets(parts),
    ...emailChanges(parts),
  ];
}

function sessions({ auth }: AccountParts): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "auth.refresh",
      kind: "write",
      summary: "Exchanges a token for a fresh one",
      input: Type.Object({ collection: CollectionName, ...Answer }),
      output: AuthShape,
      query: ["expand", "fields"],
      errors: ["unauthenticated", "forbidden", "auth_rule"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rateTags: ["authRefresh"],
      rest: routeOf("auth-refresh"),
      run: async (context, input) => pick(context, input, await auth.refresh(context, input)),
    }),
    defineOperation({
      name: "auth.impersonate",
      kind: "write",
      summary: "Gives a superuser a token of somebody else's, which cannot be refreshed",
      input: Type.Object({
        collection: CollectionName,
        id: Type.String({ minLength: 1, maxLength: 255 }),
        duration: FormWhole,
        ...Answer,
      }),
      output: AuthShape,
      access: "superuser",
      dialect: "records",
      query: ["expand", "fields"],
      errors: ["not_found", "validation_failed"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rest: routeOf("impersonate/:id"),
      run: async (context, input) => pick(context, input, await auth.impersonate(context, input)),
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

function verifications({ verification }: AccountParts): Operation[] {
  return [
    defineOperation({
      ...step,
      name: "auth.requestVerification",
      summary: "Sends a link that verifies an address",
      input: Type.Object({ collection: CollectionName, email: FormText }),
      errors: ["validation_failed", "superusers_are_verified"],
      rateTags: ["requestVerification"],
      rest: routeOf("request-verification", 204),
      run: (context, input) => verification.request(context, input),
    }),
    defineOperation({
      ...step,
      name: "auth.confirmVerification",
      summary: "Verifies an address with the link's token",
      input: Type.Object({ collection: CollectionName, token: FormText }),
      errors: ["validation_failed", "superusers_are_verified"],
      rateTags: ["confirmVerification"],
      rest: routeOf("confirm-verification", 204),
      run: (context, input) => verification.confirm(context, input),
    }),
  ];
}

function passwordResets({ passwordReset }: AccountParts): Operation[] {
  return [
    defineOperation({
      ...step,
      name: "auth.requestPasswordReset",
      summary: "Sends a link to choose a new password",
      input: Type.Object({ collection: CollectionName, email: FormText }),
      errors: ["validation_failed", "password_disabled"],
      rateTags: ["requestPasswordReset"],
      rest: routeOf("request-password-reset", 204),
      run: (context, input) => passwordReset.request(context, input),
    }),
    defineOperation({
      ...step,
      name: "auth.confirmPasswordReset",
      summary: "Sets a new password with the link's token",
      input: Type.Object({
        collection: CollectionName,
        token: FormText,
        password: FormText,
        passwordConfirm: FormText,
      }),
      errors: ["validation_failed"],
      rateTags: ["confirmPasswordReset"],
      rest: routeOf("confirm-password-reset", 204),
      run: (context, input) => passwordReset.confirm(context, input),
    }),
  ];
}

function emailChanges({ emailChange }: AccountParts): Operation[] {
  return [
    defineOperation({
      ...step,
      name: "auth.requestEmailChange",
      summary: "Sends a link to a new address",
      input: Type.Object({ collection: CollectionName, newEmail: FormText }),
      errors: ["unauthenticated", "forbidden", "validation_failed", "mail_failed"],
      rateTags: ["requestEmailChange"],
      rest: routeOf("request-email-change", 204),
      run: (context, input) => emailChange.request(context, input),
    }),
    defineOperation({
      ...step,
      name: "auth.confirmEmailChange",
      summary: "Changes the address with the link's token and the password",
      input: Type.Object({ collection: CollectionName, token: FormText, password: FormText }),
      errors: ["validation_failed"],
      rateTags: ["confirmEmailChange"],
      rest: routeOf("confirm-email-change", 204),
      run: (context, input) => emailChange.confirm(context, input),
    }),
  ];
}
