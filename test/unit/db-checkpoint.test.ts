import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { settle } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { CheckpointMode, CheckpointResult } from "../../src/infra/db/checkpointer.ts";
import { threadCheckpointer } from "../../src/infra/db/checkpointer.ts";
import type { SqliteDatabase } from "../../src/infra/db/sqlite.ts";
import { freshDatabase } from "./db-fixture.ts";

const PAGE_BYTES = 4096;

/** Writes about `pages` pages to the log. */
async function fillLog(db: SqliteDatabase, pages: number): Promise<void> {
  const big = new Uint8Array(PAGE_BYTES * 50);
  for (let at = 0; at < pages / 50; at++) {
    const name = `${Math.random()}`;
    await db.write((tx) => tx.run("INSERT INTO item (name, size) VALUES (?, ?)", name, big));
  }
}

const MOVED = { busy: false, logPages: 1, movedPages: 1 };

/** Answers by hand, and by itself once disposed of, so that the database can close. */
function fakeCheckpointer() {
  const calls: CheckpointMode[] = [];
  const answers: ((result: CheckpointResult | Error) => void)[] = [];
  let disposed = false;
  return {
    [Symbol.dispose]() {
      disposed = true;
      for (const answer of answers) answer(MOVED);
    },
    calls,
    answer: (result: CheckpointResult | Error) => answers.shift()?.(result),
    run(mode: CheckpointMode): Promise<CheckpointResult> {
      calls.push(mode);
      if (disposed) return Promise.resolve(MOVED);
      return new Promise((resolve, reject) => {
        answers.push((result) => (result instanceof Error ? reject(result) : resolve(result)));
      });
    },
    close: async () => undefined,
  };
}

describe("the log", () => {
  test("is moved once it is long, not before, and writes go on meanwhile", async () => {
    const fake = fakeCheckpointer();
    await using fresh = await freshDatabase({ checkpointer: () => fake });
    using checkpointer = fake;
    const { db } = fresh;
    await fillLog(db, LIMITS.walCheckpointPages / 2);
    expect(checkpointer.calls).toEqual([]);
    await fillLog(db, LIMITS.walCheckpointPages / 2);
    expect(checkpointer.calls).toEqual(["passive"]);
    await fillLog(db, 100);
    expect(checkpointer.calls).toEqual(["passive"]);
    const length = db.stats().logPages;
    checkpointer.answer({ busy: false, logPages: length, movedPages: length });
    await settle();
    // Short of the length at which it starts over, writes need not wait for the rest.
    expect(checkpointer.calls).toEqual(["passive"]);
    // Nothing was really moved, and it is not tried again at every commit.
    await fillLog(db, LIMITS.walCheckpointPages / 2);
    expect(checkpointer.calls).toEqual(["passive"]);
    await fillLog(db, LIMITS.walCheckpointPages / 2);
    expect(checkpointer.calls).toEqual(["passive", "passive"]);
    checkpointer.answer(new Error("no thread"));
    await settle();
    expect(await db.write(async () => "still writes")).toBe("still writes");
  });

  test("that is too long is moved beside writes, then they wait for the rest", async () => {
    const fake = fakeCheckpointer();
    await using fresh = await freshDatabase({ checkpointer: () => fake });
    using checkpointer = fake;
    const { db } = fresh;
    await fillLog(db, LIMITS.walCheckpointPages);
    expect(checkpointer.calls).toEqual(["passive"]);
    const filling = fillLog(db, LIMITS.walRestartPages);
    while (checkpointer.calls.length < 2) await settle();
    expect(db.stats().logPages).toBeGreaterThanOrEqual(LIMITS.walRestartPages);
    expect(await db.write(async () => "beside it")).toBe("beside it");
    checkpointer.answer(MOVED);
    checkpointer.answer(MOVED);
    while (checkpointer.calls.length < 3) await settle();
    let written = false;
    const write = db.write(async () => {
      written = true;
    });
    await settle();
    expect(written).toBe(false);
    expect(await db.get<object>("SELECT 1 AS one")).toEqual({ one: 1 });
    checkpointer.answer(MOVED);
    await write;
    expect(written).toBe(true);
    checkpointer[Symbol.dispose]();
    await filling;
  });

  test("that is too long when the database closes is moved by closing alone", async () => {
    const fake = fakeCheckpointer();
    await using fresh = await freshDatabase({ checkpointer: () => fake });
    const { db } = fresh;
    await fillLog(db, LIMITS.walCheckpointPages);
    await fillLog(db, LIMITS.walRestartPages);
    expect(fake.calls).toEqual(["passive", "passive"]);
    const closing = db.close();
    fake[Symbol.dispose]();
    await closing;
    await settle();
    expect(fake.calls).toEqual(["passive", "passive", "passive"]);
  });

  test("stays bounded under a stream of writes, with the real thread", async () => {
    await using fresh = await freshDatabase();
    let longest = 0;
    for (let round = 0; round < 40; round++) {
      await fillLog(fresh.db, 500);
      longest = Math.max(longest, statSync(`${fresh.path}-wal`).size);
    }
    expect(longest).toBeGreaterThan(LIMITS.walCheckpointPages * PAGE_BYTES);
    // 20,000 pages were written.
    expect(longest).toBeLessThan(LIMITS.walRestartPages * 1.5 * PAGE_BYTES);
  });

  test("is empty after checkpoint() and gone after close()", async () => {
    const made: string[] = [];
    await using fresh = await freshDatabase({
      checkpointer: (path) => {
        made.push(path);
        return threadCheckpointer(path);
      },
    });
    const { db, path } = fresh;
    await fillLog(db, 300);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(300 * PAGE_BYTES);
    await Promise.all([db.checkpoint(), db.checkpoint(), fillLog(db, 10)]);
    await db.checkpoint();
    expect(statSync(`${path}-wal`).size).toBe(0);
    expect(await db.get<object>("SELECT count(*) AS count FROM item")).toEqual({ count: 7 });
    await db.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(made).toEqual([path]);
  });
});

describe("the checkpoint's thread", () => {
  test("reports what it cannot open, and ends", async () => {
    await using fresh = await freshDatabase();
    const checkpointer = threadCheckpointer(`${fresh.path}-missing/none.db`);
    await expect(checkpointer.run("passive")).rejects.toThrow("unable to open database file");
    await checkpointer.close();
    await checkpointer.close();
  });
});
