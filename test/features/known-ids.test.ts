/** Relations to records that were found before: remembered, and never longer than it is true. */

import { expect, spyOn, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { freshApp } from "./app-fixture.ts";
import { Stage } from "./realtime-fixture.ts";

const POSTS = "/api/collections/posts/records";
const OPEN = { createRule: "", updateRule: "", deleteRule: "" };

async function stage() {
  const fixture = await freshApp({ features: "none" });
  const on = await Stage.on(fixture);
  await on.collection("authors", [{ name: "name", type: "text" }], OPEN);
  const { body } = await fixture.request("GET", "/api/collections/authors", { token: on.root });
  const author = { name: "author", type: "relation", collectionId: body.id, maxSelect: 3 };
  await on.collection("posts", [author], OPEN);
  for (const id of ["a", "b"]) await on.create("authors", { id: id.repeat(15), name: id });
  const post = async (...authors: string[]) => {
    const sent = { author: authors.map((id) => id.repeat(15)) };
    const { status } = await fixture.request("POST", POSTS, { body: sent });
    return status;
  };
  const { db } = fixture.app.kernel.runtime;
  const reads = spyOn(db, "get");
  const lookUps = () => reads.mock.calls.filter(([sql]) => /authors/.test(sql)).length;
  return { fixture, on, post, lookUps, db };
}

test("one that was found is not looked for again until its table is written", async () => {
  const { fixture, on, post, lookUps } = await stage();
  await using _ = fixture;
  expect([await post("a"), lookUps()]).toEqual([200, 1]);
  expect([await post("a"), lookUps()]).toEqual([200, 1]);
  expect([await post("a", "b"), lookUps()]).toEqual([200, 2]);
  expect([await post("b"), await post("b", "a"), lookUps()]).toEqual([200, 200, 2]);
  await on.create("authors", { id: "c".repeat(15), name: "c" });
  expect([await post("c", "a"), lookUps()]).toEqual([200, 3]);
});

test("one that is gone is not there any more, and one that was missing is once it is made", async () => {
  const { fixture, on, post, db } = await stage();
  await using _ = fixture;
  expect(await post("a", "b")).toBe(200);
  const path = (id: string) => `/api/collections/authors/records/${id.repeat(15)}`;
  expect((await fixture.request("DELETE", path("a"))).status).toBe(204);
  expect([await post("a"), await post("b"), await post("b", "a")]).toEqual([400, 200, 400]);
  expect(await post("c")).toBe(400);
  await on.create("authors", { id: "c".repeat(15), name: "c" });
  expect(await post("c")).toBe(200);
  await db.write((tx) => tx.run("DELETE FROM authors WHERE name = 'c'"));
  expect(await post("c")).toBe(400);
});

test("a batch sees what it did itself", async () => {
  const { fixture, on, post } = await stage();
  await using _ = fixture;
  await on.allowBatches();
  expect(await post("a")).toBe(200);
  const gone = { method: "DELETE", url: `/api/collections/authors/records/${"a".repeat(15)}` };
  const named = { method: "POST", url: POSTS, body: { author: ["a".repeat(15)] } };
  expect((await on.batch([gone, named])).status).toBe(400);
  // Undone with the batch.
  expect(await post("a")).toBe(200);
});

test("too many are forgotten", async () => {
  const { fixture, post, lookUps, db } = await stage();
  await using _ = fixture;
  const others = Array.from({ length: LIMITS.knownIdsMax }, (_each, n) => `n${n}`.padEnd(15, "x"));
  await db.write(async (tx) => {
    for (const id of others) await tx.run("INSERT INTO authors (id, name) VALUES (?, '')", id);
  });
  expect([await post("a"), await post("a"), lookUps()]).toEqual([200, 200, 1]);
  for (let at = 0; at < others.length; at += 3) {
    const body = { author: others.slice(at, at + 3) };
    await fixture.app.call("records.create", { collection: "posts", body });
  }
  const before = lookUps();
  expect([await post("a"), await post("a"), lookUps() - before]).toEqual([200, 200, 1]);
});
