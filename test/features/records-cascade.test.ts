/** What a deletion takes along, by sets of records and, where hooks stand around, one by one. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import type { RecordEvent } from "../../src/features/records/index.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";

let app: AppFixture;
let token: string;

beforeEach(async () => {
  app = await freshApp({ features: "none" });
  token = await app.superuser();
});
afterEach(() => app[Symbol.asyncDispose]());

async function collection(name: string, fields: readonly object[] = []): Promise<string> {
  const body = { name, type: "base", fields };
  const answer = await app.request("POST", "/api/collections", { body, token });
  expect({ ...answer }).toMatchObject({ status: 200 });
  return answer.body.id;
}

const relation = (name: string, collectionId: string, more: object = {}) => {
  return { name, type: "relation", collectionId, maxSelect: 1, cascadeDelete: true, ...more };
};

/** Ids are words, filled up to their length. */
const id = (word: string) => word.padEnd(15, "0");

async function insert(table: string, rows: readonly Readonly<Record<string, string>>[]) {
  await app.app.kernel.runtime.db.write(async (tx) => {
    for (const row of rows) {
      const names = Object.keys(row).join(", ");
      const places = Object.keys(row).map(() => "?");
      const sql = `INSERT INTO ${table} (${names}) VALUES (${places})`;
      await tx.run(sql, ...Object.values(row));
    }
  });
}

async function left(table: string): Promise<string[]> {
  const rows = await app.app.kernel.runtime.db.all<{ id: string }>(
    `SELECT id FROM ${table} ORDER BY id`,
  );
  return rows.map((row) => row.id.replace(/0+$/, ""));
}

async function remove(table: string, word: string): Promise<number> {
  const path = `/api/collections/${table}/records/${id(word)}`;
  return (await app.request("DELETE", path, { token })).status;
}

test("more records than one step takes all go", async () => {
  const posts = await collection("posts");
  await collection("likes", [relation("post", posts)]);
  await insert("posts", [{ id: id("a") }, { id: id("b") }]);
  const many = Array.from({ length: LIMITS.cascadeRowsMax * 2 + 5 }, (_, at) => {
    return { id: id(`l${at}x`), post: id("a") };
  });
  await insert("likes", [...many, { id: id("other"), post: id("b") }]);
  expect(await remove("posts", "a")).toBe(204);
  expect(await left("likes")).toEqual(["other"]);
});

test("a tree goes with its root, a ring with any of its members", async () => {
  const nodes = await collection("nodes");
  const patch = { fields: [{ name: "id", type: "text" }, relation("parent", nodes)] };
  const path = "/api/collections/nodes";
  const shown = (await app.request("GET", path, { token })).body;
  const fields = [...shown.fields, ...patch.fields.slice(1)];
  expect((await app.request("PATCH", path, { body: { fields }, token })).status).toBe(200);
  const chain = Array.from({ length: 60 }, (_, at) => {
    return { id: id(`n${at}x`), parent: at === 0 ? "" : id(`n${at - 1}x`) };
  });
  const ring = [
    { id: id("r1"), parent: id("r2") },
    { id: id("r2"), parent: id("r1") },
  ];
  await insert("nodes", [...chain, ...ring]);
  expect(await remove("nodes", "n1x")).toBe(204);
  expect(await left("nodes")).toEqual(["n0x", "r1", "r2"]);
  expect(await remove("nodes", "r1")).toBe(204);
  expect(await left("nodes")).toEqual(["n0x"]);
});

test("a list loses all of a set that goes, and its record when nothing is left", async () => {
  const roots = await collection("roots");
  const leaves = await collection("leaves", [relation("root", roots)]);
  await collection("lists", [relation("of", leaves, { maxSelect: 9 })]);
  await insert("roots", [{ id: id("r") }]);
  await insert("leaves", [
    ...["a", "b"].map((word) => ({ id: id(word), root: id("r") })),
    { id: id("c"), root: "" },
  ]);
  const of = (...words: string[]) => JSON.stringify(words.map(id));
  await insert("lists", [
    { id: id("both"), of: of("a", "b") },
    { id: id("mixed"), of: of("a", "c", "b") },
    { id: id("none"), of: of("c") },
  ]);
  expect(await remove("roots", "r")).toBe(204);
  expect(await left("lists")).toEqual(["mixed", "none"]);
  const answer = await app.request("GET", `/api/collections/lists/records/${id("mixed")}`, {
    token,
  });
  expect(answer.body.of).toEqual([id("c")]);
});

test("a required relation keeps everything, also what was gone before it was met", async () => {
  const posts = await collection("posts");
  const comments = await collection("comments", [relation("post", posts)]);
  const strict = { cascadeDelete: false, required: true };
  await collection("quotes", [relation("comment", comments, strict)]);
  await insert("posts", [{ id: id("p") }]);
  await insert("comments", [
    { id: id("c1"), post: id("p") },
    { id: id("c2"), post: id("p") },
  ]);
  await insert("quotes", [{ id: id("q"), comment: id("c2") }]);
  expect(await remove("posts", "p")).toBe(400);
  expect([await left("posts"), await left("comments")]).toEqual([["p"], ["c1", "c2"]]);
});

test("hooks see each record that goes along, once, and may keep everything", async () => {
  const posts = await collection("posts");
  await collection("comments", [relation("post", posts), relation("again", posts)]);
  await insert("posts", [{ id: id("p") }]);
  const rows = ["c1", "c2", "c3"].map((word) => ({ id: id(word), post: id("p"), again: id("p") }));
  await insert("comments", rows);
  const seen: string[] = [];
  let refuses = true;
  app.app.kernel.runtime.hooks.bind<RecordEvent>("record.delete:comments", async (event, next) => {
    await next();
    seen.push(event.record.id.replace(/0+$/, ""));
    if (refuses && seen.length === 3) throw new Error("not this one");
  });
  expect(await remove("posts", "p")).toBe(500);
  expect([await left("posts"), await left("comments")]).toEqual([["p"], ["c1", "c2", "c3"]]);
  refuses = false;
  seen.length = 0;
  expect(await remove("posts", "p")).toBe(204);
  expect([seen, await left("comments")]).toEqual([["c1", "c2", "c3"], []]);
});
