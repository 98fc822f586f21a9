/** Realtime: subscriptions, whom events reach by which rule, what they show. */

import { area, call, guest, type Json, prepare, raw, type Step, su } from "../script.ts";
import { row, rules, STAGE, signIn } from "./stage.ts";

const PATH = "POST /api/realtime";
const POSTS = "/api/collections/posts/records";

function open(stream: string): Step {
  return { kind: "open", name: `open ${stream}`, stream };
}

/** The next events, in any order: the reference sends each from a routine of its own. */
function heard(stream: string, name: string, count: number): Step {
  return { kind: "events", name: `${name}: ${stream} hears`, stream, count, unordered: true };
}

function subscribe(as: string, stream: string, name: string, topics: Json): Step {
  const body = { clientId: `{${stream}.clientId}`, subscriptions: topics };
  return call(as, `${name}: ${stream} subscribes as ${as}`, PATH, body);
}

function topic(name: string, query: Json, headers: Json = {}): string {
  return `${name}?options=${encodeURIComponent(JSON.stringify({ query, headers }))}`;
}

const FORMS: readonly Step[] = [
  guest("no body", PATH),
  guest("an empty body", PATH, {}),
  guest("null", PATH, raw("null", "application/json")),
  guest("no client", PATH, { subscriptions: ["a"] }),
  guest("a client too long", PATH, { clientId: "x".repeat(256), subscriptions: [] }),
  guest("an unknown client", PATH, { clientId: "nobody", subscriptions: [] }),
  guest("a client that is a number", PATH, { clientId: 5 }),
  guest("topics that are a text", PATH, { clientId: "{one.clientId}", subscriptions: "a" }),
  guest(
    "a form with one topic",
    PATH,
    raw("clientId={one.clientId}&subscriptions=a", "application/x-www-form-urlencoded"),
  ),
  guest(
    "a form with two",
    PATH,
    raw(
      "clientId={one.clientId}&subscriptions=a&subscriptions=b",
      "application/x-www-form-urlencoded",
    ),
  ),
  guest("topics that are an object", PATH, { clientId: "{one.clientId}", subscriptions: {} }),
  guest("topics that are numbers", PATH, { clientId: "{one.clientId}", subscriptions: [1] }),
  guest("topics that are null", PATH, { clientId: "{one.clientId}", subscriptions: null }),
  guest("a topic too long", PATH, {
    clientId: "{one.clientId}",
    subscriptions: ["a", "x".repeat(2_501)],
  }),
  guest("a topic just not too long", PATH, {
    clientId: "{one.clientId}",
    subscriptions: ["x".repeat(2_500)],
  }),
  guest("too many topics", PATH, {
    clientId: "{one.clientId}",
    subscriptions: Array.from({ length: 1_001 }, (_, n) => `t${n}`),
  }),
  guest("as many topics as may be", PATH, {
    clientId: "{one.clientId}",
    subscriptions: Array.from({ length: 1_000 }, (_, n) => `t${n}`),
  }),
  guest("empty topics", PATH, { clientId: "{one.clientId}", subscriptions: ["", ""] }),
  guest("malformed", PATH, raw("{", "application/json")),
  guest("DELETE", "DELETE /api/realtime"),
];

const BINDING: readonly Step[] = [
  open("two"),
  subscribe("guest", "two", "binding", ["posts/*"]),
  subscribe("u1", "two", "binding", ["posts/*"]),
  subscribe("u1", "two", "again", ["posts/*"]),
  subscribe("u2", "two", "binding", ["posts/*"]),
  subscribe("guest", "two", "after", ["posts/*"]),
  subscribe("superuser", "two", "binding", ["posts/*"]),
  subscribe("u1", "two", "unbound", []),
];

const TOPICS: readonly Step[] = [
  subscribe("guest", "one", "topics", [
    "posts/*",
    "{posts}/*",
    "posts",
    "{posts}",
    "posts/r1",
    "{posts}/r1",
    "posts/r2",
    "POSTS/*",
    "comments/*",
    "posts/",
    "posts/*/x",
    "*",
  ]),
  row("posts", { id: "r1", title: "first", secret: "s", author: "u1", tags: ["t1"] }),
  heard("one", "topics, create", 6),
  su("topics: update", `PATCH ${POSTS}/r1`, { views: 3 }),
  heard("one", "topics, update", 6),
  su("topics: refused update", `PATCH ${POSTS}/r1`, { views: "x", status: "nope" }),
  su("topics: delete", `DELETE ${POSTS}/r1`),
  heard("one", "topics, delete", 6),
  subscribe("guest", "one", "cleared", []),
  row("posts", { id: "r2", title: "nobody hears" }),
  subscribe("guest", "one", "one record", ["posts/r2"]),
  su("one record: delete", `DELETE ${POSTS}/r2`),
  heard("one", "one record", 1),
];

const VIEWS: readonly Step[] = [
  subscribe("guest", "one", "options", [
    topic("posts/*", { filter: "views > 5" }),
    topic("posts/*", { filter: "views < 5" }),
    topic("posts/*", { filter: "secret != ''" }),
    topic("posts/*", { filter: "@request.auth.id = ''" }),
    topic("posts/*", { filter: "views >" }),
    topic("posts/*", { filter: "author.name = 'Ann'", fields: "id" }),
    topic("posts/*", { expand: "author,tags", fields: "id,expand.author.name,expand.tags.name" }),
    topic("posts/*", { expand: "author.profiles_via_user,nope", fields: "*,collectionName" }),
    topic("posts/*", { fields: "title,secret" }),
    topic("posts/*", { fields: "body:excerpt(5,true)" }),
    topic("posts/*", { fields: 5, filter: true }),
    "posts/*?options=nonsense",
    "posts/*?options=[]",
    "posts/*?other=1",
  ]),
  row("posts", {
    id: "v1",
    title: "seen",
    views: 10,
    author: "u1",
    tags: ["t1", "t2"],
    secret: "s",
    body: "<p>Hello <b>big</b> world</p>",
  }),
  heard("one", "options, create", 9),
  su("options: delete", `DELETE ${POSTS}/v1`),
  heard("one", "options, delete", 9),
];

function ruled(listRule: string | null, topics: Json, count: number): Step[] {
  const name = `rule ${listRule}`;
  return [
    rules("posts", name, { listRule }),
    subscribe("guest", "one", name, topics),
    subscribe("u1", "two", name, topics),
    row("posts", { id: `w${name.length}x${count}`, title: name, author: "u1", status: "live" }),
    ...(count > 1 ? [heard("one", name, count - 1)] : []),
    heard("two", name, count > 0 ? 1 : 0),
  ];
}

const RULES: readonly Step[] = [
  ...ruled("author = @request.auth.id", ["posts/*"], 1),
  ...ruled("@request.auth.id = '' || author = @request.auth.id", ["posts/*"], 2),
  ...ruled(
    "@request.query.q = 'yes' && @request.headers.x_token = 'abc'",
    [topic("posts/*", { q: "yes" }, { "X-Token": "abc" })],
    2,
  ),
  ...ruled("@request.context = 'realtime' && @request.method = 'GET'", ["posts/*"], 2),
  rules("posts", "locked", { listRule: null, viewRule: "" }),
  subscribe("guest", "one", "locked", ["posts/*", "posts/p1"]),
  open("root"),
  subscribe("superuser", "root", "locked", [topic("posts/*", { fields: "*" })]),
  su("locked: update", `PATCH ${POSTS}/p1`, { views: 20 }),
  heard("one", "locked", 1),
  heard("root", "locked", 1),
  rules("posts", "unlocked", { listRule: "" }),
];

const ACCOUNTS: readonly Step[] = [
  rules("people", "accounts", { listRule: "", viewRule: "", manageRule: null }),
  subscribe("guest", "one", "accounts", ["people/*"]),
  subscribe("u1", "two", "accounts", ["people/u1", "people/u2"]),
  su("accounts: u1", "PATCH /api/collections/people/records/u1", { name: "Anna" }),
  heard("one", "accounts, u1", 1),
  heard("two", "accounts, u1", 1),
  su("accounts: u2", "PATCH /api/collections/people/records/u2", { name: "Bobby" }),
  heard("one", "accounts, u2", 1),
  heard("two", "accounts, u2", 1),
  rules("people", "managed", { manageRule: "@request.auth.name = 'Anna'" }),
  su("managed: u2", "PATCH /api/collections/people/records/u2", { name: "Bob" }),
  heard("one", "managed, u2", 1),
  heard("two", "managed, u2", 1),
];

const CASCADE: readonly Step[] = [
  prepare("cascade [fields]", "PATCH /api/collections/comments", {
    listRule: "post.title = 'parent'",
    fields: [
      { name: "id", type: "text", system: true, required: true, primaryKey: true, min: 2, max: 15 },
      {
        name: "post",
        type: "relation",
        collectionId: "{posts}",
        maxSelect: 1,
        cascadeDelete: true,
      },
      { name: "text", type: "text" },
    ],
  }),
  row("posts", { id: "c9", title: "parent" }),
  row("comments", { id: "k1", post: "c9", text: "child" }),
  row("comments", { id: "k2", post: "p1", text: "other" }),
  subscribe("guest", "one", "cascade", ["comments/*", "posts/c9"]),
  su("cascade: delete", `DELETE ${POSTS}/c9`),
  heard("one", "cascade", 2),
];

export const REALTIME = area("realtime", [
  ...STAGE,
  signIn("u1"),
  signIn("u2"),
  open("one"),
  ...FORMS,
  ...BINDING,
  ...TOPICS,
  ...VIEWS,
  ...RULES,
  ...ACCOUNTS,
  ...CASCADE,
]);
