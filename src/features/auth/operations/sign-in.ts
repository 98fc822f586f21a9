import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { Accounts } from "../service/accounts.ts";
import { authMethods } from "../service/methods.ts";
import type { OAuth2Redirect } from "../service/oauth2/redirect.ts";
import type { OAuth2SignIn } from "../service/oauth2/sign-in.ts";
import type { Otps } from "../service/otp.ts";
import type { PasswordSignIn } from "../service/password.ts";
import {
  Answer,
  AuthShape,
  CollectionName,
  common,
  FormObject,
  FormText,
  pick,
  RecordShape,
  routeOf,
} from "./shapes.ts";

export interface SignInParts {
  readonly accounts: Accounts;
  readonly password: PasswordSignIn;
  readonly otps: Otps;
  readonly oauth2: OAuth2SignIn;
  readonly redirect: OAuth2Redirect;
}

const signIn = {
  ...common,
  kind: "write",
  output: AuthShape,
  query: ["expand", "fields", "mfaId"],
  bodyBytesMax: LIMITS.signallingBodyBytesMax,
} as const;
const steps = ["auth_rule", "mfa_required", "invalid_mfa"];

/** The ways to sign in. Clients of the records API call these; answers follow it to the letter. */
export function signInOperations(parts: SignInParts): Operation[] {
  return [methods(parts), ...passwords(parts), ...oneTime(parts), ...oauth2(parts)];
}

function methods({ accounts }: SignInParts): Operation {
  return defineOperation({
    ...common,
    name: "auth.methods",
    kind: "read",
    summary: "How one can sign in",
    input: Type.Object({ collection: CollectionName, fields: FormText }),
    output: RecordShape,
    errors: ["not_found"],
    rateTags: ["listAuthMethods"],
    rest: [{ method: "GET", path: "/api/collections/:collection/auth-methods" }],
    run: async (context, input) =>
      pick(context, input, authMethods(context, accounts, input.collection)),
  });
}

function passwords({ password }: SignInParts): Operation[] {
  return [
    defineOperation({
      ...signIn,
      name: "auth.withPassword",
      summary: "Signs in with an address or another identity, and a password",
      input: Type.Object({
        collection: CollectionName,
        identity: FormText,
        password: FormText,
        identityField: FormText,
        mfaId: FormText,
        ...Answer,
      }),
      errors: ["invalid_credentials", "password_disabled", "rate_limited", ...steps],
      rateTags: ["authWithPassword", "auth"],
      rest: routeOf("auth-with-password"),
      run: async (context, input) => pick(context, input, await password.signIn(context, input)),
    }),
  ];
}

function oneTime({ otps }: SignInParts): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "auth.requestOtp",
      kind: "write",
      summary: "Sends a one-time password by mail",
      input: Type.Object({ collection: CollectionName, email: FormText, fields: FormText }),
      output: Type.Object({ otpId: Type.String() }),
      query: ["fields"],
      errors: ["otp_disabled", "validation_failed"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rateTags: ["requestOTP"],
      rest: routeOf("request-otp"),
      run: async (context, input) => pick(context, input, await otps.request(context, input)),
    }),
    defineOperation({
      name: "auth.makeOtp",
      kind: "write",
      summary: "Makes a one-time password that a superuser hands over",
      input: Type.Object({
        collection: CollectionName,
        id: Type.String({ minLength: 1, maxLength: 255 }),
      }),
      output: Type.Object({
        otpId: Type.String(),
        password: Type.String(),
        seconds: Type.Number(),
      }),
      access: "superuser",
      errors: ["not_found", "otp_disabled"],
      rest: [{ method: "POST", path: "/api/accounts/:collection/:id/otp" }],
      run: (context, input) => otps.make(context, input),
    }),
    defineOperation({
      ...signIn,
      name: "auth.withOtp",
      summary: "Signs in with a one-time password",
      input: Type.Object({
        collection: CollectionName,
        otpId: FormText,
        password: FormText,
        mfaId: FormText,
        ...Answer,
      }),
      errors: ["otp_disabled", "invalid_otp", "rate_limited", ...steps],
      rateTags: ["authWithOTP", "auth"],
      rest: routeOf("auth-with-otp"),
      run: async (context, input) => pick(context, input, await otps.signIn(context, input)),
    }),
  ];
}

function oauth2({ oauth2, redirect }: SignInParts): Operation[] {
  return [
    defineOperation({
      ...signIn,
      name: "auth.withOauth2",
      summary: "Signs in with the code that a provider gave",
      input: Type.Object({
        collection: CollectionName,
        provider: FormText,
        code: FormText,
        codeVerifier: FormText,
        redirectURL: FormText,
        createData: FormObject,
        mfaId: FormText,
        ...Answer,
      }),
      errors: ["oauth2_disabled", "oauth2_token", "oauth2_user", "validation_failed", ...steps],
      // A new account's data comes with it.
      bodyBytesMax: LIMITS.httpBodyBytesMax,
      rateTags: ["authWithOAuth2", "auth"],
      rest: routeOf("auth-with-oauth2"),
      run: async (context, input) => pick(context, input, await oauth2.signIn(context, input)),
    }),
    defineOperation({
      ...common,
      name: "auth.oauth2Redirect",
      kind: "write",
      summary: "Takes back a browser from a provider and tells the client that waits",
      input: Type.Object({ state: FormText, code: FormText, error: FormText, user: FormText }),
      output: Type.Object({ location: Type.String() }),
      answers: "redirect",
      errors: [],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      // Its address holds a code.
      quiet: true,
      rest: [
        { method: "GET", path: "/api/oauth2-redirect", status: 307 },
        { method: "POST", path: "/api/oauth2-redirect", status: 303 },
      ],
      run: async (context, input) => redirect.receive(context, input),
    }),
  ];
}
