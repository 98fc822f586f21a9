/** Collections and rows that several areas start from: people, tags, posts, comments, profiles. */

import { type JsonObject, prepare, type Step } from "../script.ts";

export const PASSWORD = "secret-1234";
export const PUBLIC = {
  listRule: "",
  viewRule: "",
  createRule: "",
  updateRule: "",
  deleteRule: "",
};

/** An id field that takes short ids, so that answers can be read. */
export const SHORT_ID = {
  name: "id",
  type: "text",
  system: true,
  required: true,
  primaryKey: true,
  min: 2,
  max: 15,
  pattern: "^[a-z0-9]+$",
  autogeneratePattern: "[a-z0-9]{15}",
};

export function collection(
  name: string,
  fields: readonly JsonObject[],
  more: JsonObject = {},
): Step {
  const body = { name, type: "base", ...PUBLIC, fields: [SHORT_ID, ...fields], ...more };
  return prepare(`stage: collection ${name}`, "POST /api/collections", body);
}

export function row(into: string, fields: JsonObject): Step {
  const name = `stage: ${into} ${String(fields.id)}`;
  return prepare(name, `POST /api/collections/${into}/records`, fields);
}

/** Signs a person of the stage in; later calls are made `as` that id. */
export function signIn(id: string, into = "people"): Step {
  const body = { identity: `${id}@x.io`, password: PASSWORD };
  const line = `POST /api/collections/${into}/auth-with-password`;
  return {
    ...prepare(`stage: ${id} signs in`, line, body, { keep: { [id]: "token" } }),
    as: "guest",
  } as Step;
}

export function relation(name: string, to: string, more: JsonObject = {}): JsonObject {
  return { name, type: "relation", collectionId: `{${to}}`, maxSelect: 1, ...more };
}

function made(name: string, fields: readonly JsonObject[], more: JsonObject = {}): Step {
  return { ...collection(name, fields, more), keep: { [name]: "id" } } as Step;
}

export const PEOPLE: readonly Step[] = [
  made(
    "people",
    [
      { name: "email", type: "email", required: false, system: true },
      { name: "name", type: "text" },
      { name: "role", type: "select", values: ["admin", "editor"], maxSelect: 1 },
    ],
    { type: "auth" },
  ),
  ...[
    {
      id: "u1",
      email: "u1@x.io",
      emailVisibility: true,
      verified: true,
      name: "Ann",
      role: "admin",
    },
    { id: "u2", email: "u2@x.io", name: "Bob", role: "editor" },
    { id: "u3", name: "Cy" },
  ].map((person) => row("people", { ...person, password: PASSWORD, passwordConfirm: PASSWORD })),
];

const COLLECTIONS: readonly Step[] = [
  made("tags", [
    { name: "name", type: "text" },
    { name: "weight", type: "number" },
  ]),
  made("posts", [
    { name: "title", type: "text" },
    { name: "views", type: "number" },
    { name: "active", type: "bool" },
    { name: "published", type: "date" },
    { name: "status", type: "select", values: ["live", "draft"], maxSelect: 1 },
    { name: "labels", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
    relation("author", "people"),
    relation("tags", "tags", { maxSelect: 9 }),
    { name: "meta", type: "json" },
    { name: "place", type: "geoPoint" },
    { name: "secret", type: "text", hidden: true },
    { name: "body", type: "editor" },
  ]),
  made("comments", [
    relation("post", "posts"),
    { name: "text", type: "text" },
    { name: "rating", type: "number" },
  ]),
  made("profiles", [relation("user", "people"), { name: "nick", type: "text" }], {
    indexes: ["CREATE UNIQUE INDEX idx_profiles_user ON profiles (user)"],
  }),
];

const POSTS: readonly JsonObject[] = [
  {
    id: "p1",
    title: "Hello World",
    views: 10,
    active: true,
    published: "2021-01-10 08:00:00.000Z",
    status: "live",
    labels: ["a", "b"],
    author: "u1",
    tags: ["t1", "t2"],
    meta: { k: 1, arr: [1, 2], n: null, s: "x", b: true },
    place: { lon: 23.32, lat: 42.69 },
    secret: "s1",
    body: "<p>Hello <b>big</b> world</p>",
  },
  { id: "p2", title: "hello moon", status: "draft", author: "u2" },
  {
    id: "p3",
    title: "100% sure",
    views: -5,
    active: true,
    published: "2021-06-01 00:00:00.000Z",
    status: "live",
    labels: ["a"],
    author: "u1",
    tags: ["t1"],
    meta: "str",
    place: { lon: 23.4, lat: 42.7 },
  },
  {
    id: "p4",
    views: 3.5,
    published: "2022-01-01 00:00:00.000Z",
    labels: ["c"],
    tags: ["t2", "t3"],
    meta: [1, 2, 3],
    place: { lon: -0.12, lat: 51.5 },
  },
  {
    id: "p5",
    title: `it's "quoted"`,
    views: 100,
    active: true,
    published: "2020-12-31 23:59:59.999Z",
    status: "draft",
    labels: ["b", "c"],
    author: "u3",
    tags: ["t3"],
    meta: 5,
  },
  {
    id: "p6",
    title: "snake_case",
    views: 42,
    published: "2021-01-10 20:00:00.000Z",
    status: "live",
    labels: ["a", "b", "c"],
    author: "u2",
    tags: ["t1", "t2", "t3"],
    meta: { k: "1", s: "" },
    place: { lon: 24.75, lat: 42.15 },
    secret: "s2",
  },
];

/** Everything, with `{people}`, `{tags}`, `{posts}` … as the collections' ids. */
export const STAGE: readonly Step[] = [
  ...PEOPLE,
  ...COLLECTIONS,
  row("tags", { id: "t1", name: "red", weight: 1 }),
  row("tags", { id: "t2", name: "Green", weight: 2 }),
  row("tags", { id: "t3", name: "blue_50%" }),
  ...POSTS.map((post) => row("posts", post)),
  row("comments", { id: "c1", post: "p1", text: "nice", rating: 5 }),
  row("comments", { id: "c2", post: "p1", text: "bad", rating: 1 }),
  row("comments", { id: "c3", post: "p3", text: "nice", rating: 4 }),
  row("comments", { id: "c4", post: "p6" }),
  row("profiles", { id: "f1", user: "u1", nick: "annie" }),
  row("profiles", { id: "f2", user: "u2", nick: "42" }),
];

/** Changes rules of a collection. */
export function rules(of: string, name: string, changed: JsonObject): Step {
  return prepare(`${name} [rules]`, `PATCH /api/collections/${of}`, changed);
}
