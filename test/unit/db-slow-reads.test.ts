/** Statements that clients wrote: broken off in time, and read apart where they are slow. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { realClock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import {
  type ReadingThread,
  readingThread,
  type SlowRead,
} from "../../src/infra/db/reading-thread.ts";
import { freshDatabase, freshDirectory } from "./db-fixture.ts";

const TOO_SLOW = { code: "query_too_slow", status: 503 };

/** A millisecond goes by between two looks. */
function hastyClock() {
  let now = 0;
  return { ...realClock(), monotonic: () => now++ };
}

function counting(rows: number | "?"): string {
  return `
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    SELECT count(*) AS count FROM n WHERE i > 0 AND tick()`;
}

/** Answers what it is asked and takes as long as it says. */
function fakeThread(tookMs: () => number) {
  const reads: SlowRead[] = [];
  const thread: ReadingThread = {
    async read(read) {
      reads.push(read);
      return { rows: [{ apart: reads.length }], tookMs: tookMs() };
    },
    close: async () => undefined,
  };
  return { reads, slowReader: () => thread };
}

test("a short limit breaks a statement off, and only one that has a limit", async () => {
  await using fresh = await freshDatabase({ clock: hastyClock() });
  const { db } = fresh;
  await expect(db.readWithin(3, counting(10_000))).rejects.toMatchObject(TOO_SLOW);
  expect(await db.readWithin<object>(3, counting(100))).toEqual([{ count: 100 }]);
  expect(await db.all<object>(counting(10_000))).toEqual([{ count: 10_000 }]);
});

test("what is slow here is begun anew apart, and goes there at once the next time", async () => {
  const { reads, slowReader } = fakeThread(() => LIMITS.readHereMs);
  await using fresh = await freshDatabase({ clock: hastyClock(), slowReader });
  const slow = counting(10_000);
  expect(await fresh.db.readWithin<object>(50, slow)).toEqual([{ apart: 1 }]);
  expect(await fresh.db.readWithin<object>(50, slow)).toEqual([{ apart: 2 }]);
  expect(reads).toEqual([
    { sql: slow, values: [], limitMs: 50 },
    { sql: slow, values: [], limitMs: 50 },
  ]);
  expect(await fresh.db.readWithin<object>(50, counting(100))).toEqual([{ count: 100 }]);
});

test("what was quick apart is tried here again", async () => {
  const { reads, slowReader } = fakeThread(() => 0);
  await using fresh = await freshDatabase({ clock: hastyClock(), slowReader });
  const sometimes = counting("?");
  await fresh.db.readWithin(50, sometimes, 10_000);
  expect(reads).toHaveLength(1);
  expect(await fresh.db.readWithin<object>(50, sometimes, 100)).toEqual([{ count: 100 }]);
  expect(reads).toHaveLength(1);
});

test("a transaction reads its own writes, however slowly", async () => {
  const { reads, slowReader } = fakeThread(() => LIMITS.readHereMs);
  await using fresh = await freshDatabase({ slowReader });
  const rows = await fresh.db.write(async (tx) => {
    await tx.run("INSERT INTO item VALUES ('a', 1)");
    return tx.readWithin<object>(3_000, "SELECT name FROM item WHERE tick()");
  });
  expect(rows).toEqual([{ name: "a" }]);
  expect(reads).toEqual([]);
});

test("the thread sees what was acknowledged, and gives values back as they are", async () => {
  await using fresh = await freshDatabase();
  const thread = readingThread(fresh.path);
  const bytes = new Uint8Array([1, 2, 255]);
  await fresh.db.write((tx) => tx.run("INSERT INTO item VALUES ('ä', 2.5)"));
  const sql = "SELECT name, size, ? AS bytes, NULL AS none FROM item WHERE name = ? AND tick()";
  const { rows } = await thread.read({ sql, values: [bytes, "ä"], limitMs: 1_000 });
  expect(rows).toEqual([{ name: "ä", size: 2.5, bytes, none: null }]);
  await thread.close();
  await thread.close();
});

test("the thread breaks off what takes too long, says what fails, and goes on", async () => {
  await using fresh = await freshDatabase();
  const thread = readingThread(fresh.path);
  const endless = { sql: counting(1e9), values: [], limitMs: 20 };
  const after = { sql: counting(10), values: [], limitMs: 1_000 };
  const wrong = { sql: "SELECT nope", values: [], limitMs: 1_000 };
  const [late, failed, answered] = await Promise.allSettled(
    [endless, wrong, after].map((read) => thread.read(read)),
  );
  expect(late).toMatchObject({ status: "rejected", reason: TOO_SLOW });
  expect(failed).toMatchObject({ status: "rejected", reason: { code: "database_failed" } });
  expect(answered).toMatchObject({ status: "fulfilled", value: { rows: [{ count: 10 }] } });
  await thread.close();
});

test("the queue of slow reads has an end", async () => {
  using directory = freshDirectory();
  const thread = readingThread(join(directory.path, "none.db"));
  const reads = Array.from({ length: LIMITS.slowReadsWaitingMax + 1 }, () =>
    thread.read({ sql: "SELECT 1", values: [], limitMs: 1 }),
  );
  const outcomes = await Promise.allSettled(reads);
  expect(outcomes.at(-1)).toMatchObject({ reason: { code: "database_busy" } });
  expect(outcomes[0]).toMatchObject({ reason: { code: "database_failed" } });
  await thread.close();
});
