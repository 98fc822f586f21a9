/** Reads that share a lock with the others of their turn of the event loop: what each of them sees. */

import { Database as Engine } from "bun:sqlite";
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import type { SqliteDatabase } from "../../src/infra/db/sqlite.ts";
import { freshDatabase, itemNames } from "./db-fixture.ts";

const INSERT = "INSERT INTO item (name) VALUES (?)";

const turn = () => new Promise<void>((next) => setImmediate(next));

async function read(db: SqliteDatabase, times: number): Promise<string[]> {
  let names: string[] = [];
  for (let n = 0; n < times; n++) names = await itemNames(db);
  return names;
}

test("what another process writes is seen from the next turn on, and by no half of this one", async () => {
  await using fresh = await freshDatabase();
  const { db, path } = fresh;
  using other = new Engine(path);
  await turn();
  expect(await read(db, 2)).toEqual([]);
  other.run(INSERT, ["a"]);
  expect(await read(db, 2)).toEqual([]);
  await turn();
  expect(await read(db, 1)).toEqual(["a"]);
});

test("who wrote sees it at once, in whatever turn", async () => {
  await using fresh = await freshDatabase();
  const { db } = fresh;
  for (const name of ["a", "b", "c"]) {
    await read(db, 3);
    await db.write((tx) => tx.run(INSERT, name));
    expect((await read(db, 1)).at(-1)).toBe(name);
  }
});

test("reads beside an open write see the state before it, and the new one after its commit", async () => {
  await using fresh = await freshDatabase();
  const { db } = fresh;
  const inside = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const writing = db.write(async (tx) => {
    await tx.run(INSERT, "a");
    inside.resolve();
    await go.promise;
  });
  await inside.promise;
  expect(await read(db, 3)).toEqual([]);
  go.resolve();
  await writing;
  expect(await read(db, 3)).toEqual(["a"]);
});

test("a failed read leaves the others their state, and writes their way", async () => {
  await using fresh = await freshDatabase();
  const { db } = fresh;
  await db.write((tx) => tx.run(INSERT, "a"));
  expect(await read(db, 2)).toEqual(["a"]);
  await expect(db.all("SELECT json_extract('{', '$')")).rejects.toThrow("malformed JSON");
  expect(await read(db, 2)).toEqual(["a"]);
  await db.write((tx) => tx.run(INSERT, "b"));
  expect(await read(db, 1)).toEqual(["a", "b"]);
});

test("the log of the database is emptied in the turn in which it was read", async () => {
  await using fresh = await freshDatabase();
  const { db, path } = fresh;
  await db.write((tx) => tx.run(INSERT, "a"));
  await read(db, 3);
  await db.checkpoint();
  expect(statSync(`${path}-wal`).size).toBe(0);
});

test("a database is closed in the turn in which it was read", async () => {
  await using fresh = await freshDatabase();
  await read(fresh.db, 3);
  await fresh.db.close();
  await turn();
  await expect(fresh.db.get("SELECT 1")).rejects.toMatchObject({ code: "database_closed" });
});
