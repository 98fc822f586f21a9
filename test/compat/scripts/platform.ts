/** The log, cron jobs, backups and health. */

import { area, type CallOptions, call, form, guest, type Step, su } from "../script.ts";
import { ACCOUNTS } from "./accounts.ts";

const LOGS = "/api/logs";

function denied(lines: readonly string[]): Step[] {
  return lines.flatMap((line) => [
    guest(`as guest: ${line}`, line),
    call("ann", `as a user: ${line}`, line),
  ]);
}

/** Entries are written some seconds late: nothing comes on this stream, so it is waited for. */
const PAUSE: readonly Step[] = [
  { kind: "open", name: "a stream that says nothing", stream: "silent" },
  { kind: "events", name: "some seconds", stream: "silent", count: 1 },
];

/** Of every run alike; how long a request took and from where it came is not. */
const SHOWN = [
  "items.data.method",
  "items.data.url",
  "items.data.status",
  "items.data.type",
  "items.data.auth",
  "items.data.error",
  "items.level",
].map((path) => path.slice("items.".length));

function logs(name: string, query: Record<string, string>, options: CallOptions = {}): Step {
  const fields = SHOWN.filter((path) => path !== "data.error").join(",");
  return su(`list: ${name}`, `GET ${LOGS}`, undefined, { query: { fields, ...query }, ...options });
}

const MADE = { sort: "@rowid", filter: "data.url ~ 'traced='" };

const FILTERS = [
  "data.url ~ 'traced=' && level > 0",
  "data.url ~ 'traced=' && data.status = 200",
  "data.url ~ 'traced=' && data.status >= 400",
  "data.url ~ 'traced=' && data.auth = 'users'",
  "data.url ~ 'traced=' && data.auth = ''",
  "data.url ~ 'traced=' && data.auth != ''",
  "data.url ~ 'traced=' && data.nope = null",
  "data.url ~ 'traced=' && data.nope = ''",
  "data.url ~ 'traced=' && message ~ 'ä'",
  "data.url ~ 'traced=' && created > '2020-01-01'",
  "data.url ~ 'traced=' && id = ''",
  "nope = 1",
  "data.url ~",
  "@request.auth.id = ''",
  "@collection.users.id = ''",
  "data.url:lower = 'x'",
  "rowid = 1",
];

export const LOGS_AREA = area("logs", [
  ...ACCOUNTS,
  ...denied([`GET ${LOGS}`, `GET ${LOGS}/stats`, `GET ${LOGS}/x`]),
  guest("traced as guest", "GET /api/health?traced=1"),
  call("ann", "traced as a user", "GET /api/health?traced=2"),
  su("traced as superuser", "GET /api/health?traced=3"),
  guest("traced with an umlaut", "GET /api/health?traced=%C3%A4"),
  guest("traced and refused", "GET /api/collections?traced=4"),
  guest("traced and missing", "GET /api/collections/nope/records?traced=5"),
  guest("traced and nowhere", "GET /api/nope?traced=6"),
  guest("traced and wrong", "POST /api/collections/users/auth-with-password?traced=7", {}),
  su("reading the log leaves nothing", `GET ${LOGS}?traced=8`, undefined, { only: ["page"] }),
  ...PAUSE,
  logs("what was traced", MADE),
  logs("a page of it", { ...MADE, perPage: "2", page: "2" }),
  logs("without a total", { ...MADE, perPage: "1", skipTotal: "1" }),
  logs("by status", { ...MADE, sort: "-data.status,@rowid" }),
  logs("unknown sort", { ...MADE, sort: "nope" }),
  logs("no number", { page: "x" }),
  ...FILTERS.map((filter) => logs(filter, { sort: "@rowid", filter })),
  su("keys of an entry", `GET ${LOGS}`, undefined, {
    query: { filter: "data.url ~ 'traced=4'" },
    only: ["items", "totalItems"],
    typeOnly: ["items.*.data.execTime"],
    like: { "items.*.data.userAgent": ".*", "items.*.data.error": ".+" },
  }),
  su("missing entry", `GET ${LOGS}/nope`),
  su("stats of what was traced", `GET ${LOGS}/stats`, undefined, {
    query: { filter: "data.url ~ 'traced='" },
  }),
  su("stats with a wrong filter", `GET ${LOGS}/stats`, undefined, { query: { filter: "x" } }),
  su("stats of nothing", `GET ${LOGS}/stats`, undefined, { query: { filter: "level = 100" } }),
]);

const CRONS = "/api/crons";

export const CRONS_AREA = area("crons", [
  ...ACCOUNTS,
  ...denied([`GET ${CRONS}`, `POST ${CRONS}/__pbDBOptimize__`]),
  su("list", `GET ${CRONS}`, undefined, { unordered: "" }),
  su("list ids", `GET ${CRONS}`, undefined, { query: { fields: "id" }, unordered: "" }),
  su("run", `POST ${CRONS}/__pbDBOptimize__`),
  su("run the log's", `POST ${CRONS}/__pbLogsCleanup__`),
  su("run an unknown one", `POST ${CRONS}/nope`),
  su("plan backups", "PATCH /api/settings", { backups: { cron: "0 3 * * *" } }),
  su("list with backups", `GET ${CRONS}`, undefined, { unordered: "" }),
  su("plan them otherwise", "PATCH /api/settings", { backups: { cron: "@weekly" } }),
  su("list with the other plan", `GET ${CRONS}`, undefined, { unordered: "" }),
  su("plan none", "PATCH /api/settings", { backups: { cron: "" } }),
  su("list without backups", `GET ${CRONS}`, undefined, { unordered: "" }),
]);

const BACKUPS = "/api/backups";
/** A zip file with nothing in it. */
const EMPTY_ZIP = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";

function upload(name: string, file: string, base64: string): Step {
  const body = form(["file", { file, type: "application/zip", base64 }]);
  return su(`upload: ${name}`, `POST ${BACKUPS}/upload`, body);
}

function list(name: string): Step {
  return su(`list ${name}`, `GET ${BACKUPS}`, undefined, {
    unordered: "",
    typeOnly: ["*.size"],
    like: { "*.modified": String.raw`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$` },
  });
}

function create(name: string, key: string): Step {
  return su(`create: ${name}`, `POST ${BACKUPS}`, { name: key });
}

function download(name: string, as: string, key: string, token: string): Step {
  return call(as, `download: ${name}`, `GET ${BACKUPS}/${key}`, undefined, {
    query: { token },
    content: "zip",
    show: ["content-disposition"],
  });
}

export const BACKUPS_AREA = area("backups", [
  ...ACCOUNTS,
  ...denied([
    `GET ${BACKUPS}`,
    `POST ${BACKUPS}`,
    `POST ${BACKUPS}/upload`,
    `GET ${BACKUPS}/x.zip`,
    `DELETE ${BACKUPS}/x.zip`,
    `POST ${BACKUPS}/x.zip/restore`,
  ]),
  list("of none"),
  ...["Upper.zip", "no-zip", "a b.zip", "../x.zip", `${"x".repeat(150)}.zip`, ".zip"].map((key) =>
    create(`name ${key}`, key),
  ),
  create("first", "first.zip"),
  create("again", "first.zip"),
  su("create: wrong type", `POST ${BACKUPS}`, { name: 5 }),
  list("with the first"),
  su("upload: nothing", `POST ${BACKUPS}/upload`, form(["other", "x"])),
  upload("a text", "text.zip", Buffer.from("hello").toString("base64")),
  upload("a zip", "Sent File.zip", EMPTY_ZIP),
  upload("its name again", "Sent File.zip", EMPTY_ZIP),
  list("with what was sent"),
  su("file token", "POST /api/files/token", undefined, { keep: { file: "token" } }),
  call("ann", "file token of a user", "POST /api/files/token", undefined, {
    keep: { annFile: "token" },
  }),
  download("with the token", "guest", "first.zip", "{file}"),
  download("with a user's token", "guest", "first.zip", "{annFile}"),
  download("with the other token", "superuser", "first.zip", "{superuser}"),
  download("without one", "superuser", "first.zip", ""),
  download("a missing one", "guest", "nope.zip", "{file}"),
  su("delete", `DELETE ${BACKUPS}/Sent%20File.zip`),
  su("delete again", `DELETE ${BACKUPS}/Sent%20File.zip`),
  su("delete what leads out", `DELETE ${BACKUPS}/..%2Fdata.db`),
  list("without what was sent"),
  su("restore a missing one", `POST ${BACKUPS}/nope.zip/restore`),
  guest("health as guest", "GET /api/health"),
  call("ann", "health as a user", "GET /api/health"),
  su("health as superuser", "GET /api/health"),
  su("health behind a proxy", "GET /api/health", undefined, {
    headers: { "cf-connecting-ip": "203.0.113.9" },
  }),
  su("trust a header", "PATCH /api/settings", {
    trustedProxy: { headers: ["X-Test-IP"], useLeftmostIP: false },
  }),
  ...["203.0.113.9", "10.0.0.1, 203.0.113.9", "x, 203.0.113.9, y", "nobody", "2001:db8::1"].map(
    (value) =>
      su(`health from ${value}`, "GET /api/health", undefined, { headers: { "x-test-ip": value } }),
  ),
  su("trust the first", "PATCH /api/settings", { trustedProxy: { useLeftmostIP: true } }),
  su("health from the first", "GET /api/health", undefined, {
    headers: { "x-test-ip": "x, 10.0.0.1, 203.0.113.9" },
  }),
]);

function limited(name: string, as: string, line: string, times: number): Step[] {
  return Array.from({ length: times }, (_, index) =>
    call(as, `${name} ${index + 1}`, line, undefined, { quiet: true }),
  );
}

function rules(name: string, list: readonly (readonly [string, string, number])[]): Step {
  const made = list.map(([label, audience, maxRequests]) => ({
    label,
    audience,
    maxRequests,
    duration: 600,
  }));
  return su(name, "PATCH /api/settings", { rateLimits: { enabled: true, rules: made } });
}

const USERS = "/api/collections/users/records";

export const RATE_LIMITS = area("rate-limits", [
  ...ACCOUNTS,
  rules("by tag", [["users:list", "", 2]]),
  ...limited("list as guest", "guest", `GET ${USERS}`, 3),
  ...limited("list as a user", "ann", `GET ${USERS}`, 1),
  ...limited("list as superuser", "superuser", `GET ${USERS}`, 3),
  ...limited("view is another tag", "guest", `GET ${USERS}/nope`, 3),
  guest("the answer", `GET ${USERS}`),
  rules("by any tag, for guests", [["*:list", "@guest", 1]]),
  ...limited("guests are counted", "guest", `GET ${USERS}`, 2),
  ...limited("users are not", "ann", `GET ${USERS}`, 2),
  rules("by any tag, for users", [["*:list", "@auth", 1]]),
  ...limited("guests are not counted", "guest", `GET ${USERS}`, 2),
  ...limited("users are", "ann", `GET ${USERS}`, 2),
  rules("by path", [["/api/health", "", 1]]),
  ...limited("the path", "guest", "GET /api/health", 2),
  ...limited("not what is below", "guest", "GET /api/collections", 2),
  rules("by method and path", [["GET /api/health", "", 1]]),
  ...limited("the method", "guest", "GET /api/health", 2),
  ...limited("another method", "guest", "HEAD /api/health", 2),
  rules("by prefix", [["/api/", "", 2]]),
  ...limited("below the prefix", "guest", "GET /api/health", 3),
  ...limited("and elsewhere below", "guest", "GET /api/collections", 1),
  ...limited("a collection counts apart", "guest", `GET ${USERS}`, 3),
  ...limited("and each action", "guest", `GET ${USERS}/nope`, 3),
  rules("tags go before paths", [
    ["/api/", "", 1],
    ["users:list", "", 3],
  ]),
  ...limited("the tag", "guest", `GET ${USERS}`, 4),
  rules("auth", [["*:auth", "", 1]]),
  ...limited("sign in", "guest", "POST /api/collections/users/auth-with-password", 2),
  su("off", "PATCH /api/settings", { rateLimits: { enabled: false } }),
  ...limited("nothing is counted", "guest", `GET ${USERS}`, 5),
]);
