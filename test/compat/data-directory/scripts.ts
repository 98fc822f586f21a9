/** What a directory of the reference is filled with, and the calls that its new server answers. */

import { type Area, area, call, form, guest, type JsonObject, su } from "../script.ts";

/** A PNG of 8 by 8. */
const PIXELS =
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAbElEQVR42g3JQQEAMAgDMZSgpEqqhOepQAlKqmjLN1VFFypcTLHFFSmqmm7UuJlmm2vSP0QLCYsRK05EP0wbGZsxa87EP4YeNHiYYYcbMj+WXrR4mWWXW7I/jj50+JhjjztyP0IHBYcJGy4kPLAsVIH5pgt5AAAAAElFTkSuQmCC";
const PASSWORD = "secret-1234";

const person = (name: string, more: JsonObject = {}) =>
  su(
    `user ${name}`,
    "POST /api/collections/users/records",
    {
      email: `${name}@example.com`,
      name,
      password: PASSWORD,
      passwordConfirm: PASSWORD,
      ...more,
    },
    { keep: { [name]: "id" } },
  );

const relation = (name: string, to: string, more: JsonObject = {}): JsonObject => ({
  name,
  type: "relation",
  collectionId: to,
  maxSelect: 1,
  ...more,
});

const OWN = "author = @request.auth.id";
const DATES: JsonObject[] = [
  { name: "created", type: "autodate", onCreate: true },
  { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
];

const POSTS: JsonObject = {
  name: "posts",
  type: "base",
  listRule: "published = true || author = @request.auth.id",
  viewRule: "published = true || author = @request.auth.id",
  createRule: `@request.auth.id != "" && ${OWN}`,
  updateRule: OWN,
  deleteRule: OWN,
  fields: [
    { name: "title", type: "text", required: true, max: 80 },
    { name: "text", type: "editor" },
    { name: "views", type: "number", onlyInt: true, min: 0 },
    { name: "published", type: "bool" },
    { name: "on", type: "date" },
    { name: "kind", type: "select", values: ["essay", "note", "list"], maxSelect: 2 },
    { name: "meta", type: "json" },
    { name: "place", type: "geoPoint" },
    { name: "link", type: "url" },
    { name: "contact", type: "email" },
    { name: "cover", type: "file", maxSelect: 1, mimeTypes: ["image/png"], thumbs: ["4x2"] },
    { name: "papers", type: "file", maxSelect: 5, protected: true },
    { name: "note", type: "text", hidden: true },
    relation("author", "_pb_users_auth_", { required: true, cascadeDelete: true }),
    relation("tags", "{tags}", { maxSelect: 9 }),
    ...DATES,
  ],
  indexes: ["CREATE UNIQUE INDEX `idx_posts_title` ON `posts` (`title` COLLATE NOCASE)"],
};

/** Played on the reference, whose directory is then kept. */
export const STOCK: Area = area("stock", [
  su("settings", "PATCH /api/settings", {
    meta: { appName: "Old house", appURL: "https://old.example.com" },
    batch: { enabled: true, maxRequests: 7 },
    logs: { maxDays: 9 },
  }),
  su("users: rules", "PATCH /api/collections/users", {
    listRule: '@request.auth.id != ""',
    viewRule: '@request.auth.id != ""',
    authToken: { duration: 3600 },
  }),
  person("ann", { emailVisibility: true, verified: true }),
  person("bob"),
  su(
    "tags",
    "POST /api/collections",
    {
      name: "tags",
      type: "base",
      listRule: "",
      viewRule: "",
      fields: [{ name: "name", type: "text", required: true }],
    },
    { keep: { tags: "id" } },
  ),
  ...["red", "green", "blue"].map((name) =>
    su(`tag ${name}`, "POST /api/collections/tags/records", { name }, { keep: { [name]: "id" } }),
  ),
  su("posts", "POST /api/collections", POSTS, { keep: { posts: "id" } }),
  su(
    "a post with everything",
    "POST /api/collections/posts/records",
    form(
      ["title", "First"],
      ["text", "<p>Hello & welcome</p>"],
      ["views", "12"],
      ["published", "true"],
      ["on", "2024-02-29 10:00:00.000Z"],
      ["kind", "essay"],
      ["kind", "note"],
      ["meta", '{"a":[1,2,{"b":null}]}'],
      ["place", '{"lon":13.4,"lat":52.5}'],
      ["link", "https://example.com/x"],
      ["contact", "desk@example.com"],
      ["note", "between us"],
      ["author", "{ann}"],
      ["tags", "{red}"],
      ["tags", "{blue}"],
      ["cover", { file: "Cover 1.png", type: "image/png", base64: PIXELS }],
      ["papers", { file: "a.txt", type: "text/plain", text: "paper a" }],
      ["papers", { file: "b.txt", type: "text/plain", text: "paper b" }],
    ),
    { keep: { first: "id", cover: "cover", paper: "papers.0" } },
  ),
  su(
    "a hidden post",
    "POST /api/collections/posts/records",
    {
      title: "Draft",
      author: "{bob}",
      tags: ["{green}"],
    },
    { keep: { draft: "id" } },
  ),
  ...Array.from({ length: 12 }, (_, index) =>
    su(`post ${index}`, "POST /api/collections/posts/records", {
      title: `Post ${String(index).padStart(2, "0")}`,
      views: index * 3,
      published: index % 3 !== 0,
      author: index % 2 === 0 ? "{ann}" : "{bob}",
      tags: index % 4 === 0 ? ["{red}", "{green}"] : [],
    }),
  ),
  su("a view", "POST /api/collections", {
    name: "tally",
    type: "view",
    listRule: "",
    viewRule: "",
    viewQuery:
      "SELECT users.id, users.name, count(posts.id) AS total, max(posts.views) AS best " +
      "FROM users LEFT JOIN posts ON posts.author = users.id GROUP BY users.id",
  }),
  su("a second auth collection", "POST /api/collections", {
    name: "staff",
    type: "auth",
    fields: [{ name: "desk", type: "number" }],
    passwordAuth: { enabled: true, identityFields: ["email"] },
    otp: { enabled: true, duration: 300, length: 6 },
  }),
  su("a member of staff", "POST /api/collections/staff/records", {
    email: "sue@example.com",
    desk: 4,
    password: PASSWORD,
    passwordConfirm: PASSWORD,
  }),
]);

const signIn = (collection: string, name: string) =>
  guest(
    `${name} signs in`,
    `POST /api/collections/${collection}/auth-with-password`,
    {
      identity: `${name}@example.com`,
      password: PASSWORD,
    },
    { keep: { [name]: "token", [`${name}.id`]: "record.id" } },
  );

const list = (as: string, name: string, query: Readonly<Record<string, string>>, into = "posts") =>
  call(as, name, `GET /api/collections/${into}/records`, undefined, { query });

/** Played on the kept directory, by the reference and by this server. */
export const INHERITED: Area = area("inherited", [
  signIn("users", "ann"),
  signIn("users", "bob"),
  signIn("staff", "sue"),
  su("the settings", "GET /api/settings"),
  su("the collections", "GET /api/collections", undefined, {
    query: { perPage: "100", sort: "name" },
  }),
  list("guest", "a guest's list", { sort: "title" }),
  list("ann", "ann's list", { sort: "-views,title", perPage: "5", page: "2" }),
  list("bob", "a filter with relations and an expand", {
    filter: "tags.name ?= 'green' && author.name ~ 'b'",
    expand: "author,tags",
    sort: "title",
  }),
  list("superuser", "everything, hidden fields too", { sort: "title", perPage: "200" }),
  list(
    "guest",
    "back relations",
    {
      expand: "posts_via_tags",
      sort: "name",
      fields: "name,expand.posts_via_tags.title",
    },
    "tags",
  ),
  list("guest", "the view", { sort: "name" }, "tally"),
  list("guest", "a filter on the view", { filter: "total > 6" }, "tally"),
  list("bob", "users", { sort: "name" }, "users"),
  list("guest", "the first post's id", { filter: "title = 'First'", fields: "id,cover,papers" }),
  {
    ...list("guest", "the first post", { filter: "title = 'FIRST' || title = 'First'" }),
    keep: { first: "items.0.id", cover: "items.0.cover", paper: "items.0.papers.0" },
  },
  guest("its cover", "GET /api/files/posts/{first}/{cover}", undefined, { content: "image" }),
  guest("its thumb", "GET /api/files/posts/{first}/{cover}?thumb=4x2", undefined, {
    content: "image",
  }),
  guest("a protected file of a public post", "GET /api/files/posts/{first}/{paper}"),
  call(
    "ann",
    "ann adds a file and takes one away",
    "PATCH /api/collections/posts/records/{first}",
    form(
      ["papers-", "{paper}"],
      ["papers+", { file: "c.txt", type: "text/plain", text: "paper c" }],
      ["views+", "5"],
    ),
  ),
  guest("the file is gone", "GET /api/files/posts/{first}/{paper}"),
  call("bob", "bob may not", "PATCH /api/collections/posts/records/{first}", { title: "Mine" }),
  call("bob", "a title in use, in capitals", "POST /api/collections/posts/records", {
    title: "FIRST",
    author: "{bob.id}",
  }),
  call(
    "bob",
    "bob's new post",
    "POST /api/collections/posts/records",
    {
      title: "New here",
      author: "{bob.id}",
      published: true,
    },
    { keep: { fresh: "id" } },
  ),
  call("bob", "bob deletes it", "DELETE /api/collections/posts/records/{fresh}"),
  call("ann", "ann refreshes", "POST /api/collections/users/auth-refresh"),
  guest("staff's ways in", "GET /api/collections/staff/auth-methods"),
  guest("a new user", "POST /api/collections/users/records", {
    email: "cy@example.com",
    password: PASSWORD,
    passwordConfirm: PASSWORD,
  }),
  su("an address in use", "POST /api/collections/users/records", {
    email: "ann@example.com",
    password: PASSWORD,
    passwordConfirm: PASSWORD,
  }),
  su("a batch", "POST /api/batch", {
    requests: [
      { method: "POST", url: "/api/collections/tags/records", body: { name: "grey" } },
      { method: "PATCH", url: "/api/collections/posts/records/{first}", body: { "tags-": [] } },
    ],
  }),
  su("bob is deleted, his posts with him", "DELETE /api/collections/users/records/{bob.id}"),
  list("superuser", "what is left", { sort: "title", perPage: "200", fields: "title,author" }),
  su("a field more", "PATCH /api/collections/tags", {
    "fields+": [{ name: "rank", type: "number" }],
  }),
  list("guest", "the tags after that", { sort: "name" }, "tags"),
]);
