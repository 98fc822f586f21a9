/** The order that a client asks for. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import { defineCollection, fields } from "../../src/features/records/schema.ts";
import type { FilterOptions } from "../../src/features/records/service/filters.ts";
import { EVERYTHING, freshWorld, NOW, requestOf, type World } from "./filter-fixture.ts";

let world: World;
beforeAll(async () => {
  world = await freshWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function ids(options: Partial<FilterOptions>, collection = "posts"): Promise<string> {
  const query = world.filters().query({
    collection: world.collection(collection),
    request: requestOf("guest"),
    now: NOW,
    privileged: true,
    ...options,
  });
  const rows = await world.run(query.rows(EVERYTHING));
  return rows.map((row) => row.id).join(" ");
}

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
])("%p orders the posts %p", async (sort, expected) => {
  expect(await ids({ sort })).toBe(expected);
  expect(await ids({ sort, privileged: false })).toBe(expected);
});

test("over a relation of another collection, and over a list each row once", async () => {
  expect(await ids({ sort: "post.title,-rating" }, "comments")).toBe("c3 c1 c2 c4");
  expect((await ids({ sort: "tags.name" })).split(" ").sort()).toEqual([
    "p1",
    "p2",
    "p3",
    "p4",
    "p5",
    "p6",
  ]);
});

test("by chance: all rows, in more than one order", async () => {
  const orders = new Set<string>();
  for (let round = 0; round < 20; round++) orders.add(await ids({ sort: "@random" }));
  expect(orders.size).toBeGreaterThan(1);
  const sets = new Set([...orders].map((order) => order.split(" ").sort().join(" ")));
  expect([...sets]).toEqual(["p1 p2 p3 p4 p5 p6"]);
});

test.each([
  ["foo", 400],
  ["secret", 400],
  ["author.tokenKey", 400],
  ["title,", 400],
  [",title", 400],
  [" ", 400],
  ["-", 400],
  ["--title", 400],
  ["- title", 400],
  ["title DESC", 400],
  ["title;", 400],
  ["`title`", 400],
  ["1", 400],
  ["'a'", 400],
  ["null", 400],
  ["True", 400],
  ["@now", 400],
  ["title:foo", 400],
  ["geoDistance(1,2,3,4)", 400],
  [Array(9).fill("title").join(","), 400],
  ["x".repeat(256), 400],
  ["@request.auth.id", 403],
  ["@collection.users.name", 403],
])("%p of a client is refused with %i", async (sort, status) => {
  const refused = await ids({ sort, privileged: false }).catch((error: AppError) => error);
  expect(refused).toBeInstanceOf(AppError);
  expect((refused as AppError).status).toBe(status);
});

test.each([
  ["secret", "p2 p3 p4 p5 p1 p6"],
  ["@request.auth.id", 400],
  ["@request.auth.role,id", 400],
])("%p of a superuser", async (sort, outcome) => {
  const found = await ids({ sort }).catch((error: AppError) => error.status);
  expect(found).toBe(outcome);
});

test("eight terms are allowed, names that are also constants are fields first", async () => {
  expect(await ids({ sort: Array(8).fill("views").join(",") })).toBe("p3 p2 p4 p1 p6 p5");
});

test("an order by addresses does not tell of hidden ones", async () => {
  // Ann shows hers; Bob's and the missing one are alike.
  const order = (sort: string, privileged: boolean) => ids({ sort, privileged }, "users");
  expect(await order("-email,-id", true)).toBe("u2 u1 u3");
  expect(await order("-email,-id", false)).toBe("u1 u3 u2");
});

test("a view has no order of its own", async () => {
  const view = defineCollection({
    name: "titles",
    type: "view",
    listRule: "",
    fields: [fields.id(), fields.text("title")],
  });
  await using other = await freshWorld();
  await other.db.write((tx) => tx.run("CREATE VIEW titles AS SELECT id, title FROM posts"));
  const { Filters } = await import("../../src/features/records/service/filters.ts");
  const filters = new Filters([...other.collections, view]);
  const shared = { collection: view, request: requestOf("guest"), now: NOW, privileged: true };
  expect(() => filters.query({ ...shared, sort: "@rowid" })).toThrow(AppError);
  const query = filters.query({ ...shared, sort: "-title", filter: "title ~ 'hello'" });
  const rows = await other.run(query.rows(EVERYTHING));
  expect(rows.map((row) => row.id)).toEqual(["p2", "p1"]);
  expect(await other.run(query.count())).toEqual([{ total: 2 }]);
});
