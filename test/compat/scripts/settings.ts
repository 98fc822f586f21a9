/** Settings: what is shown, what is kept, what is refused. */

import { area, call, guest, type Json, type Step, su } from "../script.ts";
import { ACCOUNTS } from "./accounts.ts";

const SETTINGS = "/api/settings";

function patch(name: string, body: Json): Step {
  return su(`patch: ${name}`, `PATCH ${SETTINGS}`, body);
}

/** Refused or not, each leaves the settings as the next one expects them. */
const PATCHES: readonly Step[] = [
  patch("nothing", {}),
  patch("null", null),
  patch("unknown keys", { nope: 1, meta: { nope: 2 } }),
  patch("one key of a group", { meta: { appName: "Renamed" } }),
  patch("a group of null", { meta: null, smtp: { password: null } }),
  patch("wrong type: text for number", { smtp: { port: "587" } }),
  patch("wrong type: number for text", { meta: { appName: 5 } }),
  patch("wrong type: fraction", { logs: { maxDays: 1.5 } }),
  patch("wrong type: text for group", { meta: "x" }),
  patch("wrong type: object for list", { rateLimits: { rules: {} } }),
  patch("meta empty", { meta: { appName: "", appURL: "", senderName: "", senderAddress: "" } }),
  patch("meta too long", { meta: { appName: "x".repeat(256), senderName: "é".repeat(128) } }),
  patch("meta invalid", { meta: { appURL: "not a url", senderAddress: "nobody" } }),
  patch("meta valid", {
    meta: { appURL: "example.com:8090", senderName: "Me", senderAddress: "me@example.com" },
  }),
  patch("hide controls", { meta: { hideControls: true } }),
  patch("logs below zero", { logs: { maxDays: -1 } }),
  patch("logs", { logs: { maxDays: 7, minLevel: -4, logIP: false, logAuthId: true } }),
  patch("smtp on without a host", { smtp: { enabled: true, host: "", port: 0 } }),
  patch("smtp invalid", {
    smtp: { host: "not a host!", port: -1, authMethod: "CRAM", localName: "a b" },
  }),
  patch("smtp hosts: address", { smtp: { host: "10.0.0.1", localName: "::1" } }),
  patch("smtp hosts: underscore", { smtp: { host: "a_b.c_d", localName: "x." } }),
  patch("smtp hosts: scheme", { smtp: { host: "https://a.b" } }),
  patch("smtp", { smtp: { authMethod: "LOGIN", password: "hidden", username: "me" } }),
  patch("smtp password stays", { smtp: { password: "" } }),
  patch("s3 on with nothing", { s3: { enabled: true } }),
  patch("s3 endpoint", { s3: { endpoint: "not a url" } }),
  patch("s3", {
    s3: {
      enabled: true,
      bucket: "b",
      region: "r",
      endpoint: "https://s3.example.com",
      accessKey: "k",
      secret: "hidden",
      forcePathStyle: true,
    },
  }),
  patch("s3 off", { s3: { enabled: false } }),
  patch("s3 on again with the secret it has", { s3: { enabled: true } }),
  patch("s3 off again", { s3: { enabled: false } }),
  patch("backups s3 on with nothing", { backups: { s3: { enabled: true } } }),
  patch("backups without keep", { backups: { cron: "0 0 * * *", cronMaxKeep: 0 } }),
  patch("backups keep below zero", { backups: { cron: "", cronMaxKeep: -1 } }),
  ...["* * * *", "60 * * * *", "@nope", "* * * * 7", "1-70/2 * * * *", " 0 0 * * *"].map((cron) =>
    patch(`cron ${JSON.stringify(cron)}`, { backups: { cron, cronMaxKeep: 1 } }),
  ),
  ...["@daily", "*/5 0-4 1,2 * 1-5"].map((cron) =>
    patch(`cron ${JSON.stringify(cron)}`, { backups: { cron } }),
  ),
  patch("no cron", { backups: { cron: "" } }),
  patch("batch on without values", { batch: { enabled: true, maxRequests: 0, timeout: 0 } }),
  patch("batch below zero", { batch: { maxRequests: -1, timeout: -1, maxBodySize: -1 } }),
  patch("batch", { batch: { enabled: true, maxRequests: 2, timeout: 1, maxBodySize: 1000 } }),
  patch("proxy", { trustedProxy: { headers: ["X-Real-IP", ""], useLeftmostIP: true } }),
  patch("proxy null", { trustedProxy: { headers: null } }),
  patch("proxy wrong", { trustedProxy: { headers: [1] } }),
];

const RULE = { label: "users:create", audience: "", duration: 5, maxRequests: 2 };

function rules(name: string, list: readonly Json[], more: { enabled?: boolean } = {}): Step {
  return patch(`rules: ${name}`, { rateLimits: { rules: list, ...more } });
}

const RULES: readonly Step[] = [
  rules("on without any", [], { enabled: true }),
  rules("none", []),
  rules("twice", [RULE, RULE]),
  rules("one for all and one for guests", [RULE, { ...RULE, audience: "@guest" }]),
  rules("for guests and for users", [
    { ...RULE, audience: "@auth" },
    { ...RULE, audience: "@guest" },
  ]),
  rules("empty", [{ label: "", audience: "", duration: 0, maxRequests: 0 }]),
  rules("below zero", [{ ...RULE, duration: -1, maxRequests: -1 }]),
  rules("audience", [{ ...RULE, audience: "@nobody" }]),
  ...["a b", "POST /x y", "users:*", "a-b", "*", "posts:", "/ü"].map((label) =>
    rules(`label ${label}`, [{ ...RULE, label }]),
  ),
  ...["tag", "/api/x-y/", "POST /api/", "*:auth", "/"].map((label) =>
    rules(`label ${label}`, [{ ...RULE, label }]),
  ),
  rules("label with a prefix of another", [RULE, { ...RULE, label: "users:createMore" }]),
];

const TRIALS: readonly Step[] = [
  su("s3: no filesystem", `POST ${SETTINGS}/test/s3`, {}),
  su("s3: unknown filesystem", `POST ${SETTINGS}/test/s3`, { filesystem: "nope" }),
  su("s3: not on", `POST ${SETTINGS}/test/s3`, { filesystem: "backups" }),
  su("s3: wrong type", `POST ${SETTINGS}/test/s3`, { filesystem: 5 }),
  su("mail: nothing", `POST ${SETTINGS}/test/email`, {}),
  su("mail: all wrong", `POST ${SETTINGS}/test/email`, {
    email: "x",
    template: "y",
    collection: "z",
  }),
  su("mail: too long", `POST ${SETTINGS}/test/email`, {
    email: `${"x".repeat(250)}@x.io`,
    template: "otp",
    collection: "c".repeat(256),
  }),
  su("apple: nothing", `POST ${SETTINGS}/apple/generate-client-secret`, {}),
  su("apple: wrong", `POST ${SETTINGS}/apple/generate-client-secret`, {
    clientId: "a",
    teamId: "short",
    keyId: "longer than ten",
    privateKey: "no key",
    duration: 15_777_001,
  }),
  su("apple: below zero", `POST ${SETTINGS}/apple/generate-client-secret`, {
    clientId: "a",
    teamId: "1234567890",
    keyId: "1234567890",
    privateKey: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    duration: -1,
  }),
  su("apple: a key that is none", `POST ${SETTINGS}/apple/generate-client-secret`, {
    clientId: "a",
    teamId: "1234567890",
    keyId: "1234567890",
    privateKey: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    duration: 60,
  }),
];

const CALLS = [
  `GET ${SETTINGS}`,
  `PATCH ${SETTINGS}`,
  `POST ${SETTINGS}/test/s3`,
  `POST ${SETTINGS}/test/email`,
  `POST ${SETTINGS}/apple/generate-client-secret`,
];

export const SETTINGS_AREA = area("settings", [
  ...ACCOUNTS,
  ...CALLS.flatMap((line) => [
    guest(`as guest: ${line}`, line),
    call("ann", `as a user: ${line}`, line),
  ]),
  su("show", `GET ${SETTINGS}`),
  su("show two groups", `GET ${SETTINGS}`, undefined, { query: { fields: "meta.appName,batch" } }),
  ...PATCHES,
  ...RULES,
  ...TRIALS,
  su("show at last", `GET ${SETTINGS}`),
]);
