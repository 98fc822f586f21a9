/** Signing in, refreshing, impersonating; verification, password reset, change of email. */

import { area, call, form, guest, type Json, prepare, type Step, su } from "../script.ts";
import { ACCOUNTS, ANN, BOB, CYD, mint, PAIR, RECORDS, USERS } from "./accounts.ts";
import { PASSWORD } from "./stage.ts";

function password(name: string, body: Json, query: Record<string, string> = {}): Step {
  return guest(`password: ${name}`, `POST ${USERS}/auth-with-password`, body, { query });
}

const SIGN_IN: readonly Step[] = [
  password("right", { identity: `${ANN}@x.io`, password: PASSWORD }),
  password("in capitals", { identity: `${ANN.toUpperCase()}@X.IO`, password: PASSWORD }),
  password("wrong", { identity: `${ANN}@x.io`, password: "wrong" }),
  password("unknown", { identity: "nobody@x.io", password: PASSWORD }),
  password("identity is no email", { identity: "nobody", password: PASSWORD }),
  password("nothing", {}),
  password("no body", null),
  password("empty", { identity: "", password: "" }),
  password("too long", { identity: "a".repeat(256), password: "a".repeat(256) }),
  password("wrong types", { identity: 5, password: [] }),
  password("identity field", {
    identity: `${ANN}@x.io`,
    password: PASSWORD,
    identityField: "email",
  }),
  password("unknown identity field", { identity: "x", password: PASSWORD, identityField: "name" }),
  password(
    "picked fields",
    { identity: `${ANN}@x.io`, password: PASSWORD },
    { fields: "token,record.id" },
  ),
  guest(
    "password: as a form",
    `POST ${USERS}/auth-with-password`,
    form(["identity", `${ANN}@x.io`], ["password", PASSWORD]),
    {
      query: { fields: "record.email" },
    },
  ),
  guest("password: in no auth collection", "POST /api/collections/_mfas/auth-with-password", {
    identity: "a",
    password: "b",
  }),
  guest("password: in no collection", "POST /api/collections/nope/auth-with-password", {}),
  call(
    "bob",
    "password: as somebody else",
    `POST ${USERS}/auth-with-password`,
    {
      identity: `${ANN}@x.io`,
      password: PASSWORD,
    },
    { query: { fields: "record.id" } },
  ),
  guest("methods", `GET ${USERS}/auth-methods`),
  guest("methods as the client asks", `GET ${USERS}/auth-methods`, undefined, {
    query: { fields: "mfa,otp,password,oauth2" },
  }),
  guest("methods of superusers", "GET /api/collections/_superusers/auth-methods"),
  guest("methods of no auth collection", "GET /api/collections/_mfas/auth-methods"),
  guest("methods of nothing", "GET /api/collections/nope/auth-methods"),
];

const REFRESH: readonly Step[] = [
  call("ann", "refresh", `POST ${USERS}/auth-refresh`),
  call("ann", "refresh with fields", `POST ${USERS}/auth-refresh`, undefined, {
    query: { fields: "record.id" },
  }),
  guest("refresh as guest", `POST ${USERS}/auth-refresh`),
  su("refresh as superuser of users", `POST ${USERS}/auth-refresh`),
  su("refresh as superuser", "POST /api/collections/_superusers/auth-refresh"),
  call("ann", "refresh of superusers", "POST /api/collections/_superusers/auth-refresh"),
  call("ann", "refresh of nothing", "POST /api/collections/nope/auth-refresh"),
  ...[
    "Bearer {ann}",
    "bearer {ann}",
    "BEARER {ann}",
    "Token {ann}",
    "Bearer  {ann}",
    " {ann}",
    "{ann}x",
  ].map((authorization) => {
    return guest(`header: ${authorization}`, `POST ${USERS}/auth-refresh`, undefined, {
      headers: { authorization },
      query: { fields: "record.id" },
    });
  }),
  mint("minted", ANN, { type: "auth", refreshable: true }),
  mint("ended", ANN, { type: "auth", refreshable: true }, -5),
  mint("static", ANN, { type: "auth", refreshable: false }, 3000),
  mint("without refreshable", ANN, { type: "auth" }),
  mint("of another type", ANN, { type: "verification" }),
  mint("of another", ANN, { type: "auth", refreshable: true, id: BOB }),
  mint("of another collection", ANN, { type: "auth", collectionId: "pbc_3142635823" }),
  ...["minted", "ended", "static", "without refreshable", "of another type", "of another"].map(
    (name) => {
      return call(name, `token ${name}`, `POST ${USERS}/auth-refresh`);
    },
  ),
  call("of another collection", "token of another collection", `POST ${USERS}/auth-refresh`),
  guest("a token by name in the query is nothing", `POST ${USERS}/auth-refresh?token={ann}`),
];

const IMPERSONATE: readonly Step[] = [
  su(
    "impersonate",
    `POST ${USERS}/impersonate/${ANN}`,
    { duration: 3600 },
    { keep: { asann: "token" } },
  ),
  su("impersonate for the usual time", `POST ${USERS}/impersonate/${ANN}`),
  su("impersonate for 0 seconds", `POST ${USERS}/impersonate/${ANN}`, { duration: 0 }),
  su("impersonate for less", `POST ${USERS}/impersonate/${ANN}`, { duration: -1 }),
  su("impersonate for words", `POST ${USERS}/impersonate/${ANN}`, { duration: "x" }),
  su("impersonate nobody", `POST ${USERS}/impersonate/nobody`),
  call("ann", "impersonate as user", `POST ${USERS}/impersonate/${BOB}`),
  guest("impersonate as guest", `POST ${USERS}/impersonate/${BOB}`),
  call("asann", "use it", `GET ${RECORDS}`, undefined, { query: { fields: "id,email" } }),
  call("asann", "refresh gives the same", `POST ${USERS}/auth-refresh`),
];

const RULED: readonly Step[] = [
  prepare("only verified ones", `PATCH ${USERS}`, { authRule: "verified = true" }),
  password("auth rule unmet", { identity: `${BOB}@x.io`, password: PASSWORD }),
  call("bob", "auth rule changed: tokens end", `POST ${USERS}/auth-refresh`),
  su(
    "impersonate against the rule",
    `POST ${USERS}/impersonate/${BOB}`,
    {},
    { query: { fields: "record.id" } },
  ),
  prepare("bob is verified", `PATCH ${RECORDS}/${BOB}`, { verified: true }),
  password(
    "auth rule met",
    { identity: `${BOB}@x.io`, password: PASSWORD },
    { fields: "record.id" },
  ),
  prepare("nobody", `PATCH ${USERS}`, { authRule: null }),
  password("auth rule null", { identity: `${BOB}@x.io`, password: PASSWORD }),
  prepare("everybody, no password", `PATCH ${USERS}`, {
    authRule: "",
    passwordAuth: { enabled: false, identityFields: ["email"] },
  }),
  password("disabled", { identity: `${BOB}@x.io`, password: PASSWORD }),
  guest("methods without password", `GET ${USERS}/auth-methods`),
  guest("password reset when disabled", `POST ${USERS}/request-password-reset`, {
    email: `${BOB}@x.io`,
  }),
  guest("one-time password when disabled", `POST ${USERS}/request-otp`, { email: `${BOB}@x.io` }),
  guest("sign-in by it when disabled", `POST ${USERS}/auth-with-otp`, {
    otpId: "a",
    password: "b",
  }),
  guest("OAuth2 when disabled", `POST ${USERS}/auth-with-oauth2`, {
    provider: "google",
    code: "x",
  }),
  prepare("by nick", `PATCH ${USERS}`, {
    fields: [{ name: "nick", type: "text" }],
    indexes: ["CREATE UNIQUE INDEX idx_users_nick ON users (nick COLLATE NOCASE) WHERE nick != ''"],
    passwordAuth: { enabled: true, identityFields: ["nick"] },
  }),
  prepare("bob's nick", `PATCH ${RECORDS}/${BOB}`, { nick: "Bobby" }),
  password("by nick", { identity: "Bobby", password: PASSWORD }, { fields: "record.id" }),
  password(
    "by nick in capitals",
    { identity: "BOBBY", password: PASSWORD },
    { fields: "record.id" },
  ),
  password("by email when only nicks count", { identity: `${BOB}@x.io`, password: PASSWORD }),
];

export const AUTH = area("auth", [...ACCOUNTS, ...SIGN_IN, ...REFRESH, ...IMPERSONATE, ...RULED]);

const VERIFY: readonly Step[] = [
  guest("request verification", `POST ${USERS}/request-verification`, { email: `${ANN}@x.io` }),
  guest("request verification again", `POST ${USERS}/request-verification`, {
    email: `${ANN}@x.io`,
  }),
  guest("request verification of nobody", `POST ${USERS}/request-verification`, {
    email: "no@x.io",
  }),
  guest("request verification of no email", `POST ${USERS}/request-verification`, { email: "no" }),
  guest("request verification of nothing", `POST ${USERS}/request-verification`, {}),
  guest(
    "request verification of a superuser",
    "POST /api/collections/_superusers/request-verification",
    {
      email: "root@example.com",
    },
  ),
  guest(
    "request verification in no auth collection",
    "POST /api/collections/_mfas/request-verification",
    {},
  ),
  mint("verify", ANN, { type: "verification", email: `${ANN}@x.io` }),
  mint("verify ended", ANN, { type: "verification", email: `${ANN}@x.io` }, -5),
  mint("verify another email", ANN, { type: "verification", email: "other@x.io" }),
  mint("verify without email", ANN, { type: "verification" }),
  mint("verify as auth", ANN, { type: "auth", email: `${ANN}@x.io` }),
  ...["verify ended", "verify another email", "verify without email", "verify as auth"].map(
    (token) => {
      return guest(`confirm: ${token}`, `POST ${USERS}/confirm-verification`, {
        token: `{${token}}`,
      });
    },
  ),
  guest("confirm verification with nothing", `POST ${USERS}/confirm-verification`, {}),
  guest("confirm verification with words", `POST ${USERS}/confirm-verification`, {
    token: "words",
  }),
  guest(
    "confirm verification elsewhere",
    "POST /api/collections/_superusers/confirm-verification",
    {
      token: "{verify}",
    },
  ),
  guest("confirm verification", `POST ${USERS}/confirm-verification`, { token: "{verify}" }),
  su("it is verified", `GET ${RECORDS}/${ANN}`, undefined, { query: { fields: "verified" } }),
  guest("confirm verification again", `POST ${USERS}/confirm-verification`, { token: "{verify}" }),
  guest("request verification of a verified one", `POST ${USERS}/request-verification`, {
    email: `${ANN}@x.io`,
  }),
];

const RESET: readonly Step[] = [
  guest("request reset", `POST ${USERS}/request-password-reset`, { email: `${BOB}@x.io` }),
  guest("request reset again", `POST ${USERS}/request-password-reset`, { email: `${BOB}@x.io` }),
  guest("request reset of nobody", `POST ${USERS}/request-password-reset`, { email: "no@x.io" }),
  guest("request reset of no email", `POST ${USERS}/request-password-reset`, { email: "no" }),
  guest("request reset of nothing", `POST ${USERS}/request-password-reset`, {}),
  mint("reset", BOB, { type: "passwordReset", email: `${BOB}@x.io` }),
  mint("reset ended", BOB, { type: "passwordReset", email: `${BOB}@x.io` }, -5),
  mint("reset another email", CYD, { type: "passwordReset", email: "other@x.io" }),
  guest("reset with nothing", `POST ${USERS}/confirm-password-reset`, {}),
  guest("reset with an ended token", `POST ${USERS}/confirm-password-reset`, {
    token: "{reset ended}",
    ...PAIR,
  }),
  guest("reset with words", `POST ${USERS}/confirm-password-reset`, { token: "words", ...PAIR }),
  guest("reset with another confirmation", `POST ${USERS}/confirm-password-reset`, {
    token: "{reset}",
    password: "another-one",
    passwordConfirm: "no",
  }),
  guest("reset too short", `POST ${USERS}/confirm-password-reset`, {
    token: "{reset}",
    password: "a",
    passwordConfirm: "a",
  }),
  guest("reset the password", `POST ${USERS}/confirm-password-reset`, {
    token: "{reset}",
    password: "another-one",
    passwordConfirm: "another-one",
  }),
  su("reset verifies", `GET ${RECORDS}/${BOB}`, undefined, { query: { fields: "verified" } }),
  guest("reset again", `POST ${USERS}/confirm-password-reset`, { token: "{reset}", ...PAIR }),
  call("bob", "the token ended", `POST ${USERS}/auth-refresh`),
  guest(
    "sign in with the new one",
    `POST ${USERS}/auth-with-password`,
    {
      identity: `${BOB}@x.io`,
      password: "another-one",
    },
    { query: { fields: "record.id" } },
  ),
  guest("reset by another email's token", `POST ${USERS}/confirm-password-reset`, {
    token: "{reset another email}",
    ...PAIR,
  }),
  su("that does not verify", `GET ${RECORDS}/${CYD}`, undefined, { query: { fields: "verified" } }),
];

const EMAIL: readonly Step[] = [
  guest("request change as guest", `POST ${USERS}/request-email-change`, { newEmail: "new@x.io" }),
  su("request change as superuser", `POST ${USERS}/request-email-change`, { newEmail: "new@x.io" }),
  su("request change of a superuser", "POST /api/collections/_superusers/request-email-change", {
    newEmail: "new@x.io",
  }),
  call("ann", "request change with nothing", `POST ${USERS}/request-email-change`, {}),
  call("ann", "request change to no email", `POST ${USERS}/request-email-change`, {
    newEmail: "no",
  }),
  call("ann", "request change to the same", `POST ${USERS}/request-email-change`, {
    newEmail: `${ANN}@x.io`,
  }),
  call("ann", "request change to a taken one", `POST ${USERS}/request-email-change`, {
    newEmail: `${BOB}@x.io`,
  }),
  mint("change", ANN, { type: "emailChange", email: `${ANN}@x.io`, newEmail: "new@x.io" }),
  mint("change to taken", ANN, {
    type: "emailChange",
    email: `${ANN}@x.io`,
    newEmail: `${CYD}@x.io`,
  }),
  mint("change from another", CYD, {
    type: "emailChange",
    email: "other@x.io",
    newEmail: "n@x.io",
  }),
  mint("change to nothing", ANN, { type: "emailChange", email: `${ANN}@x.io` }),
  mint("change ended", ANN, { type: "emailChange", email: `${ANN}@x.io`, newEmail: "m@x.io" }, -5),
  ...["change to taken", "change to nothing", "change ended", "change from another"].map(
    (token) => {
      return guest(`confirm: ${token}`, `POST ${USERS}/confirm-email-change`, {
        token: `{${token}}`,
        password: PASSWORD,
      });
    },
  ),
  guest("confirm change with nothing", `POST ${USERS}/confirm-email-change`, {}),
  guest("confirm change with a wrong password", `POST ${USERS}/confirm-email-change`, {
    token: "{change}",
    password: "wrong",
  }),
  guest("confirm change", `POST ${USERS}/confirm-email-change`, {
    token: "{change}",
    password: PASSWORD,
  }),
  su("it is changed", `GET ${RECORDS}/${ANN}`, undefined, { query: { fields: "email,verified" } }),
  guest("confirm change again", `POST ${USERS}/confirm-email-change`, {
    token: "{change}",
    password: PASSWORD,
  }),
  call("ann", "the old token ended", `POST ${USERS}/auth-refresh`),
];

export const FLOWS = area("flows", [...ACCOUNTS, ...VERIFY, ...RESET, ...EMAIL]);
