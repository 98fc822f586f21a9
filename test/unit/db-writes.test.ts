import { Database as Engine } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { FakeClock, settle } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Database, Transaction } from "../../src/infra/db/database.ts";
import { brokenConstraint } from "../../src/infra/db/errors.ts";
import { freshDatabase, itemNames } from "./db-fixture.ts";

const INSERT = "INSERT INTO item (name, size) VALUES (?, ?)";

function insert(db: Database, name: string): Promise<string> {
  return db.write(async (tx) => {
    await tx.run(INSERT, name, 1);
    return name;
  });
}

/** Holds the write transaction until `release`. */
function holdWriter(db: Database, exclusive = false) {
  const held = Promise.withResolvers<void>();
  const done = db.write(() => held.promise, { exclusive });
  return { release: held.resolve, done };
}

describe("a group of writes", () => {
  test("shares one commit and is answered in order, after it", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const before = db.stats().commits;
    const order: string[] = [];
    const names = Array.from({ length: 50 }, (_, at) => `n${at}`);
    const writes = names.map(async (name) => {
      order.push(await insert(db, name));
      const row = await db.get("SELECT name FROM item WHERE name = ?", name);
      expect(row).toEqual({ name });
    });
    await Promise.all(writes);
    expect(order).toEqual(names);
    expect(db.stats().commits - before).toBe(1);
    expect(await itemNames(db)).toEqual(names);
  });

  test("takes in what is called in the same turn of the event loop", async () => {
    await using fresh = await freshDatabase();
    const before = fresh.db.stats().commits;
    const calls = Array.from({ length: 10 }, async (_, at) => {
      // As a request does that looks at its token first.
      for (let step = 0; step < at * 10; step++) await undefined;
      return insert(fresh.db, `n${at}`);
    });
    await Promise.all(calls);
    expect(fresh.db.stats().commits - before).toBe(1);
  });

  test("is bounded in its number of writes", async () => {
    await using fresh = await freshDatabase();
    const before = fresh.db.stats().commits;
    const count = LIMITS.writeGroupMax + 1;
    await Promise.all(Array.from({ length: count }, (_, at) => insert(fresh.db, `n${at}`)));
    expect(fresh.db.stats().commits - before).toBe(2);
  });

  test("is bounded in time", async () => {
    const clock = new FakeClock();
    await using fresh = await freshDatabase({ clock });
    const before = fresh.db.stats().commits;
    const slow = fresh.db.write(async (tx) => {
      await tx.run(INSERT, "slow", 1);
      await clock.advance(LIMITS.writeGroupMs);
    });
    await Promise.all([slow, insert(fresh.db, "next")]);
    expect(fresh.db.stats().commits - before).toBe(2);
  });

  test("never interleaves the statements of its writes", async () => {
    await using fresh = await freshDatabase();
    const seen: string[] = [];
    const job = (name: string) => async (tx: Transaction) => {
      for (const step of [1, 2, 3]) {
        seen.push(`${name}${step}`);
        await tx.all("SELECT 1");
      }
    };
    await Promise.all(["a", "b"].map((name) => fresh.db.write(job(name))));
    expect(seen).toEqual(["a1", "a2", "a3", "b1", "b2", "b3"]);
  });

  test("keeps the neighbours of a write that fails", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const broken = db.write(async (tx) => {
      await tx.run(INSERT, "broken", 1);
      throw new Error("changed my mind");
    });
    const results = await Promise.allSettled([
      insert(db, "a"),
      broken,
      insert(db, "a"),
      insert(db, "b"),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    expect(results[1]).toMatchObject({ reason: { message: "changed my mind" } });
    const unique = results[2]?.status === "rejected" ? results[2].reason : undefined;
    expect(brokenConstraint(unique)).toEqual({ kind: "unique", columns: ["item.name"] });
    expect(await itemNames(db)).toEqual(["a", "b"]);
  });

  test.each([
    { how: "INSERT OR ROLLBACK INTO item VALUES ('a', 1)", code: "SQLITE_CONSTRAINT_PRIMARYKEY" },
    { how: "INSERT INTO item VALUES ('big', zeroblob(100000))", code: "database_failed" },
  ])("is lost as a whole when the engine undoes the transaction: $how", async ({ how, code }) => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    // As a full disk would: the second row of the table does not fit.
    await db.write((tx) => tx.run("PRAGMA max_page_count = 8"));
    const writes = [insert(db, "a"), db.write((tx) => tx.run(how)), insert(db, "b")];
    expect(await Promise.allSettled(writes as Promise<unknown>[])).toMatchObject([
      { status: "rejected", reason: { code: "database_failed", status: 503 } },
      { status: "rejected", reason: { code } },
      { status: "fulfilled", value: "b" },
    ]);
    expect(await itemNames(db)).toEqual(["b"]);
  });

  test("commits nothing of work that goes on after the engine undid it", async () => {
    await using fresh = await freshDatabase();
    const stubborn = fresh.db.write(async (tx) => {
      await tx.run("PRAGMA max_page_count = 8");
      const big = "INSERT INTO item (name, size) VALUES ('big', zeroblob(100000))";
      await tx.run(big).catch(() => undefined);
      await tx.run(INSERT, "after", 1);
    });
    expect(stubborn).rejects.toMatchObject({ code: "database_failed" });
    await stubborn.catch(() => undefined);
    expect(await itemNames(fresh.db)).toEqual([]);
  });

  test("rejects all of its writes when the commit fails", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    await db.write((tx) =>
      tx.run("CREATE TABLE part (of TEXT REFERENCES item (name) DEFERRABLE INITIALLY DEFERRED)"),
    );
    const orphan = db.write((tx) => tx.run("INSERT INTO part (of) VALUES ('nobody')"));
    const results = await Promise.allSettled([insert(db, "a"), orphan]);
    expect(results).toMatchObject([
      { status: "rejected", reason: { code: "database_failed" } },
      { status: "rejected", reason: { code: "database_failed" } },
    ]);
    expect(await itemNames(db)).toEqual([]);
    expect(await insert(db, "later")).toBe("later");
  });
});

describe("one write", () => {
  test("alone is undone when it fails, and the next one works", async () => {
    await using fresh = await freshDatabase();
    const failing = fresh.db.write(async (tx) => {
      await tx.run(INSERT, "x", 1);
      throw new Error("no");
    });
    expect(failing).rejects.toThrow("no");
    await failing.catch(() => undefined);
    await insert(fresh.db, "y");
    expect(await itemNames(fresh.db)).toEqual(["y"]);
  });

  test("sees its own changes, which readers do not before the commit", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const seen = await db.write(async (tx) => {
      await tx.run(INSERT, "x", 1);
      const count = "SELECT count(*) AS count FROM item";
      return [await tx.get(count), await db.get(count)];
    });
    expect(seen).toEqual([{ count: 1 }, { count: 0 }]);
  });

  test("that is exclusive has a transaction to itself", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const before = db.stats().commits;
    const early = [insert(db, "a0"), insert(db, "a1")];
    const alone = db.write((tx) => tx.run(INSERT, "c", 1), { exclusive: true });
    await Promise.all([...early, alone, insert(db, "z")]);
    expect(db.stats().commits - before).toBe(3);
    expect(await itemNames(db)).toEqual(["a0", "a1", "c", "z"]);
  });

  test("undoes savepoints alone, nested ones too", async () => {
    await using fresh = await freshDatabase();
    await fresh.db.write(async (tx) => {
      await tx.run(INSERT, "before", 1);
      const outer = tx.savepoint(async () => {
        await tx.run(INSERT, "outer", 1);
        const inner = tx.savepoint(async () => {
          await tx.run(INSERT, "inner", 1);
          throw new Error("inner fails");
        });
        await expect(inner).rejects.toThrow("inner fails");
        await tx.savepoint(() => tx.run(INSERT, "second", 1));
        return "kept";
      });
      expect(await outer).toBe("kept");
      const third = tx.savepoint(async () => {
        await tx.savepoint(() => tx.run(INSERT, "undone with its parent", 1));
        throw new Error("third fails");
      });
      await expect(third).rejects.toThrow("third fails");
      await tx.run(INSERT, "after", 1);
    });
    expect(await itemNames(fresh.db)).toEqual(["before", "outer", "second", "after"]);
  });

  const misuses: { name: string; work: (tx: Transaction) => Promise<unknown>; says: string }[] = [
    {
      name: "leaves a savepoint running",
      work: async (tx) => void tx.savepoint(() => new Promise(() => undefined)),
      says: "every savepoint was awaited",
    },
    {
      name: "runs two savepoints at once",
      work: (tx) =>
        Promise.all(["a", "b"].map((name) => tx.savepoint(() => tx.run(INSERT, name, 1)))),
      says: "do not overlap",
    },
    { name: "passes too few values", work: (tx) => tx.run(INSERT, "a"), says: "1 values for 2" },
    {
      name: "passes no values after a call that did",
      work: async (tx) => {
        await tx.run(INSERT, "a", 1);
        await tx.run(INSERT);
      },
      says: "0 values for 2",
    },
    {
      name: "passes values to several statements",
      work: (tx) => tx.run(`${INSERT}; DELETE FROM item`, "a", 1),
      says: "one statement",
    },
    {
      name: "ends the transaction itself",
      work: (tx) => tx.run("COMMIT"),
      says: "could not do its work",
    },
  ];
  test.each(misuses)("is refused and undone when it $name", async ({ work, says }) => {
    await using fresh = await freshDatabase();
    const misuse = fresh.db.write(work);
    await expect(misuse).rejects.toThrow(says);
    expect(await itemNames(fresh.db)).toEqual([]);
    expect(await insert(fresh.db, "next")).toBe("next");
  });

  test("cannot use its transaction after its end", async () => {
    await using fresh = await freshDatabase();
    const leaked = await fresh.db.write(async (tx) => ({ tx }));
    await expect(leaked.tx.run(INSERT, "late", 1)).rejects.toThrow("after its end");
    await expect(leaked.tx.savepoint(async () => 1)).rejects.toThrow("after its end");
    expect(await itemNames(fresh.db)).toEqual([]);
  });
});

describe("the queue", () => {
  test("is bounded", async () => {
    await using fresh = await freshDatabase({ clock: new FakeClock() });
    const { db } = fresh;
    const holder = holdWriter(db, true);
    await settle();
    const noop = () => db.write(async () => 1);
    const waiting = Array.from({ length: LIMITS.writeQueueMax }, noop);
    await expect(noop()).rejects.toMatchObject({
      status: 503,
      code: "database_busy",
      retryAfter: 1,
    });
    holder.release();
    const answers = await Promise.all(waiting);
    expect(answers).toHaveLength(LIMITS.writeQueueMax);
    expect(await noop()).toBe(1);
  });

  test("bounds the wait of each write, but not the run of the one that started", async () => {
    const clock = new FakeClock();
    await using fresh = await freshDatabase({ clock });
    const { db } = fresh;
    const holder = holdWriter(db);
    await settle();
    const early = insert(db, "early");
    const settled: string[] = [];
    early.catch(({ code }) => settled.push(`early ${code}`));
    await clock.advance(LIMITS.writeWaitMs - 1);
    const late = insert(db, "late");
    expect(settled).toEqual([]);
    await clock.advance(1);
    expect(settled).toEqual(["early database_busy"]);
    holder.release();
    await holder.done;
    expect(await late).toBe("late");
    expect(await itemNames(db)).toEqual(["late"]);
  });

  test("is finished by close, which is idempotent and refuses what comes after", async () => {
    await using fresh = await freshDatabase();
    const { db, path } = fresh;
    const writes = ["a", "b", "c"].map((name) => insert(db, name));
    const closing = [db.close(), db.close()];
    await expect(insert(db, "d")).rejects.toMatchObject({ code: "database_closed" });
    expect(await Promise.all(writes)).toEqual(["a", "b", "c"]);
    await Promise.all(closing);
    await db.close();
    await expect(db.get("SELECT 1")).rejects.toMatchObject({ code: "database_closed" });
    const file = new Engine(path, { readonly: true });
    expect(file.query("SELECT count(*) AS count FROM item").get()).toEqual({ count: 3 });
    file.close(true);
  });

  test("leaves no timer behind", async () => {
    const clock = new FakeClock();
    const fresh = await freshDatabase({ clock });
    await insert(fresh.db, "a");
    await fresh[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  });
});

describe("the lock of another connection", () => {
  test("is waited for without holding the event loop", async () => {
    const clock = new FakeClock();
    await using fresh = await freshDatabase({ clock });
    const other = new Engine(fresh.path);
    other.run("BEGIN IMMEDIATE");
    const write = insert(fresh.db, "a");
    await clock.advance(500);
    expect(await itemNames(fresh.db)).toEqual([]);
    other.run("COMMIT");
    await clock.advance(50);
    expect(await write).toBe("a");
    other.close(true);
  });

  test("is waited for no longer than a write may wait", async () => {
    const clock = new FakeClock();
    await using fresh = await freshDatabase({ clock });
    const other = new Engine(fresh.path);
    other.run("BEGIN IMMEDIATE");
    const write = insert(fresh.db, "a");
    write.catch(() => undefined);
    await clock.advance(LIMITS.writeWaitMs);
    await expect(write).rejects.toMatchObject({ code: "database_busy" });
    other.run("ROLLBACK");
    other.close(true);
    await clock.advance(50);
  });
});

describe("reads", () => {
  test("bind every kind of value", async () => {
    await using fresh = await freshDatabase();
    const bytes = new Uint8Array([1, 2]);
    const row = await fresh.db.get("SELECT ? a, ? b, ? c, ? d, ? e", true, 5n, null, bytes, "x");
    expect(row).toEqual({ a: 1, b: 5, c: null, d: bytes, e: "x" });
    expect(await fresh.db.get("SELECT 1 WHERE 0")).toBeUndefined();
  });

  test("follow a change of the tables with their prepared statements", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    await insert(db, "a");
    expect(await db.all("SELECT * FROM item")).toEqual([{ name: "a", size: 1 }]);
    await db.write((tx) => tx.run("ALTER TABLE item ADD COLUMN more TEXT DEFAULT 'm'"));
    expect(await db.all("SELECT * FROM item")).toEqual([{ name: "a", size: 1, more: "m" }]);
  });

  test("work with more texts than statements are kept", async () => {
    await using fresh = await freshDatabase();
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at <= LIMITS.statementCacheMax; at++) {
        expect(await fresh.db.get(`SELECT ${at} AS at`)).toEqual({ at });
      }
    }
  });

  test("cannot write", async () => {
    await using fresh = await freshDatabase();
    await expect(fresh.db.all("DELETE FROM item")).rejects.toThrow("database could not");
  });
});
