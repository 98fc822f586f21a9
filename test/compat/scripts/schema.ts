/** More of the collections API: many queries of views, options of fields, changes and imports. */

import { area, type Json, type JsonObject, prepare, type Step, su } from "../script.ts";

const AT = "/api/collections";

const POSTS: JsonObject = {
  id: "posts1",
  name: "posts",
  fields: [
    { id: "t1", name: "title", type: "text", max: 40 },
    { name: "count", type: "number" },
    { name: "tags", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
    { name: "author", type: "relation", collectionId: "_pb_users_auth_", maxSelect: 1 },
  ],
};

const QUERIES: readonly string[] = [
  "select id, title from posts",
  "SELECT posts.id, posts.[count] AS n, `tags` FROM posts;",
  'SELECT "p"."id", p.AUTHOR who FROM posts AS p',
  "SELECT id /* , author */, total(count) sum, COUNT(*) FROM posts GROUP BY id",
  "SELECT DISTINCT id, lower(title) AS l, NULL AS n, 'x' AS t FROM posts",
  "SELECT p.id, u.email, p.author AS a, u.id AS uid FROM posts p, users u",
  "SELECT p.id, u.name FROM posts p\nLEFT  OUTER JOIN users u ON u.id = p.author WHERE p.count > 0",
  "SELECT x.id, x.title FROM (SELECT id, title FROM posts UNION SELECT id, name FROM users) x",
  "SELECT id, (CASE WHEN count > 1 THEN 'many' ELSE ';' END) AS size FROM posts",
  "WITH p AS (SELECT id, title FROM posts) SELECT id, title FROM p",
  "SELECT (ROW_NUMBER() OVER ()) AS id, cast(count as INTEGER) c FROM posts",
  "SELECT id, cast(title as boolean) b, cast(count as blob) x FROM posts",
  "SELECT id FROM posts UNION SELECT id FROM users",
  "SELECT id, CASE WHEN 1 THEN 2 END AS x FROM posts",
  "SELECT p.* FROM posts p",
  "SELECT id FROM posts /* open",
  "DROP TABLE posts",
  "(SELECT id FROM posts",
  "SELECT id, 'a b' AS \"bad name\" FROM posts",
  "SELECT id, title title FROM posts ORDER BY title LIMIT 1",
  "SELECT id, max(count) AS c, sum(count) s FROM posts",
  "SELECT p.id, q.id as other, q.title FROM posts p INNER JOIN posts q ON q.id = p.id",
  "SELECT id, 1 AS one, 'true' two FROM posts",
  "VALUES (1)",
  "SELECT posts.id FROM posts JOIN users",
  "SELECT id, title AS 'quoted' FROM posts",
  "SELECT count AS id, title FROM posts",
  "SELECT id, collectionId FROM posts",
  "SELECT id, id AS ID2, count + 1 AS c FROM posts",
  "SELECT id, (count) AS c FROM posts",
];

const FIELDS: readonly JsonObject[] = [
  { name: "id", type: "text", hidden: true, max: -1 },
  { name: "id", type: "text", pattern: "", autogeneratePattern: "" },
  { name: "id", type: "text", pattern: "^x", min: 2, max: 3, autogeneratePattern: "x[0-9]" },
  { name: "a", type: "text", min: -1, max: 2 ** 60 },
  { name: "a", type: "text", max: 2, autogeneratePattern: "[a-z]{5}" },
  { name: "a", type: "text", required: null, min: null, pattern: null },
  { name: "é", type: "text" },
  { name: "a", type: "password", min: 80, max: 72, cost: 40, pattern: "(" },
  { name: "a", type: "url", exceptDomains: ["ok.test", "a b"] },
  { name: "a", type: "email", onlyDomains: [""] },
  { name: "a", type: "file", thumbs: ["10x10", "0x0t"] },
  { name: "a", type: "file", maxSelect: 5, mimeTypes: [] },
  { name: "a", type: "json", maxSize: -1 },
  { name: "a", type: "editor", maxSize: -1 },
  { name: "a", type: "relation", collectionId: "_pb_users_auth_", minSelect: 1 },
  { name: "a", type: "number", min: 1.5, max: 0 },
  { name: "a", type: "number", min: "1" },
  { name: "a", type: "select", values: ["", "x"], maxSelect: -1 },
  { name: "a", type: "date", min: "nonsense", max: "2020-01-01" },
  { name: "a", type: "autodate", onUpdate: true, system: true },
  { name: "a", type: "bool", required: 1 },
  { name: "a", type: "bool", id: "a".repeat(101) },
  { name: "a", type: "geoPoint", required: true },
];

const provider = { name: "oidc", clientId: "a", clientSecret: "b" };
const members = (options: JsonObject): JsonObject => ({ name: "fresh", type: "auth", ...options });

const BODIES: readonly JsonObject[] = [
  { id: "a".repeat(101), name: "fresh" },
  {
    name: "fresh",
    fields: [
      { id: "same", name: "a", type: "text" },
      { id: "same", name: "A", type: "text" },
      { id: "other", name: "a", type: "text" },
    ],
  },
  { name: "fresh", listRule: "nope = 1", createRule: "a = " },
  { name: "fresh", listRule: "a.b = 1", fields: [{ name: "a", type: "text" }] },
  { name: "fresh", listRule: "@collection.posts.title = 'x' && @request.auth.id != ''" },
  { name: "fresh", indexes: ["CREATE INDEX i1 ON fresh (id ; DROP TABLE posts)"] },
  { name: "fresh", indexes: "none" },
  { name: "fresh", system: true },
  { name: "fresh", created: "2020-01-01 00:00:00.000Z" },
  { name: "fresh", type: "" },
  { name: "fresh", type: null },
  { name: null },
  members({ oauth2: { enabled: true, providers: [{ ...provider, authURL: "no url" }] } }),
  members({ oauth2: { providers: 5 } }),
  members({ mfa: { enabled: true, duration: 60, rule: "nope = 1" }, otp: { enabled: true } }),
  members({ mfa: { enabled: true, duration: 5 }, otp: { enabled: true, length: 0, duration: 0 } }),
  members({ indexes: ["create unique index x on fresh (email)"] }),
  members({ fields: [{ name: "email", type: "text" }] }),
  members({ fields: [{ name: "email", type: "email", required: false, hidden: true }] }),
  members({ fields: [{ name: "password", type: "password", min: 12 }] }),
  { name: "fresh", type: "view", viewQuery: "SELECT id FROM posts", updateRule: "" },
];

/** Answers differ in the ids of copied fields, which are made by chance. */
const COPIED = { typeOnly: ["fields.*.id"] };

/** Tries to make a collection, and makes room for the next. */
function attempt(what: string, body: JsonObject): Step[] {
  return [
    su(`create ${what}`, `POST ${AT}`, body, COPIED),
    su(`remove ${what}`, `DELETE ${AT}/${String(body.name ?? "fresh")}`),
  ];
}

function view(query: string): Step[] {
  const [create, remove] = attempt(query, { name: "seen", type: "view", viewQuery: query });
  const sort = { query: { sort: "id" } };
  const rows = su(`rows ${query}`, `GET ${AT}/seen/records`, undefined, sort);
  return [create, rows, remove].filter((step) => step !== undefined);
}

function change(of: string, body: Json): Step {
  return su(`change ${of} ${JSON.stringify(body)}`, `PATCH ${AT}/${of}`, body);
}

const CHANGES: readonly Step[] = [
  change("posts", { name: "Posts" }),
  change("POSTS", { name: "posts" }),
  change("posts", {
    indexes: ["CREATE INDEX idx_t ON posts (title COLLATE NOCASE DESC, count) WHERE title != ''"],
  }),
  change("posts", { fields: null }),
  change("posts", { fields: [{ id: "t1", name: "title", type: "text" }], indexes: [] }),
  su("rows after it", `GET ${AT}/posts/records`, undefined, { query: { sort: "id" } }),
  change("posts", { listRule: null, viewRule: "", id: null, name: null, indexes: null }),
  change("users", { otp: null, passwordAuth: { identityFields: null } }),
  change("users", { oauth2: { enabled: true, providers: null } }),
  change("users", { verificationTemplate: { subject: "x" } }),
  change("users", { authToken: { secret: "" } }),
  change("users", { indexes: ["CREATE UNIQUE INDEX own_token ON users (tokenKey desc)"] }),
  change("users", { indexes: ["CREATE INDEX own_token ON users (tokenKey)"] }),
  change("_superusers", { otp: { enabled: true, duration: 60, length: 6 } }),
  change("_superusers", { otp: { enabled: false }, mfa: { enabled: false } }),
  change("_superusers", { authRule: "verified = true" }),
];

function load(what: string, body: Json): Step {
  return su(`import ${what}`, `PUT ${AT}/import`, body);
}

function look(name: string, when: string): Step {
  return su(`look at ${name} ${when}`, `GET ${AT}/${name}`, undefined, COPIED);
}

const related = { name: "of", type: "relation", collectionId: "parents1" };

const IMPORTS: readonly Step[] = [
  load("in any order", {
    collections: [
      { id: "view1", name: "seen", type: "view", viewQuery: "SELECT id, of FROM child" },
      { id: "child1", name: "child", fields: [related], listRule: "of.title = 'x'" },
      { id: "parents1", name: "parents", fields: [{ name: "title", type: "text" }] },
    ],
  }),
  look("seen", "after the import"),
  look("child", "after the import"),
  load("another name", { collections: [{ id: "view1", name: "seen2" }] }),
  look("seen2", "renamed"),
  load("by name", {
    collections: [{ name: "parents", fields: [{ name: "title", type: "text", max: 5 }] }],
  }),
  look("parents", "changed"),
  load("no list", { collections: "x" }),
  load("a number", { collections: [5] }),
  load("a name that is taken", { collections: [{ id: "other1", name: "parents" }] }),
  load("an empty one", { collections: [{}] }),
  load("an auth collection", { collections: [{ name: "accounts", type: "auth", id: "acc1" }] }),
  look("accounts", "imported"),
  load("without what others need", {
    collections: [{ id: "child1", name: "child" }],
    deleteMissing: true,
  }),
  look("child", "alone"),
  look("users", "alone"),
];

export const SCHEMA = area("schema", [
  prepare("posts", `POST ${AT}`, POSTS),
  prepare("one", `POST ${AT}/posts/records`, {
    id: "post00000000001",
    title: "one",
    count: 1,
    tags: ["a", "b"],
  }),
  prepare("two", `POST ${AT}/posts/records`, { id: "post00000000002", title: "two", count: 2 }),
  ...QUERIES.flatMap(view),
  ...FIELDS.flatMap((field) => {
    return attempt(`field ${JSON.stringify(field)}`, { name: "fresh", fields: [field] });
  }),
  ...BODIES.flatMap((body) => attempt(JSON.stringify(body), body)),
  ...CHANGES,
  ...IMPORTS,
]);
