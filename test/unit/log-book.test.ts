/** The request log at its bounds: how many come at once, how much waits, how large the file is. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../src/base/clock.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { LEVELS, LogBook } from "../../src/features/platform/service/log-book.ts";
import { LOGS_SCHEMA } from "../../src/features/platform/store/logs.ts";
import type { SettingsBook } from "../../src/features/records/index.ts";
import { DEFAULT_SETTINGS } from "../../src/features/records/service/settings/shape.ts";
import { openSideDatabase, type SideDatabase } from "../../src/infra/db/side.ts";

const DAY_MS = 86_400_000;
const BYTES_MAX = 1_000_000;

let dir: string;
let clock: FakeClock;
let database: SideDatabase;
let logs: LogBook;
/** What the database says it takes; undefined: the truth. */
let bytes: number | undefined;
/** Writes wait for it. */
let gate: Promise<void>;
/** Done during each write. */
let meanwhile: () => void;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "log-book-"));
  clock = new FakeClock();
  bytes = undefined;
  gate = Promise.resolve();
  meanwhile = () => undefined;
  const path = join(dir, "auxiliary.db");
  database = openSideDatabase({ path, clock, schema: LOGS_SCHEMA });
  const watched: SideDatabase = {
    read: (limitMs, statement) => database.read(limitMs, statement),
    async write(statements) {
      await gate;
      meanwhile();
      const change = await database.write(statements);
      return { ...change, bytes: bytes ?? change.bytes };
    },
    close: () => database.close(),
  };
  const log = { error: (text: string) => expect.unreachable(text) } as never;
  const settings = { current: DEFAULT_SETTINGS } as SettingsBook;
  const ids = fakeIds(clock);
  logs = new LogBook({ database: watched, clock, ids, log, settings, bytesMax: BYTES_MAX });
});

afterEach(async () => {
  await logs.close();
  rmSync(dir, { recursive: true });
});

function add(count: number, level: number = LEVELS.info): void {
  for (let index = 0; index < count; index++) {
    logs.add(level, () => ({ message: "flood", data: { index } }));
  }
}

const total = async (filter: string) => (await logs.list({ filter, perPage: "1" })).totalItems;
const floods = () => total("message = 'flood'");
/** What later entries say was left out. */
async function leftOut(): Promise<unknown[]> {
  const { items } = await logs.list({ filter: "level = 4", sort: "@rowid" });
  return items.map(({ data }) => data.count);
}

test("a moment has room for so many, of faults for as many more", async () => {
  add(LIMITS.logBurst + 500);
  add(1, LEVELS.error);
  expect(await total("level = 0")).toBe(LIMITS.logBurst);
  expect(await total("level = 8")).toBe(1);
  expect(await leftOut()).toEqual([500]);
});

test("each second has room for more", async () => {
  add(LIMITS.logBurst + 1);
  await clock.advance(1_000);
  add(LIMITS.logPerSecond + 2);
  expect(await floods()).toBe(LIMITS.logBurst + LIMITS.logPerSecond);
  expect(await leftOut()).toEqual([3]);
});

test("what has no room is not described", async () => {
  add(LIMITS.logBurst);
  logs.add(LEVELS.info, () => expect.unreachable());
  logs.add(LEVELS.debug, () => expect.unreachable());
  expect(await leftOut()).toEqual([1]);
});

test("what was left out is told of even when nothing else comes", async () => {
  add(LIMITS.logBurst);
  await logs.flush();
  add(7);
  await clock.advance(LIMITS.logDelayMs);
  // Asked of the database itself, after what is on its way: the book writes when it is asked.
  await database.write([]);
  const sql = "SELECT data FROM _logs WHERE level = 4";
  const [row] = await database.read<{ readonly data: string }>(1_000, { sql, values: [] });
  expect(row?.data).toBe('{"count":7}');
});

test("only so much waits for a database that does not answer", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const seconds = Math.ceil(LIMITS.logQueueMax / LIMITS.logPerSecond) + 1;
  for (let second = 0; second < seconds; second++) {
    add(LIMITS.logPerSecond);
    await clock.advance(1_000);
  }
  add(LIMITS.logPerSecond);
  resolve();
  // The first batch was on its way.
  expect(await floods()).toBe(LIMITS.logBatch + LIMITS.logQueueMax);
  expect(await leftOut()).toEqual([LIMITS.logPerSecond]);
});

test("asking the log ends although entries keep coming", async () => {
  meanwhile = () => add(1);
  add(1);
  expect(await floods()).toBe(1);
  expect(await floods()).toBe(2);
  meanwhile = () => undefined;
});

test("what comes while it is being written is there before the end", async () => {
  meanwhile = () => {
    meanwhile = () => undefined;
    add(1);
  };
  add(1);
  await logs.close();
  const path = join(dir, "auxiliary.db");
  const again = openSideDatabase({ path, clock, schema: LOGS_SCHEMA });
  const values: never[] = [];
  expect(await again.read(1_000, { sql: "SELECT data FROM _logs", values })).toHaveLength(2);
  await again.close();
});

test("an entry that is too large is left out", async () => {
  const data = { text: "x".repeat(LIMITS.logDataCharsMax) };
  logs.add(LEVELS.info, () => ({ message: "large", data }));
  expect(await total("message = 'large'")).toBe(0);
  expect(await leftOut()).toEqual([1]);
});

test("a file that is too large loses twice as many of the oldest as come", async () => {
  add(10);
  bytes = BYTES_MAX + 1;
  await logs.flush();
  add(3);
  await logs.flush();
  const { items } = await logs.list({ sort: "@rowid" });
  expect(items.map(({ data }) => data.index)).toEqual([6, 7, 8, 9, 0, 1, 2]);
});

test("pruning ends when a file is too large for other reasons than its entries", async () => {
  add(10);
  bytes = BYTES_MAX + 1;
  await logs.prune();
  expect(await floods()).toBe(0);
});

test("pruning takes more than one transaction holds, and nothing that is young", async () => {
  add(LIMITS.logBurst);
  await clock.advance(1_000);
  add(LIMITS.logPerSecond);
  await clock.advance(5 * DAY_MS - 1);
  add(2);
  await clock.advance(1);
  await logs.prune();
  expect(await floods()).toBe(2);
});
