/** Filters as the services use them: who sees what, which statements, at which cost. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { defineCollection, fields } from "../../src/features/records/schema.ts";
import { type FilterOptions, Filters } from "../../src/features/records/service/filters.ts";
import { NO_REQUEST, type RequestInfo } from "../../src/features/records/service/request.ts";
import { EVERYTHING, freshWorld, NOW, requestOf, type World } from "./filter-fixture.ts";

let world: World;
beforeAll(async () => {
  world = await freshWorld([
    defineCollection({
      id: "teams",
      name: "teams",
      listRule: "",
      fields: [fields.id(), fields.text("org"), fields.relation("parent", "teams")],
      indexes: ["CREATE INDEX `idx_teams_org` ON `teams` (`org`)"],
    }),
    defineCollection({
      id: "seats",
      name: "seats",
      listRule: "",
      fields: [fields.id(), fields.relation("team", "teams"), fields.relation("user", "users")],
      indexes: ["CREATE INDEX `idx_seats_user` ON `seats` (`user`)"],
    }),
  ]);
});
afterAll(() => world[Symbol.asyncDispose]());

type Some = Partial<Omit<FilterOptions, "collection">> & { readonly collection?: string };

function query({ collection = "posts", ...options }: Some, filters = world.filters()) {
  const shared = { request: requestOf("guest"), now: NOW, privileged: false };
  return filters.query({ ...shared, ...options, collection: world.collection(collection) });
}

async function ids(options: Some, listRules: Readonly<Record<string, string | null>> = {}) {
  const rows = await world.run(query(options, world.filters(listRules)).rows(EVERYTHING));
  return rows
    .map((row) => row.id)
    .sort()
    .join(" ");
}

function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("not refused");
}

test.each([
  ["posts", "title = '@request.auth.id'", 403],
  ["posts", "@request.method = 'GET'", 403],
  ["posts", "@collection.users.tokenKey ~ 'a'", 403],
  ["posts", "author.password ~ 'a'", 400],
  ["posts", "author.tokenKey:lower ~ 'a'", 400],
  ["users", "posts_via_author.secret = 's1'", 400],
  ["posts", "strftime('%Y', secret) = ''", 400],
  ["posts", "geoDistance(secret, 1, 2, 3) < 1", 400],
  ["posts", "@request = 1", 400],
  ["posts", "@collection = 1", 400],
  ["posts", "@constructor = 1", 400],
  ["posts", "constructor = 1", 400],
  ["posts", "__proto__.x = 1", 400],
  ["posts", "author. = 1", 400],
  ["posts", "author..name = 1", 400],
  ["posts", ".title = 1", 400],
  ["posts", "title`x = 1", 400],
  ["posts", "title = 'x'; DROP TABLE posts", 400],
])("%s: a client's %p is refused with %i", (collection, filter, status) => {
  expect(refusal(() => query({ collection, filter })).status).toBe(status);
});

test("what a text says stays a value", async () => {
  for (const hostile of ["' OR 1=1 --", "x') OR ('1'='1", "`", "?", "$1", "\u0001"]) {
    expect(await ids({ filter: `title = ${JSON.stringify(hostile)}` })).toBe("");
    expect(await ids({ filter: `meta.k != "${hostile.replaceAll('"', "")}"` })).not.toBe("");
  }
});

test.each([
  // t3 is not listable: as a value it neither helps nor hinders.
  ["tags.name ~ 'e'", "p1 p3 p4 p6", { tags: "weight > 0" }],
  ["tags.name !~ 'blue'", "p1 p3 p4 p6", { tags: "weight > 0" }],
  ["tags.name = 'Green'", "p4", { tags: "weight > 0" }],
  ["tags.name !~ 'blue'", "p1 p3", {}],
  // A rule with tables of its own.
  ["tags.name ?= 'blue_50%'", "p4 p5 p6", { tags: "posts_via_tags.views ?> 50" }],
  ["tags.name ?= 'red'", "", { tags: "posts_via_tags.views ?> 50" }],
  ["tags.name ?= 'red'", "p1 p3 p6", { tags: "posts_via_tags.views ?> 41" }],
  // The rules of further collections on the way, in a row.
  ["author.profiles_via_user.nick = '42'", "p2 p6", { users: "", profiles: "nick != 'x'" }],
  ["author.profiles_via_user.nick = '42'", "", { users: "verified = true" }],
  ["author.profiles_via_user.nick = '42'", "", { profiles: "nick != 42 && nick != '42'" }],
])("%p finds %p where list rules are %p", async (filter, expected, listRules) => {
  expect(await ids({ filter }, listRules)).toBe(expected);
});

test("a sort is held to the list rules too", async () => {
  const sorted = { sort: "author.name" };
  expect(await ids(sorted, { users: "verified = true" })).toBe("p1 p3 p4");
  expect(refusal(() => query(sorted, world.filters({ users: null }))).code).toBe("invalid_filter");
  const counted = query(sorted, world.filters({ users: "verified = true" })).count();
  expect(await world.run(counted)).toEqual([{ total: 3 }]);
});

test("an address that is hidden is no counterexample either", async () => {
  // u1 and u2 write posts with these tags; only Ann shows her address.
  const filter = "posts_via_tags.author.email !~ 'bob'";
  expect(await ids({ collection: "tags", filter })).toBe("t1 t2");
  expect(await ids({ collection: "tags", filter, privileged: true })).toBe("");
});

test("a rule that does not fit says nothing of itself", () => {
  const broken = refusal(() => query({ rule: "secret.x = 'hush'" }));
  expect([broken.code, broken.message]).toEqual([
    "invalid_rule",
    `A rule of "posts" can't be applied.`,
  ]);
  const joined = world.filters({ users: "hush = 1" });
  expect(refusal(() => query({ filter: "author.name = 'x'" }, joined)).code).toBe("invalid_rule");
  expect(() => query({ filter: "author = 'x'" }, joined)).not.toThrow();
});

test("rules are checked with a request that has nothing", () => {
  const check = (rule: string) => world.filters().checkRule(world.collection("posts"), rule);
  for (const rule of ["", "@request.auth.name.x = 1", "@request.body.author.anything.at.all = 1"]) {
    expect(() => check(rule)).not.toThrow();
  }
  for (const rule of [" ", "nope = 1", "@request.body.title:length = 3", "@request.foo = 1"]) {
    expect(refusal(() => check(rule)).code).toBe("invalid_filter");
  }
});

test("what a null hides at saving shows when somebody signs in", async () => {
  const rule = "@request.auth.name.x = 1";
  expect(await ids({ rule })).toBe("");
  expect(refusal(() => query({ rule, request: requestOf("ann") })).code).toBe("invalid_rule");
});

const ANN: RequestInfo = {
  ...requestOf("ann"),
  auth: {
    ...requestOf("ann").auth!,
    record: { id: "u1", name: "Ann", role: "admin", verified: true, email: "ann@x.io" },
  },
};

test.each([
  ["@request.auth.role = 'admin'", "p1 p2 p3 p4 p5 p6"],
  ["@request.auth.role != 'admin'", ""],
  ["@request.auth.role = ''", ""],
  ["@request.auth.role ~ 'adm'", "p1 p2 p3 p4 p5 p6"],
  ["@request.auth.name:lower = 'ann'", "p1 p2 p3 p4 p5 p6"],
  ["@request.auth.name = author.name", "p1 p3"],
  ["@request.auth.name != author.name", "p2 p4 p5 p6"],
  ["title != @request.auth.name && @request.auth.verified = 1", "p1 p2 p3 p4 p5 p6"],
  ["@request.auth.role:length = 1", "p1 p2 p3 p4 p5 p6"],
  ["@request.auth.missing = ''", "p1 p2 p3 p4 p5 p6"],
  ["active = @request.auth.verified", "p1 p3 p5"],
  ["views > 5 && (@request.auth.role = 'editor' || author = @request.auth.id)", "p1"],
])("%p is the same with the caller's record at hand and without", async (rule, expected) => {
  expect(await ids({ rule, request: requestOf("ann") })).toBe(expected);
  expect(await ids({ rule, request: ANN })).toBe(expected);
});

test("one compiled text serves every request, whatever is empty in it", async () => {
  const filters = world.filters();
  const rule = "author = @request.auth.id && @request.query.q:isset = false";
  const auth = (id: string) => ({ ...ANN, query: {}, auth: { ...ANN.auth!, id } });
  const requests = [auth("u1"), NO_REQUEST, auth("u2"), ANN, auth("u1"), NO_REQUEST];
  const answers: string[] = [];
  const texts = new Set<string>();
  for (const request of requests) {
    const statement = query({ rule, request }, filters).rows(EVERYTHING);
    texts.add(statement.sql);
    answers.push((await world.run(statement)).map((row) => row.id).join(" "));
  }
  expect(answers).toEqual(["p1 p3", "p4", "p2 p6", "", "p1 p3", "p4"]);
  expect(texts.size).toBe(2);
});

test("the cache has an end, and forgets nothing that matters", async () => {
  const filters = world.filters();
  for (let round = 0; round < LIMITS.compiledFiltersMax * 2; round++) {
    query({ filter: `views = ${round}` }, filters);
  }
  const found = await world.run(query({ filter: "views = 10" }, filters).rows(EVERYTHING));
  expect(found.map((row) => row.id)).toEqual(["p1"]);
});

test("statements for one, for some, and for what refers to some", async () => {
  const visible = query({ rule: "active = true", sort: "-views" });
  const run = async (statement: Parameters<World["run"]>[0]) =>
    (await world.run(statement)).map((row) => row.id).join(" ");
  expect(await run(visible.row("p1"))).toBe("p1");
  expect(await run(visible.row("p2"))).toBe("");
  expect(await run(visible.rowsOf(["p1", "p2", "p5", "none"]))).toBe("p5 p1");
  expect(await run(visible.referringBy("author", ["u1", "u2"], 10))).toBe("p1 p3");
  expect(await run(visible.referringBy("tags", ["t3", "t1"], 10))).toBe("p5 p1 p3");
  expect(await run(visible.referringBy("tags", ["t3", "t1"], 2))).toBe("p5 p1");
  expect(await run(visible.rows({ limit: 1, offset: 1 }))).toBe("p1");
  expect(await run(query({ rule: "tags.weight ?> 0" }).rowsOf(["p1", "p6"]))).toBe("p1 p6");
});

test.each([
  ["title = 'New'", true],
  ["title = 'Old'", false],
  ["views = 7 && active = false && status = ''", true],
  ["author = @request.auth.id && author.name = 'Bob'", true],
  ["author.posts_via_author.title ?= 'hello moon'", true],
  ["tags.name ?= 'red' && tags:length = 2", true],
  ["tags.name = 'red'", false],
  ["labels:each ?= 'b' && @request.body.labels:each ?= 'b'", true],
  ["@request.body.title:changed = false && @request.body.views:changed = false", true],
  ["@request.body.nul:isset = true && @request.body.other:isset = false", true],
  ["meta.k = 1 && place.lon = 3", true],
  ["@collection.users.id ?= author", true],
  ["id != '' && secret = ''", true],
])("a record about to be made passes %p: %p", async (rule, passes) => {
  const values = {
    id: "p7",
    title: "New",
    views: 7,
    active: false,
    published: "",
    status: "",
    labels: `["a","b"]`,
    author: "u2",
    tags: `["t1","t2"]`,
    meta: `{"k":1}`,
    place: `{"lon":3,"lat":4}`,
    secret: "",
    files: "[]",
  };
  const asked = query({ rule, request: requestOf("bob") });
  expect(await world.run(asked.accepts(values))).toEqual(passes ? [{ ok: 1 }] : []);
});

test("no path goes back from a record that is not stored", () => {
  const refused = refusal(() => query({ rule: "comments_via_post.id = ''" }).accepts({}));
  expect(refused.code).toBe("invalid_rule");
});

test.each([
  ["SELECT count(*)", "", {}],
  ["SELECT count(*)", "@request.auth.id != ''", {}],
  ["SELECT count(*)", "@request.auth.role = 'admin' || org = 'x'", {}],
  ["SELECT count(*)", "@request.auth.role = 'admin' || seats_via_team.user ?= 'u1'", {}],
  ["SEARCH b USING COVERING INDEX idx_teams_org", "org = @request.auth.id", {}],
  ["SEARCH b USING COVERING INDEX idx_teams_org", "org = @request.auth.name", {}],
  ["SEARCH b USING COVERING INDEX idx_teams_org", "org = @request.auth.id", { auth: null }],
  ["idx_seats_user (user=?)", "seats_via_team.user ?= @request.auth.id", {}],
])("a total reads no table: %p for rule %p", async (expected, rule, request) => {
  const options = {
    collection: "teams",
    rule,
    sort: "-parent.org",
    request: { ...ANN, ...request },
  };
  const { sql, values, timed } = query(options).count();
  const plan = await world.db.all(`EXPLAIN QUERY PLAN ${sql}`, ...values);
  const text = plan.map((step) => step.detail).join("; ");
  if (expected.startsWith("SELECT"))
    expect(sql).toBe("SELECT count(*) AS `total` FROM `teams` AS `b`");
  else expect(text).toContain(expected);
  // What looks at rows can be slow; the count of a whole table cannot.
  expect(timed).toBe(!expected.startsWith("SELECT"));
});

test.each([
  "text = 'none' && rating = 1",
  "post.title = 'none'",
  "post.comments_via_post.text ?= 'none'",
  "post.comments_via_post.text != 'none'",
])("a client's %p is broken off when its time is over", async (filter) => {
  await using slow = await freshWorld();
  await slow.db.write(async (tx) => {
    const sql = "INSERT INTO comments (id, post, text) VALUES (?, 'p1', 'x')";
    for (let row = 0; row < 200; row++) await tx.run(sql, `row${row}`);
  });
  const comments = slow.collection("comments");
  const options = { collection: comments, request: NO_REQUEST, now: NOW, privileged: false };
  const { sql, values, timed } = slow
    .filters()
    .query({ ...options, filter })
    .rows(EVERYTHING);
  expect(timed).toBe(true);
  const failed = await slow.db.readWithin(0, sql, ...values).catch((error: AppError) => error.code);
  expect(failed).toBe("query_too_slow");
  // One row that has many others behind it is no way out.
  const one = slow.filters().query({ ...options, filter: `id = 'row1' && (${filter})` });
  const statement = one.rows(EVERYTHING);
  const deep = slow.db.readWithin(0, statement.sql, ...statement.values);
  const outcome = await deep.then(() => "done").catch((error: AppError) => error.code);
  expect(outcome).toBe(filter.includes("via") ? "query_too_slow" : "done");
});

test("the largest filters are within the engine's bounds", async () => {
  const nested = `${"views = 1 && (views = 2 || (".repeat(99)}views = 3 || views = 10${"))".repeat(99)}`;
  expect(() => query({ rule: nested })).not.toThrow();
  expect(await ids({ rule: nested })).toBe("");
  const wide = Array(200).fill("tags.name != 'x'").join("&&");
  expect(await ids({ rule: wide })).toBe("p1 p2 p3 p4 p5 p6");
  const aliases = (count: number) =>
    Array.from({ length: count }, (_, at) => `@collection.teams:a${at}.org ?= 'none'`).join("||");
  expect(await ids({ rule: aliases(LIMITS.filterJoinsMax) })).toBe("");
  const many = refusal(() => query({ rule: aliases(LIMITS.filterJoinsMax + 1) }));
  expect(many.code).toBe("invalid_rule");
});

test.each([
  // A list or an object is compared as its JSON.
  [{ labels: ["a", "b"] }, `@request.body.labels = '["a","b"]'`, true],
  [{ meta: { b: 1, a: [true, null] } }, `@request.body.meta = '{"a":[true,null],"b":1}'`, true],
  [{ meta: { a: { b: ["x"] } } }, "@request.body.meta.a.b.0 = 'x'", true],
  [{ meta: { a: 1 } }, "@request.body.meta.constructor:isset = true", false],
  [{ meta: [1] }, "@request.body.meta.length:isset = true", false],
  // A form's text is a number where the field is one.
  [{ views: "7" }, "@request.body.views = 7", true],
  [{ views: "0x7" }, "@request.body.views = 7", false],
  [{ title: "7" }, "@request.body.title = 7", false],
  [{ views: 7 }, "@request.body.views ~ '7'", true],
  [{ active: true }, "@request.body.active = true", true],
  [{ active: true }, "@request.body.active:lower = 'true'", true],
  [{ title: "ABC" }, "@request.body.title:lower = 'abc'", true],
  [{}, "@request.body.title:lower = ''", true],
  [{ author: "" }, "@request.body.author:length = 1", true],
  [{ author: "u1" }, "@request.body.author.name = 'Ann'", true],
  [{ author: "" }, "@request.body.author.name = ''", true],
  [{ tags: `["t1","t1",""]` }, "@request.body.tags.name = 'red'", true],
  [{ tags: ["t1", "t2"] }, "@request.body.tags.name = 'red'", false],
  [{ tags: ["t1", "t2"] }, "@request.body.tags:each != 't3'", true],
  [{ tags: null }, "@request.body.tags:length = 0", true],
  [{ title: "50%" }, "@request.body.title ~ '50\\%'", true],
  [{ title: "a%" }, "'a1' ~ @request.body.title", true],
  [{ title: "a_" }, "'a1' ~ @request.body.title", false],
])("body %p satisfies %p: %p", async (body, rule, passes) => {
  const { sql, values } = query({ rule, request: { ...NO_REQUEST, body } }).row("p1");
  expect((await world.db.all(sql, ...values)).length).toBe(passes ? 1 : 0);
});

test("a clock of the engine's own is never asked", async () => {
  expect(await ids({ filter: "strftime('%Y-%m-%d %H:%M') = '2024-01-10 12:00'" })).not.toBe("");
  expect(await ids({ filter: "strftime('%Y', 'NOW', '+1 year') = '2025'" })).not.toBe("");
  expect(await ids({ filter: "strftime('%Y', 'now') = '2024'", now: NOW + 366 * 86_400_000 })).toBe(
    "",
  );
});

test("filters of one schema know no collection of another", () => {
  const filters = new Filters([world.collection("tags")]);
  expect(() => query({ collection: "posts" }, filters)).toThrow("assertion failed");
});
