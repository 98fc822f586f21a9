/** Signing in with an account elsewhere, and what is kept of it. */

import {
  area,
  type CallOptions,
  call,
  guest,
  type JsonObject,
  prepare,
  raw,
  type Step,
  su,
} from "../script.ts";
import { ACCOUNTS, ANN, BOB, CYD, RECORDS, USERS } from "./accounts.ts";
import { PASSWORD } from "./stage.ts";

const LINKS = "/api/collections/_externalAuths/records";
const BACK = "https://app.example/back";
const PROVIDER = {
  name: "oidc",
  clientId: "client",
  clientSecret: "secret",
  authURL: "{oidc}/authorize",
  tokenURL: "{oidc}/token",
  userInfoURL: "{oidc}/userinfo",
  displayName: "Ours",
};

/** The provider gives the user that the code itself is. */
function withCode(
  name: string,
  user: JsonObject,
  { as = "guest", body = {}, ...options }: CallOptions & { as?: string; body?: JsonObject } = {},
): Step {
  const sent = { provider: "oidc", code: JSON.stringify(user), redirectURL: BACK, ...body };
  return call(as, name, `POST ${USERS}/auth-with-oauth2`, sent, options);
}

function user(sub: string, more: JsonObject = {}): JsonObject {
  return { sub, email: `${sub}@x.io`, email_verified: true, ...more };
}

const RECORD = { query: { fields: "record.email,record.name,record.verified,meta.isNew" } };

const CONFIGURED: readonly Step[] = [
  su("a provider without a client", `PATCH ${USERS}`, {
    oauth2: { enabled: true, providers: [{ name: "google" }] },
  }),
  su("an unknown provider", `PATCH ${USERS}`, {
    oauth2: { enabled: true, providers: [{ name: "none", clientId: "a", clientSecret: "b" }] },
  }),
  su("two of one name", `PATCH ${USERS}`, { oauth2: { providers: [PROVIDER, PROVIDER] } }),
  su("no address", `PATCH ${USERS}`, { oauth2: { providers: [{ ...PROVIDER, authURL: "no" }] } }),
  su(
    "configured",
    `PATCH ${USERS}`,
    { authAlert: { enabled: false }, oauth2: { enabled: true, providers: [PROVIDER] } },
    { only: ["oauth2"] },
  ),
  guest("methods", `GET ${USERS}/auth-methods`),
];

const REFUSED: readonly Step[] = [
  guest("nothing", `POST ${USERS}/auth-with-oauth2`, {}),
  guest("no body", `POST ${USERS}/auth-with-oauth2`),
  guest("in no auth collection", "POST /api/collections/_mfas/auth-with-oauth2", {}),
  guest("of superusers", "POST /api/collections/_superusers/auth-with-oauth2", {}),
  withCode("provider that is off", user("a"), { body: { provider: "google" } }),
  withCode("no provider", user("a"), { body: { provider: "" } }),
  withCode("no address to come back to", user("a"), { body: { redirectURL: "" } }),
  withCode("no code", user("a"), { body: { code: "" } }),
  withCode("a refused code", user("a"), { body: { code: "refused" } }),
  withCode("data that is no object", user("a"), { body: { createData: "x" } }),
  withCode("no email", { sub: "none" }),
  withCode("an email that is not verified", user("unverified", { email_verified: false })),
];

const MADE: readonly Step[] = [
  withCode("new", user("eve", { name: "Eve", preferred_username: "evie", picture: "no" }), {
    keep: { eve: "token", eveId: "record.id" },
  }),
  withCode("the same", user("eve", { email: "elsewhere@x.io" }), RECORD),
  call("eve", "the token is good", `POST ${USERS}/auth-refresh`, undefined, {
    query: { fields: "record.email" },
  }),
  withCode("the old name of the address", user("eve"), {
    body: { redirectURL: "", redirectUrl: BACK },
    ...RECORD,
  }),
  withCode("with data", user("fay", { name: "Fay" }), {
    body: { createData: { name: "Fanny", email: "other@x.io" } },
    ...RECORD,
  }),
  withCode("with data that is not valid", user("gil"), {
    body: { createData: { email: "no" } },
  }),
  withCode("with a password", user("hal"), {
    body: { createData: { password: PASSWORD, passwordConfirm: PASSWORD } },
    ...RECORD,
  }),
  guest(
    "that password works",
    `POST ${USERS}/auth-with-password`,
    {
      identity: "hal@x.io",
      password: PASSWORD,
    },
    { query: { fields: "record.email" } },
  ),
  withCode("with an id", user("ida"), {
    body: { createData: { id: "ida000000000000" } },
    query: { fields: "record.id" },
  }),
  withCode("verified in data", user("jim"), { body: { createData: { verified: true } } }),
  prepare("a rule of creating", `PATCH ${USERS}`, {
    createRule: "@request.context = 'oauth2' && @request.body.name = 'Kim'",
  }),
  withCode("against the rule", user("kim", { name: "Lou" })),
  withCode("by the rule", user("kim", { name: "Kim" }), RECORD),
  prepare("nobody is created", `PATCH ${USERS}`, { createRule: null }),
  withCode("against no rule", user("max")),
  withCode("who is there needs none", user("kim"), RECORD),
  prepare("anybody is created", `PATCH ${USERS}`, { createRule: "" }),
];

const LINKED: readonly Step[] = [
  withCode("an unverified record of that email", user("bob-1", { email: `${BOB}@x.io` }), RECORD),
  guest("its password is lost", `POST ${USERS}/auth-with-password`, {
    identity: `${BOB}@x.io`,
    password: PASSWORD,
  }),
  call("bob", "its tokens too", `POST ${USERS}/auth-refresh`),
  prepare("cyd is verified", `PATCH ${RECORDS}/${CYD}`, { verified: true }),
  withCode("a verified record of that email", user("cyd-1", { email: `${CYD}@x.io` }), RECORD),
  guest(
    "its password stays",
    `POST ${USERS}/auth-with-password`,
    {
      identity: `${CYD}@x.io`,
      password: PASSWORD,
    },
    { query: { fields: "record.id" } },
  ),
  withCode("one who is signed in", user("ann-1"), { as: "ann", ...RECORD }),
  call("ann", "the token stays good", `POST ${USERS}/auth-refresh`, undefined, {
    query: { fields: "record.verified" },
  }),
  withCode("signed in, but the account is another's", user("cyd-1"), { as: "ann", ...RECORD }),
  withCode("signed in, a second account", user("ann-2"), { as: "ann", ...RECORD }),
  withCode("a superuser who is signed in", user("new-1"), { as: "superuser", ...RECORD }),
];

const KEPT: readonly Step[] = [
  su("the links", `GET ${LINKS}`, undefined, {
    query: { sort: "providerId", fields: "collectionName,collectionRef,provider,providerId" },
  }),
  guest("a guest sees none", `GET ${LINKS}`),
  call("ann", "ann sees hers", `GET ${LINKS}`, undefined, {
    query: { filter: `recordRef = "${ANN}"`, fields: "provider,providerId" },
  }),
  call("eve", "eve sees hers", `GET ${LINKS}`, undefined, { keep: { link: "items.0.id" } }),
  call("ann", "ann makes one", `POST ${LINKS}`, {
    collectionRef: "_pb_users_auth_",
    recordRef: ANN,
    provider: "oidc",
    providerId: "x",
  }),
  call("eve", "eve changes hers", `PATCH ${LINKS}/{link}`, { providerId: "x" }),
  call("ann", "ann takes eve's away", `DELETE ${LINKS}/{link}`),
  call("eve", "eve takes hers away", `DELETE ${LINKS}/{link}`),
  withCode("who is unlinked is found by email", user("eve"), RECORD),
  su("a link to nobody", `POST ${LINKS}`, {
    collectionRef: "_pb_users_auth_",
    recordRef: "nobody000000000",
    provider: "oidc",
    providerId: "y",
  }),
  su("a link of no provider", `POST ${LINKS}`, {
    collectionRef: "_pb_users_auth_",
    recordRef: ANN,
    provider: "none",
    providerId: "y",
  }),
  su("a second link of a provider's account", `POST ${LINKS}`, {
    collectionRef: "_pb_users_auth_",
    recordRef: ANN,
    provider: "oidc",
    providerId: "cyd-1",
  }),
  prepare("eve leaves", `DELETE ${RECORDS}/{eveId}`),
  su("her links leave with her", `GET ${LINKS}`, undefined, {
    query: { filter: 'providerId = "eve"', fields: "id" },
  }),
];

const FIELDS = [
  { name: "outer", type: "text" },
  { name: "username", type: "text", max: 10 },
  { name: "photo", type: "url" },
];

const MAPPED: readonly Step[] = [
  su("its fields", `GET ${USERS}`, undefined, {
    only: ["oauth2.mappedFields", "oauth2.enabled", "oauth2.providers"],
  }),
  prepare("stage: a collection for its fields", "POST /api/collections", {
    name: "guests",
    type: "auth",
    createRule: "",
    fields: FIELDS,
    indexes: [
      "CREATE UNIQUE INDEX idx_guests ON guests (username COLLATE NOCASE) WHERE username != ''",
    ],
    oauth2: {
      enabled: true,
      providers: [PROVIDER],
      mappedFields: { id: "outer", username: "username", name: "", avatarURL: "photo" },
    },
  }),
  ...[
    ["mapped", user("una", { name: "Una", preferred_username: "una", picture: "https://a.io/1" })],
    ["mapped, the name is taken", user("uno", { preferred_username: "UNA" })],
    ["mapped, the name is too long", user("due", { preferred_username: "a".repeat(11) })],
    ["mapped, the picture is none", user("tre", { preferred_username: "tre", picture: "no" })],
  ].map(([name, code]) => {
    const body = { provider: "oidc", code: JSON.stringify(code), redirectURL: BACK };
    return guest(String(name), "POST /api/collections/guests/auth-with-oauth2", body, {
      query: { fields: "record.outer,record.username,record.photo,record.email,meta.username" },
    });
  }),
];

const RULED: readonly Step[] = [
  prepare("only those with a name", `PATCH ${USERS}`, { authRule: "name != ''" }),
  withCode("against the rule of signing in", user("nameless")),
  su("it is made nevertheless", `GET ${RECORDS}`, undefined, {
    query: { filter: 'email = "nameless@x.io"', fields: "verified" },
  }),
  prepare("two steps", `PATCH ${USERS}`, { authRule: "", mfa: { enabled: true } }),
  withCode("the first of two steps", user("cyd-1"), { keep: { first: "mfaId" } }),
  guest(
    "then the password",
    `POST ${USERS}/auth-with-password`,
    {
      identity: `${CYD}@x.io`,
      password: PASSWORD,
      mfaId: "{first}",
    },
    { query: { fields: "record.id,meta" } },
  ),
  guest(
    "the password first",
    `POST ${USERS}/auth-with-password`,
    {
      identity: `${CYD}@x.io`,
      password: PASSWORD,
    },
    { keep: { before: "mfaId" } },
  ),
  withCode("then the provider", user("cyd-1"), { body: { mfaId: "{before}" }, ...RECORD }),
  prepare("off", `PATCH ${USERS}`, { mfa: { enabled: false }, oauth2: { enabled: false } }),
  withCode("off: refused", user("cyd-1")),
];

const TYPE = "application/x-www-form-urlencoded";
const SHOWN = { show: ["location"], only: [] };

const REDIRECT: readonly Step[] = [
  guest("redirect with nothing", "GET /api/oauth2-redirect", undefined, SHOWN),
  guest("redirect to nobody", "GET /api/oauth2-redirect?state=none&code=x", undefined, SHOWN),
  guest(
    "redirect by a form to nobody",
    "POST /api/oauth2-redirect",
    raw("state=none&code=x", TYPE),
    SHOWN,
  ),
  { kind: "open", name: "a client", stream: "client" },
  guest(
    "redirect to one who does not wait",
    "GET /api/oauth2-redirect?state={client.clientId}&code=x",
    undefined,
    SHOWN,
  ),
  ...["GET", "POST", "error", "no code"].flatMap((how): Step[] => [
    guest(`waits: ${how}`, "POST /api/realtime", {
      clientId: "{client.clientId}",
      subscriptions: ["@oauth2"],
    }),
    ...hand(how),
    { kind: "events", name: `hears: ${how}`, stream: "client", count: 1 },
  ]),
  guest(
    "redirect once only",
    "GET /api/oauth2-redirect?state={client.clientId}&code=again",
    undefined,
    SHOWN,
  ),
];

function hand(how: string): Step[] {
  const query = "state={client.clientId}";
  const name = `redirect: ${how}`;
  if (how === "POST") {
    return [guest(name, "POST /api/oauth2-redirect", raw(`${query}&code=posted`, TYPE), SHOWN)];
  }
  const rest = { GET: "&code=a%20code", error: "&error=denied", "no code": "" }[how] ?? "";
  return [guest(name, `GET /api/oauth2-redirect?${query}${rest}`, undefined, SHOWN)];
}

export const OAUTH2 = area(
  "oauth2",
  [
    ...ACCOUNTS,
    ...CONFIGURED,
    ...REFUSED,
    ...MADE,
    ...LINKED,
    ...KEPT,
    ...MAPPED,
    ...RULED,
    ...REDIRECT,
  ],
  { services: ["oidc"] },
);
