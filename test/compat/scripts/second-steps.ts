/** One-time passwords, and two ways of signing in one after the other. */

import { area, call, form, guest, type Json, prepare, type Step, su } from "../script.ts";
import { ACCOUNTS, ANN, BOB, CYD, PAIR, RECORDS, USERS } from "./accounts.ts";
import { PASSWORD } from "./stage.ts";

const OTPS = "/api/collections/_otps/records";
const MFAS = "/api/collections/_mfas/records";
const TEMPLATE = {
  subject: "{OTP} of {APP_NAME}",
  body: "<p>Code:{OTP}: id:{OTP_ID}: for {RECORD:email} at {APP_URL}</p>",
};
const CODE = "Code:(\\d+):";

const email = (id: string) => `${id}@x.io`;

const MAILS: readonly Step[] = [
  prepare("stage: mails", "PATCH /api/settings", {
    smtp: { enabled: true, host: "127.0.0.1", port: "{smtpPort}" },
  }),
  prepare("stage: one-time passwords", `PATCH ${USERS}`, {
    authAlert: { enabled: false },
    otp: { enabled: true, duration: 600, length: 6, emailTemplate: TEMPLATE },
  }),
];

/**
 * A one-time password as `{id.name}` and `{code.name}`. Where it was sent to is noted a moment after the mail came,
 * so what depends on that stands some calls later.
 */
function requested(name: string, id: string, into = USERS): Step[] {
  const keep = { [`id.${name}`]: "otpId" };
  return [
    guest(`${name}: request`, `POST ${into}/request-otp`, { email: email(id) }, { keep }),
    { kind: "mail", name: `${name}: mail`, keep: { [`code.${name}`]: CODE } },
  ];
}

function otp(name: string, body: Json, query: Record<string, string> = {}): Step {
  return guest(name, `POST ${USERS}/auth-with-otp`, body, { query });
}

function given(name: string): { otpId: string; password: string } {
  return { otpId: `{id.${name}}`, password: `{code.${name}}` };
}

const REQUESTS: readonly Step[] = [
  guest("methods with one-time passwords", `GET ${USERS}/auth-methods`),
  guest("request nothing", `POST ${USERS}/request-otp`, {}),
  guest("request no email", `POST ${USERS}/request-otp`, { email: "no" }),
  guest("request a long one", `POST ${USERS}/request-otp`, { email: `${"a".repeat(260)}@x.io` }),
  guest("request for a number", `POST ${USERS}/request-otp`, { email: 5 }),
  guest("request for nobody", `POST ${USERS}/request-otp`, { email: "nobody@x.io" }),
  guest("request in no auth collection", "POST /api/collections/_mfas/request-otp", {}),
  guest("request in nothing", "POST /api/collections/nope/request-otp", {}),
  guest("request as a form", `POST ${USERS}/request-otp`, form(["email", "nobody@x.io"])),
  guest("request of superusers", "POST /api/collections/_superusers/request-otp", {
    email: "root@example.com",
  }),
  su("superusers' without a second step", "PATCH /api/collections/_superusers", {
    otp: { enabled: true },
  }),
  su("too short to be safe", `PATCH ${USERS}`, { otp: { enabled: true, length: 3 } }),
  su("too quick to be typed", `PATCH ${USERS}`, { otp: { enabled: true, duration: 9 } }),
];

const SIGN_IN: readonly Step[] = [
  otp("nothing", {}),
  otp("no body", null),
  otp("empty", { otpId: "", password: "" }),
  otp("too long", { otpId: "a".repeat(256), password: "1".repeat(72) }),
  otp("wrong types", { otpId: 5, password: [] }),
  otp("unknown", { otpId: "nobodys00000000", password: "123456" }),
  ...requested("ann", ANN),
  su("what is kept of it", `GET ${OTPS}`, undefined, {
    query: { fields: "collectionId,collectionName,collectionRef,recordRef,created" },
  }),
  call("ann", "ann lists hers", `GET ${OTPS}`, undefined, { query: { fields: "recordRef" } }),
  call("bob", "bob lists his", `GET ${OTPS}`, undefined, { query: { fields: "recordRef" } }),
  guest("a guest lists none", `GET ${OTPS}`),
  otp("wrong", { otpId: "{id.ann}", password: "x" }),
  prepare("stage: another collection", "POST /api/collections", {
    name: "others",
    type: "auth",
    otp: { enabled: true },
  }),
  guest("in another collection", "POST /api/collections/others/auth-with-otp", given("ann")),
  otp("right", given("ann")),
  otp("again", given("ann")),
  su("it has verified ann", `GET ${RECORDS}/${ANN}`, undefined, { query: { fields: "verified" } }),
  su("it is gone", `GET ${OTPS}`, undefined, { query: { fields: "recordRef" } }),
  ...requested("as a form", BOB),
  guest(
    "signs in by a form",
    `POST ${USERS}/auth-with-otp`,
    form(["otpId", "{id.as a form}"], ["password", "{code.as a form}"]),
    { query: { fields: "record.email" } },
  ),
];

const ENDS: readonly Step[] = [
  ...requested("before a new address", CYD),
  prepare("cyd moves", `PATCH ${RECORDS}/${CYD}`, { email: "moved@x.io" }),
  otp("after a new address", given("before a new address"), { fields: "record.verified" }),
  guest(
    "request at the new address",
    `POST ${USERS}/request-otp`,
    { email: "moved@x.io" },
    {
      keep: { "id.moved": "otpId" },
    },
  ),
  { kind: "mail", name: "mail to the new address", keep: { "code.moved": CODE } },
  prepare("cyd has a new password", `PATCH ${RECORDS}/${CYD}`, {
    password: "another-one",
    passwordConfirm: "another-one",
  }),
  otp("after a new password", given("moved")),
  ...requested("guessed", "dan000000000000"),
  ...[1, 2, 3, 4, 5, 6].map((count) => {
    return otp(`guess ${count}`, { otpId: "{id.guessed}", password: "x" });
  }),
  otp("right, too late", given("guessed")),
  prepare("only those with a name", `PATCH ${USERS}`, { authRule: "name != ''" }),
  ...requested("against the rule", BOB),
  otp("against the rule", given("against the rule")),
  otp("against the rule again", given("against the rule")),
  prepare("bob has a name", `PATCH ${RECORDS}/${BOB}`, { name: "Bob" }),
  ...requested("by the rule", BOB),
  otp("by the rule", given("by the rule"), { fields: "record.name" }),
];

export const OTP = area("otp", [...ACCOUNTS, ...MAILS, ...REQUESTS, ...SIGN_IN, ...ENDS], {
  services: ["smtp"],
});

function password(name: string, body: Json, keep: Record<string, string> = {}): Step {
  return guest(name, `POST ${USERS}/auth-with-password`, body, { keep });
}

const ann = { identity: email(ANN), password: PASSWORD };
const bob = { identity: email(BOB), password: PASSWORD };

const STEPS: readonly Step[] = [
  prepare("stage: no one-time passwords", `PATCH ${USERS}`, { otp: { enabled: false } }),
  su("one way is not enough", `PATCH ${USERS}`, { mfa: { enabled: true } }),
  su("the rule of second steps is checked", `PATCH ${USERS}`, {
    otp: { enabled: true },
    mfa: { enabled: true, rule: "missing = 1" },
  }),
  su("time to type is needed", `PATCH ${USERS}`, {
    otp: { enabled: true },
    mfa: { enabled: true, duration: 9 },
  }),
  prepare("stage: two steps", `PATCH ${USERS}`, {
    otp: { enabled: true },
    mfa: { enabled: true, duration: 900 },
  }),
  guest("methods with two steps", `GET ${USERS}/auth-methods`),
  password("wrong first step", { ...ann, password: "wrong" }),
  password("first step", ann, { first: "mfaId" }),
  su("what is kept of a first step", `GET ${MFAS}`, undefined, {
    query: { fields: "collectionId,collectionName,collectionRef,recordRef,method,created" },
  }),
  call("ann", "ann lists her first steps", `GET ${MFAS}`, undefined, {
    query: { fields: "method" },
  }),
  call("bob", "bob lists his first steps", `GET ${MFAS}`, undefined, { query: { fields: "id" } }),
  password("the same way again", { ...ann, mfaId: "{first}" }),
  password("another's first step", { ...bob, mfaId: "{first}" }),
  password("an unknown first step", { ...ann, mfaId: "nobodys00000000" }),
  ...requested("ann", ANN),
  otp("an unknown first step by code", { ...given("ann"), mfaId: "nobodys00000000" }),
  ...requested("ann second", ANN),
  otp("second step", { ...given("ann second"), mfaId: "{first}" }),
  su("the first step is gone", `GET ${MFAS}`, undefined, { query: { fields: "recordRef" } }),
  ...requested("ann third", ANN),
  otp("the first step is used up", { ...given("ann third"), mfaId: "{first}" }),
  ...requested("bob", BOB),
  guest("the code first", `POST ${USERS}/auth-with-otp`, given("bob"), {
    keep: { code: "mfaId" },
  }),
  guest("then the password, named in the query", `POST ${USERS}/auth-with-password`, bob, {
    query: { mfaId: "{code}", fields: "record.email,mfaId" },
  }),
  call("ann", "refreshing takes one step", `POST ${USERS}/auth-refresh`, undefined, {
    query: { fields: "record.id" },
  }),
  su("impersonating takes one step", `POST ${USERS}/impersonate/${ANN}`, undefined, {
    query: { fields: "record.id" },
  }),
];

const NAMED: readonly Step[] = [
  password("a first step before a new password", ann, { early: "mfaId" }),
  prepare("ann has a new password", `PATCH ${RECORDS}/${ANN}`, PAIR),
  su("first steps end with the password", `GET ${MFAS}`, undefined, {
    query: { fields: "method" },
  }),
  prepare("only for those with a name", `PATCH ${USERS}`, { mfa: { rule: "name = 'Bob'" } }),
  guest("methods with a rule", `GET ${USERS}/auth-methods`, undefined, {
    query: { fields: "mfa" },
  }),
  prepare("bob is named", `PATCH ${RECORDS}/${BOB}`, { name: "Bob" }),
  guest("ann needs one step", `POST ${USERS}/auth-with-password`, ann, {
    query: { fields: "record.id" },
  }),
  password("bob needs two", bob, { bobs: "mfaId" }),
  ...requested("ann with bob", ANN),
  otp("with another's first step", { ...given("ann with bob"), mfaId: "{bobs}" }),
  prepare("nobody may sign in", `PATCH ${USERS}`, { authRule: "name = 'x'" }),
  password("the rule of signing in comes first", bob),
  prepare("all may", `PATCH ${USERS}`, { authRule: "" }),
  password("bob's last", bob, { last: "mfaId" }),
  prepare("bob leaves", `DELETE ${RECORDS}/${BOB}`),
  su("his first steps leave with him", `GET ${MFAS}`, undefined, { query: { fields: "method" } }),
];

export const MFA = area("mfa", [...ACCOUNTS, ...MAILS, ...STEPS, ...NAMED], {
  services: ["smtp"],
});
