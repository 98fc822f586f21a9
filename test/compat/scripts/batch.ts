/** Batches: what they may hold, what they answer, what is left of one that fails. */

import {
  area,
  call,
  form,
  guest,
  type Json,
  type Part,
  prepare,
  raw,
  type Step,
  su,
} from "../script.ts";
import { rules, STAGE, signIn } from "./stage.ts";

const PATH = "POST /api/batch";
const TAGS = "/api/collections/tags/records";
const POSTS = "/api/collections/posts/records";

function batch(name: string, requests: Json, as = "guest"): Step {
  return call(as, name, PATH, { requests });
}

function settings(name: string, changed: Json): Step {
  return prepare(`${name} [settings]`, "PATCH /api/settings", { batch: changed });
}

function tags(name: string): Step {
  return guest(`${name}: what is left`, `GET ${TAGS}`, undefined, {
    query: { sort: "@rowid", fields: "id,name", filter: "id != 't1' && id != 't2' && id != 't3'" },
  });
}

const one = (id: string, more: Json = {}): Json => ({
  method: "POST",
  url: TAGS,
  body: { id, name: id, ...(more as object) },
});

const FORMS: readonly Step[] = [
  guest("no body", PATH),
  batch("no requests", []),
  batch("null", null),
  batch("requests that are an object", {}),
  batch("requests that are a text", "x"),
  batch("a number among them", [1]),
  batch("nothing in one", [{}]),
  batch("no address", [{ method: "POST" }]),
  batch("no method", [one("n1"), { url: TAGS }]),
  batch("an unknown method", [{ method: "TRACE", url: TAGS }]),
  batch("a method in small letters", [{ method: "post", url: TAGS, body: { id: "n2" } }]),
  batch("an address too long", [{ method: "POST", url: `${TAGS}?${"x".repeat(2_000)}` }]),
  batch("a method that is a number", [{ method: 5, url: TAGS }]),
  batch("a body that is a list", [{ method: "POST", url: TAGS, body: [] }]),
  batch("a body that is null", [{ method: "POST", url: TAGS, body: null }]),
  batch("headers that are a list", [{ method: "POST", url: TAGS, headers: [] }]),
  batch("headers with a number", [{ method: "POST", url: TAGS, headers: { a: 1 } }]),
  guest("malformed", PATH, raw("{", "application/json")),
  guest("urlencoded", PATH, raw("requests=x", "application/x-www-form-urlencoded")),
];

const ACTIONS: readonly Step[] = [
  batch("create", [one("a1"), one("a2")]),
  batch("all kinds", [
    one("b1"),
    { method: "PATCH", url: `${TAGS}/a1`, body: { name: "changed" } },
    { method: "PUT", url: TAGS, body: { id: "a2", name: "put" } },
    { method: "PUT", url: TAGS, body: { id: "b2", name: "made" } },
    { method: "PUT", url: TAGS, body: { name: "no id" } },
    { method: "PUT", url: TAGS, body: { id: "", name: "empty id" } },
    { method: "DELETE", url: `${TAGS}/b1` },
    { method: "DELETE", url: `${TAGS}/b2` },
  ]),
  batch("fields and expand", [
    {
      method: "POST",
      url: `${POSTS}?fields=id,expand.author.name&expand=author`,
      body: { id: "x1", author: "u1" },
    },
    { method: "PATCH", url: `${POSTS}/x1?fields=title`, body: { title: "t" } },
    { method: "PUT", url: `${POSTS}?fields=title,views`, body: { id: "x1", "views+": 4 } },
  ]),
  batch("nothing matches", [{ method: "GET", url: TAGS }]),
  batch("a view", [{ method: "GET", url: `${TAGS}/a1` }]),
  batch("another route", [{ method: "POST", url: "/api/collections" }]),
  batch("itself", [{ method: "POST", url: "/api/batch", body: { requests: [] } }]),
  batch("create with an id", [{ method: "POST", url: `${TAGS}/a9`, body: {} }]),
  batch("update without one", [{ method: "PATCH", url: TAGS, body: {} }]),
  batch("an upsert with one", [{ method: "PUT", url: `${TAGS}/a1`, body: {} }]),
  batch("a slash too much", [{ method: "POST", url: `${TAGS}/`, body: {} }]),
  batch("a whole address", [{ method: "POST", url: `http://localhost${TAGS}`, body: {} }]),
  batch("by the collection's id", [
    { method: "POST", url: "/api/collections/{tags}/records", body: { id: "d1" } },
  ]),
  tags("actions"),
];

const FAILURES: readonly Step[] = [
  batch("the first fails", [one("t1"), one("f1")]),
  batch("the last fails", [one("f1"), one("f2"), one("t1")]),
  batch("a missing record", [one("f1"), { method: "DELETE", url: `${TAGS}/nobody` }]),
  batch("a missing collection", [{ method: "POST", url: "/api/collections/no/records" }]),
  batch("an upsert there", [
    { method: "PUT", url: "/api/collections/no/records", body: { id: "a" } },
  ]),
  batch("a field's fault", [one("f1"), { method: "POST", url: POSTS, body: { status: "nope" } }]),
  batch("an unknown field of the answer", [
    { method: "POST", url: `${TAGS}?fields=nope&expand=nope`, body: { id: "f3" } },
  ]),
  batch("the same twice", [one("f4"), one("f4")]),
  batch("deleted twice", [
    { method: "DELETE", url: `${TAGS}/f3` },
    { method: "DELETE", url: `${TAGS}/f3` },
  ]),
  tags("failures"),
];

const FACTS = [
  "@request.context = 'batch'",
  "@request.method = 'POST'",
  "@request.query.q = 'yes'",
  "@request.headers.x_part = 'own'",
  "@request.headers.x_whole = 'all'",
].join(" && ");

const RULES: readonly Step[] = [
  rules("tags", "locked", { createRule: null }),
  batch("locked, guest", [one("r1")]),
  batch("locked, with a token of its own", [
    { method: "POST", url: TAGS, body: { id: "r1" }, headers: { Authorization: "{superuser}" } },
  ]),
  batch("locked, superuser", [one("r1")], "superuser"),
  rules("tags", "signed in", { createRule: "@request.auth.id = 'u1'" }),
  batch("signed in, u1", [one("r2")], "u1"),
  batch("signed in, guest", [one("r3")]),
  rules("tags", "facts", { createRule: FACTS }),
  guest(
    "facts",
    PATH,
    {
      requests: [
        { method: "POST", url: `${TAGS}?q=yes`, body: { id: "r4" }, headers: { "X-Part": "own" } },
      ],
    },
    { headers: { "X-Whole": "all" } },
  ),
  batch("facts missing", [{ method: "POST", url: `${TAGS}?q=yes`, body: { id: "r5" } }]),
  rules("tags", "method of an upsert", {
    createRule: "@request.method = 'POST'",
    updateRule: "@request.method = 'PATCH'",
  }),
  batch("method of an upsert", [
    { method: "PUT", url: TAGS, body: { id: "r6" } },
    { method: "PUT", url: TAGS, body: { id: "r6", name: "again" } },
  ]),
  rules("tags", "what came before", {
    createRule: "@collection.tags.name ?= 'first'",
    updateRule: "",
  }),
  batch("what came before is missing", [one("r7")]),
  rules("tags", "or first", { createRule: "name = 'first' || @collection.tags.name ?= 'first'" }),
  batch("what came before", [
    { method: "POST", url: TAGS, body: { id: "r8", name: "first" } },
    one("r9"),
  ]),
  rules("tags", "open again", { createRule: "" }),
  tags("rules"),
];

function files(name: string, requests: Json, ...parts: Part[]): Step {
  const body = form(["@jsonPayload", JSON.stringify({ requests })], ...parts);
  return su(name, PATH, body);
}

const text = (file: string) => ({ file, type: "text/plain", text: file });

const FILES: readonly Step[] = [
  prepare("a collection with files", "POST /api/collections", {
    name: "papers",
    type: "base",
    createRule: "",
    fields: [
      { name: "title", type: "text" },
      { name: "docs", type: "file", maxSelect: 3, mimeTypes: ["text/plain"] },
    ],
  }),
  files(
    "files",
    [
      { method: "POST", url: "/api/collections/papers/records", body: { title: "one" } },
      { method: "POST", url: "/api/collections/papers/records" },
    ],
    ["requests.0.docs", text("first.txt")],
    ["requests.0.docs", text("second.txt")],
    ["requests[1].docs+", text("third.txt")],
    ["requests.7.docs", text("lost.txt")],
  ),
  files(
    "a file too many",
    [{ method: "POST", url: "/api/collections/papers/records", body: { title: "one" } }],
    ...Array.from({ length: 4 }, (_, n): Part => ["requests.0.docs", text(`file${n}.txt`)]),
  ),
  su("papers", "GET /api/collections/papers/records", undefined, {
    query: { sort: "-title", fields: "title,docs" },
  }),
];

export const BATCH = area("batch", [
  ...STAGE,
  signIn("u1"),
  batch("off, guest", [one("z1")]),
  batch("off, superuser", [one("z1")], "superuser"),
  settings("none allowed", { enabled: true, maxRequests: 0, timeout: 3 }),
  settings("ten", { enabled: true, maxRequests: 10, timeout: 3 }),
  ...FORMS,
  ...ACTIONS,
  ...FAILURES,
  ...RULES,
  ...FILES,
  settings("two", { enabled: true, maxRequests: 2, timeout: 3 }),
  batch("one too many", [one("y1"), one("y2"), one("y3")]),
  settings("small", { enabled: true, maxRequests: 2, timeout: 3, maxBodySize: 300 }),
  batch("too large", [one("y1", { name: "x".repeat(400) })]),
  batch("small enough", [one("y1")]),
  settings("off", { enabled: false }),
  batch("off again", [one("y2")]),
]);
