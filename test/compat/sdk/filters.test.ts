/** The official client: filters, rules and orders, on rows where the answers are known. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type PocketBase from "pocketbase";
import { ids, PASSWORD, PUBLIC, refusal, SHORT_ID, Stage } from "./stage.ts";

interface Vector {
  readonly id: string;
  readonly collection: string;
  readonly kind: "filter" | "rule";
  readonly actor: "ann" | "bob" | "guest" | "superuser";
  readonly filter: string;
  readonly listRule: string | null;
  readonly listRules: Readonly<Record<string, string | null>> | null;
  readonly expected: readonly string[] | null;
}

interface Vectors {
  readonly contexts: Readonly<Record<"bob", { readonly body: Readonly<Record<string, unknown>> }>>;
  readonly data: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly vectors: readonly Vector[];
}

const TABLE = join(import.meta.dir, "../../features/vectors/filter-vectors.json");
const VECTORS = JSON.parse(readFileSync(TABLE, "utf8")) as Vectors;
/** A server of its own process reads its own clock, which the table's answers do not know. */
const OF_THE_CLOCK = /@(now|today|month|year|day|weekday|hour)/;
const JSON_COLUMNS = ["labels", "tags", "meta", "place"];

let on: Stage;
let ann: PocketBase;
let bob: PocketBase;

beforeAll(async () => {
  on = await Stage.start();
  await makeCollections();
  for (const [name, rows] of Object.entries(VECTORS.data)) {
    for (const row of rows) await on.root.collection(name).create(bodyOf(name, row));
  }
  ann = await on.root.collection("users").impersonate("u1", 3600);
  bob = await on.root.collection("users").impersonate("u2", 3600);
});
afterAll(() => on[Symbol.asyncDispose]());

async function makeCollections(): Promise<void> {
  const relation = (name: string, collectionId: string, maxSelect = 1) => {
    return { name, type: "relation", collectionId, maxSelect };
  };
  const users = await on.root.collections.getOne("users");
  const fields = users.fields.map((field) => {
    if (field.name === "id") return { ...field, ...SHORT_ID };
    return field.name === "email" ? { ...field, required: false } : field;
  });
  const role = { name: "role", type: "select", values: ["admin", "editor"], maxSelect: 1 };
  await on.root.collections.update("users", { ...PUBLIC, fields: [...fields, role] });
  const tags = await on.collection("tags", [
    { name: "name", type: "text" },
    { name: "weight", type: "number" },
  ]);
  const posts = await on.collection("posts", [
    { name: "title", type: "text" },
    { name: "views", type: "number" },
    { name: "active", type: "bool" },
    { name: "published", type: "date" },
    { name: "status", type: "select", values: ["draft", "live"], maxSelect: 1 },
    { name: "labels", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
    relation("author", users.id),
    relation("tags", tags.id, 9),
    { name: "meta", type: "json" },
    { name: "place", type: "geoPoint" },
    { name: "secret", type: "text", hidden: true },
    { name: "files", type: "file", maxSelect: 5 },
  ]);
  await on.collection("comments", [
    relation("post", posts.id),
    { name: "text", type: "text" },
    { name: "rating", type: "number" },
  ]);
  await on.collection("profiles", [relation("user", users.id), { name: "nick", type: "text" }], {
    indexes: ["CREATE UNIQUE INDEX idx_profiles_user ON profiles (user)"],
  });
}

/** The table has columns as they are stored. */
function bodyOf(name: string, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(row).map(([key, value]) => {
    if (key === "files") {
      const names = JSON.parse(String(value)) as string[];
      return [key, names.map((file) => new File(["content"], file))] as const;
    }
    const isJson = JSON_COLUMNS.includes(key) && typeof value === "string";
    return [key, isJson ? JSON.parse(value) : value] as const;
  });
  const pair = name === "users" ? { password: PASSWORD, passwordConfirm: PASSWORD } : {};
  return { ...Object.fromEntries(entries), ...pair };
}

function clientOf(actor: Vector["actor"]): PocketBase {
  if (actor === "superuser") return on.root;
  if (actor === "guest") return on.client();
  return actor === "ann" ? ann : bob;
}

async function listed(vector: Vector): Promise<string> {
  const { actor, collection, kind, filter } = vector;
  const { items } = await clientOf(actor)
    .collection(collection)
    .getList(1, 50, {
      ...(kind === "filter" ? { filter } : {}),
      sort: "id",
      q: "live",
      headers: { "X-Token": "abc" },
    });
  return ids(items);
}

/** What bob may update: a change of id is refused only after the rule has let him through. */
async function updatable(): Promise<string> {
  const passed: string[] = [];
  for (const { id } of VECTORS.data.posts ?? []) {
    const body = { ...VECTORS.contexts.bob.body, id: "other" };
    const [status] = await refusal(bob.collection("posts").update(String(id), body));
    if (status === 400) passed.push(String(id));
    else expect(status).toBe(404);
  }
  return passed.join(" ");
}

async function outcome(vector: Vector): Promise<string> {
  const isUpdate = vector.kind === "rule" && vector.actor === "bob";
  const rules: Record<string, object> = {};
  for (const [name, listRule] of Object.entries(vector.listRules ?? {})) rules[name] = { listRule };
  if (vector.listRule) rules[vector.collection] = { listRule: vector.listRule };
  if (vector.kind === "rule") {
    rules[vector.collection] = { [isUpdate ? "updateRule" : "listRule"]: vector.filter };
  }
  try {
    for (const [name, changed] of Object.entries(rules)) {
      await on.root.collections.update(name, changed);
    }
    return await (isUpdate ? updatable() : listed(vector));
  } catch (error) {
    return `ERROR(${(error as { status: number }).status})`;
  } finally {
    for (const name of Object.keys(rules)) await on.root.collections.update(name, PUBLIC);
  }
}

describe("S24 filters and rules", () => {
  const sections: readonly (readonly [string, (vector: Vector) => boolean])[] = [
    ["a superuser's filters", ({ actor }) => actor === "superuser"],
    ["a guest's filters", ({ kind, actor }) => kind === "filter" && actor === "guest"],
    ["rules of lists", ({ kind, actor }) => kind === "rule" && actor !== "bob"],
    ["rules of updates", ({ kind, actor }) => kind === "rule" && actor === "bob"],
  ];
  const timeless = VECTORS.vectors.filter(({ filter }) => !OF_THE_CLOCK.test(filter));

  test.each(sections)("%s let the rows through that they name", async (_name, isIn) => {
    const faults: string[] = [];
    for (const vector of timeless.filter(isIn)) {
      const expected = vector.expected?.join(" ") ?? "ERROR(400)";
      const got = await outcome(vector);
      if (got !== expected) faults.push(`${vector.id} ${vector.filter}: ${got}, not ${expected}`);
    }
    expect(faults).toEqual([]);
  });

  test("are nearly all of the table", () => {
    expect(timeless.length).toBeGreaterThan(225);
    const known = sections.map(([, isIn]) => timeless.filter(isIn).length);
    expect(known.reduce((sum, count) => sum + count, 0)).toBe(timeless.length);
  });
});

test.each([
  ["views", "p3 p2 p4 p1 p6 p5"],
  ["-views", "p5 p6 p1 p4 p2 p3"],
  ["+title", "p4 p3 p1 p2 p5 p6"],
  ["title:lower", "p4 p3 p2 p1 p5 p6"],
  ["-active,title", "p3 p1 p5 p4 p2 p6"],
  ["status,-views", "p4 p5 p2 p6 p1 p3"],
  [" status , -views ", "p4 p5 p2 p6 p1 p3"],
  ["author.name,-views", "p4 p1 p3 p6 p2 p5"],
  ["labels:length,id", "p2 p3 p4 p1 p5 p6"],
  ["meta.k,id", "p2 p3 p4 p5 p1 p6"],
  ["@rowid", "p1 p2 p3 p4 p5 p6"],
  ["-@rowid", "p6 p5 p4 p3 p2 p1"],
])("S25 %p orders the posts %p", async (sort, expected) => {
  for (const client of [on.client(), on.root]) {
    expect(ids((await client.collection("posts").getList(1, 50, { sort })).items)).toBe(expected);
  }
});

test("S25 an order by chance has all rows; an unknown field is refused", async () => {
  const posts = on.client().collection("posts");
  const mixed = await posts.getList(1, 50, { sort: "@random" });
  expect(ids(mixed.items).split(" ").sort().join(" ")).toBe("p1 p2 p3 p4 p5 p6");
  expect(await refusal(posts.getList(1, 50, { sort: "nothing" }))).toEqual([400, {}]);
  expect(await refusal(posts.getList(1, 50, { sort: "secret" }))).toEqual([400, {}]);
});

test("S26 values put into a filter by the client find what they say", async () => {
  const posts = on.client().collection("posts");
  const titles = [`it's "quoted"`, `'`, `"`, "{:views}", "100% || true", '{"a":[1]}'];
  const made = await on.collection("titles", [{ name: "title", type: "text" }]);
  for (const title of titles) await on.root.collection(made.name).create({ title });
  const client = on.client();
  for (const title of titles) {
    const filter = client.filter("title = {:title}", { title });
    const found = await client.collection("titles").getFullList({ filter });
    expect(found.map((record) => record.title)).toEqual([title]);
  }
  const object = client.filter("title = {:it}", { it: { a: [1] } });
  expect(await client.collection("titles").getFullList({ filter: object })).toHaveLength(1);

  const rows = [
    ["published = {:v}", new Date("2024-01-10T08:00:00.000Z"), "p1"],
    ["published > {:v}", new Date("2024-06-01T00:00:00.000Z"), "p4"],
    ["title = {:v}", null, "p4"],
    ["active = {:v}", true, "p1 p3 p5"],
    ["active = {:v}", false, "p2 p4 p6"],
    ["views = {:v}", 3.5, "p4"],
    ["views < {:v}", -1, "p3"],
  ] as const;
  for (const [raw, v, expected] of rows) {
    const found = await posts.getList(1, 50, { filter: client.filter(raw, { v }), sort: "id" });
    expect([raw, ids(found.items)]).toEqual([raw, expected]);
  }
});
