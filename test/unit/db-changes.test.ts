/** What is kept of earlier reads is dropped by whoever writes, and by nothing else. */

import { Database as Engine } from "bun:sqlite";
import { expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Transaction } from "../../src/infra/db/database.ts";
import type { SqliteDatabase, SqliteOptions } from "../../src/infra/db/sqlite.ts";
import { freshDatabase } from "./db-fixture.ts";

async function withItems(options: Partial<SqliteOptions> = {}) {
  const fresh = await freshDatabase(options);
  await fresh.db.write(async (tx) => {
    await tx.run("CREATE TABLE other (name TEXT)");
    await tx.run("INSERT INTO item (name) VALUES ('a'), ('b')");
  });
  expect(await fresh.db.rowCount("item")).toBe(2);
  return fresh;
}

const stored = async (db: SqliteDatabase) => {
  return (await db.get<{ n: number }>("SELECT count(*) AS n FROM item"))?.n ?? -1;
};

const failing = (db: SqliteDatabase) => {
  return db.write((tx) => tx.run("INSERT INTO item (name) VALUES ('a')")).catch(() => undefined);
};

/** What is done, and whether it changes what was read from `item`. */
const rows: readonly (readonly [string, boolean, (tx: Transaction) => Promise<unknown>])[] = [
  ["an insert", true, (tx) => tx.run("INSERT INTO item (name) VALUES (?)", "c")],
  ["an insert into `Item`", true, (tx) => tx.run("INSERT INTO `Item` (name) VALUES ('c')")],
  ["an update", true, (tx) => tx.run("UPDATE `item` SET size = 1")],
  ["an update of no row", false, (tx) => tx.run("UPDATE item SET size = 1 WHERE name = 'z'")],
  ["a deletion of one", true, (tx) => tx.run("DELETE FROM item WHERE name = 'a'")],
  ["a deletion of all", true, (tx) => tx.run("DELETE FROM item")],
  ["another table", false, (tx) => tx.run("INSERT INTO other VALUES ('c')")],
  ["a read", false, (tx) => tx.all("SELECT * FROM item")],
  ["an insert that replaces", true, (tx) => tx.run("INSERT OR REPLACE INTO item VALUES ('a', 2)")],
  [
    "an insert that may update",
    true,
    (tx) => tx.run("INSERT INTO item VALUES ('a', 2) ON CONFLICT DO UPDATE SET size = 3"),
  ],
  ["one that answers rows", true, (tx) => tx.all("DELETE FROM item RETURNING name")],
  [
    "one after a WITH",
    true,
    (tx) => tx.run("WITH x AS (SELECT 'c') INSERT INTO item SELECT *, 1 FROM x"),
  ],
  ["two statements", true, (tx) => tx.run("SELECT 1; INSERT INTO item (name) VALUES ('c')")],
  ["a change of the schema", true, (tx) => tx.run("ALTER TABLE item ADD COLUMN more TEXT")],
];

test.each(rows)("%s", async (_, changes, write) => {
  await using fresh = await withItems();
  const { db } = fresh;
  const before = db.version(["item"]);
  await db.write(write);
  expect(db.version(["item"]) !== before).toBe(changes);
  expect(await db.rowCount("item")).toBe(await stored(db));
});

test("what is undone changes nothing", async () => {
  await using fresh = await withItems();
  const { db } = fresh;
  const before = db.version(["item"]);
  await db
    .write(async (tx) => {
      await tx.run("DELETE FROM item");
      throw new Error("no");
    })
    .catch(() => undefined);
  await db.write(async (tx) => {
    await tx.run("INSERT INTO other VALUES ('x')");
    await tx.savepoint(() => tx.run("INSERT INTO item (name) VALUES ('a')")).catch(() => undefined);
    const doomed = async () => {
      await tx.run("DELETE FROM item");
      throw new Error("no");
    };
    await tx.savepoint(doomed).catch(() => undefined);
  });
  expect(db.version(["item"])).toBe(before);
  expect(await db.rowCount("item")).toBe(2);
});

test("a failing write leaves the count of the group it was in right", async () => {
  await using fresh = await withItems();
  const { db } = fresh;
  const add = (name: string) =>
    db.write((tx) => tx.run("INSERT INTO item (name) VALUES (?)", name));
  await Promise.all([add("c"), failing(db), add("d"), failing(db)]);
  expect(await db.rowCount("item")).toBe(4);
});

test("many writers at once, counted all the while", async () => {
  await using fresh = await withItems();
  const { db } = fresh;
  const faults: string[] = [];
  const writer = async (who: number) => {
    for (let round = 0; round < 40; round++) {
      const name = `${who}-${round}`;
      await db.write((tx) => tx.run("INSERT INTO item (name) VALUES (?)", name));
      if (round % 3 === 0) await db.write((tx) => tx.run("DELETE FROM item WHERE name = ?", name));
      if (round % 5 === 0) await failing(db);
      // Both are asked in one turn of the event loop, in which nothing is committed.
      const [counted, real] = await Promise.all([db.rowCount("item"), stored(db)]);
      if (counted !== real) faults.push(`${counted} instead of ${real}`);
    }
  };
  await Promise.all([1, 2, 3, 4].map(writer));
  expect(faults).toEqual([]);
});

test("another process's writes are noticed a moment later", async () => {
  const clock = new FakeClock();
  await using fresh = await withItems({ clock });
  const { db, path } = fresh;
  const before = [db.version(["item"]), db.version(["other"]), db.version(undefined)];
  const other = new Engine(path);
  other.run("INSERT INTO item (name) VALUES ('c')");
  other.close(true);
  await clock.advance(LIMITS.noticeOthersMs);
  const after = [db.version(["item"]), db.version(["other"]), db.version(undefined)];
  for (const [index, version] of after.entries()) expect(version).not.toBe(before[index]);
  expect(await db.rowCount("item")).toBe(3);
});

test("nothing is kept in a transaction, nor where triggers write", async () => {
  await using fresh = await withItems();
  const { db } = fresh;
  const inside = await db.write(async (tx) => {
    await tx.run("INSERT INTO item (name) VALUES ('c')");
    return [tx.version(["item"]), await tx.rowCount("item")] as const;
  });
  expect(inside).toEqual([undefined, 3]);
  const trigger = "CREATE TRIGGER t AFTER INSERT ON other BEGIN DELETE FROM item; END";
  await db.write((tx) => tx.run(trigger));
  expect(db.version(["item"])).toBeUndefined();
  await db.write((tx) => tx.run("INSERT INTO other VALUES ('c')"));
  expect(await db.rowCount("item")).toBe(0);
});
