/** What every route has in common: paths, methods, headers, who is refused how. */

import { area, type CallStep, call, guest, type Step, su } from "../script.ts";
import { STAGE, signIn } from "./stage.ts";

const POSTS = "/api/collections/posts/records";

const SECURITY = ["x-content-type-options", "x-frame-options", "x-xss-protection"];
const CORS = [
  "vary",
  "access-control-allow-origin",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-allow-credentials",
  "access-control-expose-headers",
];
const ORIGIN = { origin: "https://page.test" };

function headers(name: string, line: string, sent: Record<string, string>): CallStep {
  return guest(name, line, undefined, { headers: sent, show: [...SECURITY, ...CORS] });
}

const PATHS: readonly Step[] = [
  ...[
    "GET /api",
    "GET /api/",
    "GET /api/nope",
    "POST /api/nope",
    "PATCH /api/nope/more",
    "DELETE /api/nope",
    "PUT /api/health",
    "DELETE /api/health",
    "GET /API/health",
    "GET /api/Health",
    "GET /api/health/",
    "GET /api/health/more",
    "GET /api/collections/posts",
    "GET /api/collections/posts/nope",
    `GET ${POSTS}/p1/more`,
    `GET ${POSTS}/`,
    `DELETE ${POSTS}`,
    `PATCH ${POSTS}`,
    `PUT ${POSTS}/p1`,
    "GET /api/collections//records",
    "GET /api//health",
    "GET /api//health?a=1",
    "POST /api//collections/posts/records",
    "GET /api//nope",
  ].map((line) => guest(line, line, undefined, { show: ["location"] })),
  guest("a name in percent signs", "GET /api/collections/%70osts/records/p2?fields=id"),
  guest("an id in percent signs", `GET ${POSTS}/%702?fields=id`),
  guest("a slash in percent signs", "GET /api/collections/posts%2Frecords"),
  guest("an umlaut for an id", `GET ${POSTS}/%C3%A4`),
  guest("a blank name", "GET /api/collections/%20/records"),
  guest("a quote for a name", "GET /api/collections/a%27b%60/records"),
];

const QUERIES: readonly Step[] = [
  ...[
    "page=1&page=2&perPage=2",
    "perPage=2&unknown=1&&=&x",
    "filter=title+~+'hello'",
    "filter=title%20~%20'hello'",
    "filter=title~'%zz'",
    "filter=",
    "sort=",
    "expand=",
    "fields=",
    "fields=id,,",
    "fields=nope",
    "fields=*",
    "fields=totalItems,items.id&perPage=1",
    "FILTER=id='p1'&perPage=1",
    "filter=id='p1';sort=id",
  ].map((query) => guest(`list ?${query}`, `GET ${POSTS}?${query}`)),
  guest("fields of an error are all", `GET ${POSTS}/zz9?fields=status`),
  guest("fields of a deletion", `DELETE ${POSTS}/zz9?fields=status`),
  guest("fields of health", "GET /api/health?fields=code"),
];

const METHODS: readonly Step[] = [
  guest("head of a list", `HEAD ${POSTS}`),
  guest("head of a record", `HEAD ${POSTS}/p1`),
  guest("head of nothing", `HEAD ${POSTS}/zz9`),
  guest("head of health", "HEAD /api/health"),
  guest("head of an unknown path", "HEAD /api/nope"),
  guest("head where only post is", "HEAD /api/collections/people/auth-refresh"),
];

const HEADERS: readonly Step[] = [
  headers("an answer", "GET /api/health", {}),
  headers("an answer to a page", "GET /api/health", ORIGIN),
  headers("an error to a page", `GET ${POSTS}/zz9`, ORIGIN),
  headers("an unknown path to a page", "GET /api/nope", ORIGIN),
  headers("a deletion to a page", `DELETE ${POSTS}/p6`, ORIGIN),
  headers("options", "OPTIONS /api/health", {}),
  headers("options on a record", `OPTIONS ${POSTS}/p1`, {}),
  headers("options on an unknown path", "OPTIONS /api/nope", {}),
  headers("options to a page", "OPTIONS /api/health", ORIGIN),
  headers("preflight", `OPTIONS ${POSTS}`, {
    ...ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
  }),
  headers("preflight of an unknown method", "OPTIONS /api/nope", {
    ...ORIGIN,
    "access-control-request-method": "PURGE",
  }),
];

/** Routes that only superusers have. */
const CLOSED = [
  "GET /api/collections",
  "POST /api/collections",
  "GET /api/collections/posts",
  "PATCH /api/collections/posts",
  "DELETE /api/collections/posts",
  "GET /api/collections/nope",
  "DELETE /api/collections/posts/truncate",
  "PUT /api/collections/import",
  "GET /api/collections/meta/scaffolds",
  "GET /api/settings",
  "PATCH /api/settings",
  "POST /api/settings/test/s3",
  "POST /api/settings/test/email",
  "POST /api/settings/apple/generate-client-secret",
  "GET /api/logs",
  "GET /api/logs/stats",
  "GET /api/logs/nope",
  "GET /api/backups",
  "POST /api/backups",
  "DELETE /api/backups/nope.zip",
  "GET /api/crons",
  "POST /api/crons/nope",
  "POST /api/collections/people/impersonate/u1",
];

const ACCESS: readonly Step[] = [
  ...CLOSED.map((line) => guest(`${line} by a guest`, line)),
  ...CLOSED.map((line) => call("u1", `${line} by a user`, line)),
  guest("a list that is locked", "GET /api/collections/_externalAuths/records"),
  call("u1", "a list that is locked, by a user", "GET /api/collections/_superusers/records"),
  guest("a view that is locked", "GET /api/collections/_superusers/records/x"),
  guest("a creation that is locked", "POST /api/collections/_superusers/records", {}),
  guest("an update that is locked", "PATCH /api/collections/_superusers/records/x", {}),
  guest("a deletion that is locked", "DELETE /api/collections/_superusers/records/x"),
];

/** What an Authorization header may look like; `{u1}` is a token. */
const TOKENS: readonly Step[] = [
  ["bearer", "Bearer {u1}"],
  ["bearer in lower case", "bearer {u1}"],
  ["bearer in capitals", "BEARER {u1}"],
  ["no scheme", "{u1}"],
  ["another scheme", "Basic {u1}"],
  ["two blanks", "Bearer  {u1}"],
  ["bearer alone", "Bearer"],
  ["words", "words"],
  ["three parts that are no token", "a.b.c"],
  ["a changed signature", "{u1}x"],
].map(([name = "", authorization = ""]) =>
  guest(`token: ${name}`, "POST /api/collections/people/auth-refresh", undefined, {
    headers: { authorization },
    only: ["record.id", "status"],
  }),
);

export const HTTP = area("http", [
  ...STAGE,
  signIn("u1"),
  ...PATHS,
  ...QUERIES,
  ...METHODS,
  ...ACCESS,
  ...TOKENS,
  su("superusers pass", "GET /api/collections/posts", undefined, { only: ["name"] }),
  ...HEADERS,
]);
