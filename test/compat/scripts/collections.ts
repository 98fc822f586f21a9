/** The collections' own API: creating, changing, importing, deleting, and what is refused. */

import {
  area,
  call,
  guest,
  type Json,
  type JsonObject,
  prepare,
  type Step,
  su,
} from "../script.ts";
import { PASSWORD, signIn } from "./stage.ts";

const AT = "/api/collections";

/** Each field type with some options. */
const FIELDS: readonly JsonObject[] = [
  { name: "text", type: "text", min: 1, max: 9, pattern: "^a" },
  { name: "editor", type: "editor", convertURLs: true },
  { name: "number", type: "number", min: -1, onlyInt: true },
  { name: "bool", type: "bool", presentable: true },
  { name: "email", type: "email", onlyDomains: ["a.test"] },
  { name: "url", type: "url", exceptDomains: ["b.test"] },
  { name: "date", type: "date", min: "2020-01-01 00:00:00.000Z" },
  { name: "autodate", type: "autodate", onCreate: true },
  { name: "select", type: "select", values: ["a", "b"], maxSelect: 2 },
  { name: "file", type: "file", mimeTypes: ["image/png"], thumbs: ["10x10"], protected: true },
  { name: "relation", type: "relation", collectionId: "{base}", cascadeDelete: true },
  { name: "json", type: "json", maxSize: 10, required: true },
  { name: "password", type: "password", min: 3, cost: 5, hidden: true },
  { name: "geo", type: "geoPoint" },
];

function fails(name: string, body: Json): Step {
  return su(`create: ${name}`, `POST ${AT}`, body);
}

function field(name: string, given: JsonObject): Step {
  return fails(`field: ${name}`, { name: "refused", type: "base", fields: [given] });
}

function change(name: string, of: string, body: Json): Step {
  return su(`change: ${name}`, `PATCH ${AT}/${of}`, body);
}

const CREATED: readonly Step[] = [
  su("list at the start", `GET ${AT}`, undefined, {
    query: { sort: "name", fields: "id,name,type,system" },
  }),
  su("scaffolds", `GET ${AT}/meta/scaffolds`, undefined, {
    like: {
      "auth.indexes.0": "^CREATE UNIQUE INDEX `idx_tokenKey_\\w+` ON `` \\(`tokenKey`\\)$",
      "auth.indexes.1":
        "^CREATE UNIQUE INDEX `idx_email_\\w+` ON `` .`email`. WHERE `email` != ''$",
    },
  }),
  su("view users", `GET ${AT}/users`),
  su("view superusers", `GET ${AT}/_superusers`),
  su("view by id", `GET ${AT}/_pb_users_auth_`, undefined, { query: { fields: "name" } }),
  su("view by name in capitals", `GET ${AT}/USERS`, undefined, { query: { fields: "name" } }),
  ...["_mfas", "_otps", "_externalAuths", "_authOrigins"].map((name) => {
    return su(`view ${name}`, `GET ${AT}/${name}`);
  }),
  su("view nothing", `GET ${AT}/nope`),
  su("create base", `POST ${AT}`, { name: "plain" }, { keep: { base: "id" } }),
  su("create with every field", `POST ${AT}`, { name: "every", type: "base", fields: FIELDS }),
  su("view it again", `GET ${AT}/every`),
  su("create auth", `POST ${AT}`, { name: "members", type: "auth" }),
  su("create auth with options", `POST ${AT}`, {
    name: "guests",
    type: "auth",
    authRule: "verified = true",
    manageRule: "@request.auth.id != ''",
    passwordAuth: { enabled: true, identityFields: ["email", "nick"] },
    otp: { enabled: true, duration: 60, length: 6 },
    authToken: { duration: 100, secret: "s".repeat(40) },
    fields: [{ name: "nick", type: "text" }],
    indexes: ["CREATE UNIQUE INDEX idx_nick ON guests (nick)"],
  }),
  su("create with id", `POST ${AT}`, { id: "my_own_id", name: "own", type: "base" }),
  su("create with rules", `POST ${AT}`, {
    name: "ruled",
    type: "base",
    listRule: "",
    viewRule: "title != ''",
    createRule: "@request.auth.id != ''",
    fields: [{ name: "title", type: "text" }],
    indexes: ["create index idx_title on `ruled` (title)"],
  }),
];

const VIEWS: readonly Step[] = [
  su("view: of columns", `POST ${AT}`, {
    name: "view1",
    type: "view",
    viewQuery: "SELECT id, name, verified, created FROM users",
    listRule: "",
  }),
  su("view: of expressions", `POST ${AT}`, {
    name: "view2",
    type: "view",
    viewQuery:
      "SELECT u.id, count(r.id) as total, cast(u.name as text) t, cast(1 as int) i, " +
      "cast(1 as bool) b, cast(1 as real) r, u.id as userid, r.id as rid, (1 + 1) as j, " +
      "max(u.created) m FROM users u LEFT JOIN ruled r ON r.title = u.name GROUP BY u.id",
    listRule: "total = 0",
  }),
  su("view: with", `POST ${AT}`, {
    name: "view3",
    type: "view",
    viewQuery: "WITH x AS (SELECT id FROM users) SELECT id FROM x",
  }),
  fails("view without id", { name: "v", type: "view", viewQuery: "SELECT name FROM users" }),
  fails("view of everything", { name: "v", type: "view", viewQuery: "SELECT * FROM users" }),
  fails("view of nothing", { name: "v", type: "view", viewQuery: "" }),
  fails("view without a query", { name: "v", type: "view" }),
  fails("view of an unknown table", { name: "v", type: "view", viewQuery: "SELECT id FROM nope" }),
  fails("view that writes", { name: "v", type: "view", viewQuery: "DELETE FROM users" }),
  fails("view of two statements", {
    name: "v",
    type: "view",
    viewQuery: "SELECT 1 id; SELECT 2 id",
  }),
  fails("view with create rule", {
    name: "v",
    type: "view",
    viewQuery: "SELECT id FROM users",
    createRule: "",
  }),
  fails("view with indexes", {
    name: "v",
    type: "view",
    viewQuery: "SELECT id FROM users",
    indexes: ["CREATE INDEX i ON v (id)"],
  }),
  prepare("a user", `POST ${AT}/users/records`, {
    id: "useruseruseruse",
    name: "Ann",
    email: "u1@x.io",
    password: PASSWORD,
    passwordConfirm: PASSWORD,
  }),
  guest("view rows", `GET ${AT}/view1/records`),
  guest("view rows with expressions", `GET ${AT}/view2/records`),
  guest("view row, locked", `GET ${AT}/view1/records/useruseruseruse`),
  su("view row", `GET ${AT}/view1/records/useruseruseruse`),
  su("view rows in order of rowid", `GET ${AT}/view1/records`, undefined, {
    query: { sort: "@rowid" },
  }),
  su("view: create a row", `POST ${AT}/view1/records`, { name: "x" }),
  su("view: update a row", `PATCH ${AT}/view1/records/useruseruseruse`, { name: "x" }),
  su("view: delete a row", `DELETE ${AT}/view1/records/useruseruseruse`),
  su("view: truncate", `DELETE ${AT}/view1/truncate`),
  change("view's query", "view1", { viewQuery: "SELECT id, email FROM users" }),
  su("delete what a view uses", `DELETE ${AT}/ruled`),
];

const REFUSED: readonly Step[] = [
  fails("nothing", {}),
  fails("no body", null),
  fails("unknown type", { name: "x", type: "nope" }),
  fails("name with a space", { name: "a b" }),
  fails("name with via", { name: "a_via_b" }),
  fails("name too long", { name: "a".repeat(256) }),
  fails("name taken", { name: "plain" }),
  fails("name taken in capitals", { name: "PLAIN" }),
  fails("name of a table", { name: "_params" }),
  fails("name that is an id", { name: "my_own_id" }),
  fails("id taken", { id: "my_own_id", name: "fresh" }),
  fails("id with a dash", { id: "a-b", name: "fresh" }),
  fails("wrong JSON type", { name: 5 }),
  fails("fields no list", { name: "x", fields: {} }),
  field("without type", { name: "a" }),
  field("unknown type", { name: "a", type: "nope" }),
  field("without name", { type: "text" }),
  field("name with a dash", { name: "a-b", type: "text" }),
  field("name with via", { name: "a_via_b", type: "text" }),
  field("name too long", { name: "a".repeat(101), type: "text" }),
  ...["null", "true", "_rowid_", "collectionId", "collectionName", "expand"].map((name) => {
    return field(`called ${name}`, { name, type: "text" });
  }),
  field("pattern", { name: "a", type: "text", pattern: "(" }),
  field("autogenerate pattern", { name: "a", type: "text", autogeneratePattern: "^a" }),
  field("min above max", { name: "a", type: "text", min: 5, max: 2 }),
  field("number: min above max", { name: "a", type: "number", min: 5, max: 2 }),
  field("number: min no integer", { name: "a", type: "number", min: 0.5, onlyInt: true }),
  field("select: no values", { name: "a", type: "select" }),
  field("select: too many of them", { name: "a", type: "select", values: ["x"], maxSelect: 2 }),
  field("email: both lists", {
    name: "a",
    type: "email",
    onlyDomains: ["a.test"],
    exceptDomains: ["b.test"],
  }),
  field("email: no domain", { name: "a", type: "email", onlyDomains: ["no domain"] }),
  field("date: min above max", {
    name: "a",
    type: "date",
    min: "2021-01-01 00:00:00.000Z",
    max: "2020-01-01 00:00:00.000Z",
  }),
  field("autodate: neither", { name: "a", type: "autodate" }),
  field("relation: to nothing", { name: "a", type: "relation" }),
  field("relation: to an unknown one", { name: "a", type: "relation", collectionId: "nope" }),
  field("relation: to a view", { name: "a", type: "relation", collectionId: "{view1}" }),
  field("relation: min above max", {
    name: "a",
    type: "relation",
    collectionId: "{base}",
    minSelect: 3,
    maxSelect: 2,
  }),
  field("file: thumb", { name: "a", type: "file", thumbs: ["10"] }),
  field("file: negative size", { name: "a", type: "file", maxSize: -1 }),
  field("password: cost", { name: "a", type: "password", cost: 2 }),
  field("second primary key", { name: "a", type: "text", primaryKey: true }),
  field("id that is no key", { name: "id", type: "text", primaryKey: false }),
  field("id of another type", { name: "id", type: "number" }),
  fails("field name twice", {
    name: "twice",
    fields: [
      { name: "a", type: "text" },
      { name: "A", type: "text" },
    ],
  }),
  fails("auth: reserved name", {
    name: "x",
    type: "auth",
    fields: [{ name: "passwordConfirm", type: "text" }],
  }),
  fails("auth: identity field without index", {
    name: "x",
    type: "auth",
    fields: [{ name: "nick", type: "text" }],
    passwordAuth: { enabled: true, identityFields: ["nick"] },
  }),
  fails("auth: unknown identity field", {
    name: "x",
    type: "auth",
    passwordAuth: { enabled: true, identityFields: ["nope"] },
  }),
  fails("auth: no identity field", {
    name: "x",
    type: "auth",
    passwordAuth: { enabled: true, identityFields: [] },
  }),
  fails("auth: mfa with one way in", {
    name: "x",
    type: "auth",
    mfa: { enabled: true, duration: 60 },
  }),
  fails("auth: durations", {
    name: "x",
    type: "auth",
    authToken: { duration: 5 },
    fileToken: { duration: 99999999 },
    otp: { enabled: true, duration: 5, length: 2 },
  }),
  fails("auth: secret too short", { name: "x", type: "auth", authToken: { secret: "short" } }),
  fails("auth: unknown provider", {
    name: "x",
    type: "auth",
    oauth2: { enabled: true, providers: [{ name: "nope", clientId: "a", clientSecret: "b" }] },
  }),
  fails("auth: provider twice", {
    name: "x",
    type: "auth",
    oauth2: {
      enabled: true,
      providers: [
        { name: "google", clientId: "a", clientSecret: "b" },
        { name: "google", clientId: "a", clientSecret: "b" },
      ],
    },
  }),
  fails("auth: provider without id", {
    name: "x",
    type: "auth",
    oauth2: { enabled: true, providers: [{ name: "google" }] },
  }),
  fails("auth: template without body", {
    name: "x",
    type: "auth",
    verificationTemplate: { subject: "", body: "" },
  }),
  fails("auth: manage rule empty", { name: "x", type: "auth", manageRule: "" }),
  fails("auth: rules invalid", {
    name: "x",
    type: "auth",
    authRule: "nope = 1",
    manageRule: "nope = 1",
  }),
  fails("index: no statement", { name: "x", indexes: ["nope"] }),
  fails("index: unknown column", { name: "x", indexes: ["CREATE INDEX i1 ON x (nope)"] }),
  fails("index: name taken", { name: "x", indexes: ["CREATE INDEX idx_title ON x (id)"] }),
  fails("index: same name twice", {
    name: "x",
    indexes: ["CREATE INDEX i1 ON x (id)", "CREATE UNIQUE INDEX i1 ON x (id)"],
  }),
  fails("index: same columns twice", {
    name: "x",
    indexes: ["CREATE INDEX i1 ON x (id)", "CREATE INDEX i2 ON x (id)"],
  }),
];

const CHANGED: readonly Step[] = [
  change("nothing", "plain", {}),
  change("name", "own", { name: "owned" }),
  change("type", "plain", { type: "auth" }),
  change("id", "plain", { id: "another" }),
  change("system flag", "plain", { system: true }),
  change("unknown keys", "plain", { nope: 1 }),
  change("nothing there", "nope", {}),
  change("add fields", "plain", {
    fields: [
      { name: "title", type: "text" },
      { name: "count", type: "number" },
      { name: "choice", type: "select", values: ["a", "b", "c"], maxSelect: 1 },
    ],
  }),
  ...[
    { id: "row000000000001", title: "one", count: 1, choice: "a" },
    { id: "row000000000002", title: "one", count: 2, choice: "b" },
  ].map((row) => prepare(`row ${row.id}`, `POST ${AT}/plain/records`, row)),
  su("get the field's id", `GET ${AT}/plain`, undefined, {
    keep: { title: "fields.1.id", count: "fields.2.id", choice: "fields.3.id" },
    only: ["name"],
  }),
  change("unique index over equal values", "plain", {
    indexes: ["CREATE UNIQUE INDEX idx_plain_title ON plain (title)"],
  }),
  change("index", "plain", { indexes: ["CREATE UNIQUE INDEX idx_plain_count ON plain (count)"] }),
  su("against the unique index", `POST ${AT}/plain/records`, { count: 1 }),
  change("rename a field by its id", "plain", {
    fields: [
      { id: "{title}", name: "heading", type: "text" },
      { id: "{count}", name: "count", type: "number" },
      { id: "{choice}", name: "choice", type: "select", values: ["a", "b", "c"], maxSelect: 2 },
    ],
  }),
  su("the data stayed, single became many", `GET ${AT}/plain/records`, undefined, {
    query: { sort: "id" },
  }),
  prepare("many", `PATCH ${AT}/plain/records/row000000000001`, { choice: ["c", "b"] }),
  change("many to single", "plain", {
    fields: [
      { id: "{title}", name: "heading", type: "text" },
      { id: "{count}", name: "count", type: "number" },
      { id: "{choice}", name: "choice", type: "select", values: ["a", "b", "c"], maxSelect: 1 },
    ],
  }),
  su("the last stayed", `GET ${AT}/plain/records`, undefined, { query: { sort: "id" } }),
  change("a field's type", "plain", {
    fields: [{ id: "{title}", name: "heading", type: "number" }],
  }),
  change("remove an indexed field", "plain", {
    fields: [{ id: "{title}", name: "heading", type: "text" }],
  }),
  change("remove it with its index", "plain", {
    fields: [{ id: "{title}", name: "heading", type: "text" }],
    indexes: [],
  }),
  su("without the fields", `GET ${AT}/plain/records`, undefined, { query: { sort: "id" } }),
  change("relation to another collection", "every", {
    fields: [{ name: "relation", type: "relation", collectionId: "_pb_users_auth_" }],
  }),
  change("users: a field", "users", {
    fields: [{ name: "nick", type: "text" }],
  }),
  change("users: options", "users", {
    passwordAuth: { enabled: false },
    authToken: { duration: 1000 },
    oauth2: { enabled: true, mappedFields: { name: "nick" } },
  }),
  change("system collection: name", "_superusers", { name: "x" }),
  change("system collection: rule", "_mfas", { listRule: "" }),
  change("system collection: system field", "_mfas", {
    fields: [{ name: "method", type: "number", system: true }],
  }),
  change("system collection: own field", "_superusers", {
    fields: [{ name: "note", type: "text" }],
  }),
  change("superusers: without password", "_superusers", { passwordAuth: { enabled: false } }),
  change("superusers: OAuth2", "_superusers", { oauth2: { enabled: true } }),
];

const LISTED: readonly Step[] = [
  su("list: whole page", `GET ${AT}`, undefined, {
    query: { perPage: "2", page: "2", sort: "name", fields: "name" },
  }),
  ...["type = 'auth'", "name ~ 'e' && system = false", "fields ~ 'x'", "nope = 1"].map((filter) => {
    const query = { filter, sort: "-name", fields: "name" };
    return su(`list: ${filter}`, `GET ${AT}`, undefined, { query });
  }),
  ...["-type,name", "created", "fields", "@random"].map((sort) => {
    return su(`list: sort ${sort}`, `GET ${AT}`, undefined, {
      query: { sort, fields: "id" },
      only: ["page", "status"],
    });
  }),
  su("list: skip the total", `GET ${AT}`, undefined, { query: { skipTotal: "1", fields: "x" } }),
];

const RIGHTS: readonly Step[] = ["guest", "u1"].flatMap((as) => [
  call(as, `${as} lists`, `GET ${AT}`),
  call(as, `${as} views`, `GET ${AT}/plain`),
  call(as, `${as} views nothing`, `GET ${AT}/nope`),
  call(as, `${as} creates`, `POST ${AT}`, { name: "x" }),
  call(as, `${as} changes`, `PATCH ${AT}/plain`, { name: "x" }),
  call(as, `${as} deletes`, `DELETE ${AT}/plain`),
  call(as, `${as} truncates`, `DELETE ${AT}/plain/truncate`),
  call(as, `${as} imports`, `PUT ${AT}/import`, { collections: [] }),
  call(as, `${as} asks for scaffolds`, `GET ${AT}/meta/scaffolds`),
]);

const IMPORTED: readonly Step[] = [
  su("import: nothing", `PUT ${AT}/import`, { collections: [] }),
  su("import: no body", `PUT ${AT}/import`),
  su("import: an invalid one", `PUT ${AT}/import`, { collections: [{ name: "a b" }] }),
  su("import: two", `PUT ${AT}/import`, {
    collections: [
      { id: "imp1", name: "imported", type: "base", fields: [{ name: "a", type: "text" }] },
      {
        id: "imp2",
        name: "importedview",
        type: "view",
        viewQuery: "SELECT id, a FROM imported",
        listRule: "",
      },
    ],
  }),
  su("import: they are there", `GET ${AT}/imp1`),
  su("import: the view too", `GET ${AT}/importedview/records`),
  su("import: changes, keeps other fields", `PUT ${AT}/import`, {
    collections: [
      { id: "imp1", name: "imported", type: "base", fields: [{ name: "b", type: "text" }] },
    ],
  }),
  su("import: both fields", `GET ${AT}/imported`, undefined, {
    only: ["name", "fields.1.name", "fields.2.name"],
  }),
  su("import: all but some are deleted", `PUT ${AT}/import`, {
    deleteMissing: true,
    collections: [
      { id: "imp1", name: "imported", type: "base", fields: [{ name: "b", type: "text" }] },
      { id: "my_own_id", name: "owned", type: "base" },
    ],
  }),
  su("import: what is left", `GET ${AT}`, undefined, { query: { sort: "name", fields: "name" } }),
  su("import: its fields", `GET ${AT}/imported`),
];

const DELETED: readonly Step[] = [
  su("delete: a system collection", `DELETE ${AT}/_superusers`),
  su("delete: nothing there", `DELETE ${AT}/nope`),
  su("delete: referred to", `DELETE ${AT}/plain`),
  su("truncate: rows", `DELETE ${AT}/plain/truncate`),
  su("truncate: they are gone", `GET ${AT}/plain/records`),
  su("truncate: nothing there", `DELETE ${AT}/nope/truncate`),
  su("delete: what referred", `DELETE ${AT}/every`),
  su("delete: no longer referred to", `DELETE ${AT}/plain`),
  su("delete: it is gone", `GET ${AT}/plain`),
  su("delete: by id", `DELETE ${AT}/my_own_id`),
];

export const COLLECTIONS = area("collections", [
  ...CREATED,
  ...VIEWS,
  {
    ...su("keep the view's id", `GET ${AT}/view1`, undefined, { keep: { view1: "id" } }),
    quiet: true,
  } as Step,
  signIn("u1", "users"),
  ...RIGHTS,
  ...REFUSED,
  ...CHANGED,
  ...LISTED,
  ...DELETED.slice(0, -1),
  ...IMPORTED,
  ...DELETED.slice(-1),
]);
