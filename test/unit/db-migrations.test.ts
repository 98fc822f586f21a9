import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import {
  type Migration,
  migrateDown,
  migrateUp,
  migrationStatus,
  pendingMigrations,
} from "../../src/infra/db/migrations.ts";
import type { SqliteDatabase } from "../../src/infra/db/sqlite.ts";
import { freshDatabase } from "./db-fixture.ts";

const FIRST: Migration = {
  name: "parvis/0001_first",
  up: async (tx) => void (await tx.run("CREATE TABLE first (a)")),
  down: async (tx) => void (await tx.run("DROP TABLE first")),
};
const SECOND: Migration = {
  name: "parvis/0002_second",
  up: async (tx) => void (await tx.run("CREATE TABLE second (a); INSERT INTO first VALUES (1)")),
  down: async (tx) => void (await tx.run("DELETE FROM first; DROP TABLE second")),
};
const OPERATORS: Migration = {
  name: "1700000000_rooms",
  up: async (tx) => void (await tx.run("CREATE TABLE rooms AS SELECT a FROM second")),
};
const BROKEN: Migration = {
  name: "parvis/0003_broken",
  up: async (tx) => {
    await tx.run("CREATE TABLE third (a)");
    await tx.run("INSERT INTO missing VALUES (1)");
  },
};

function options() {
  return { clock: new FakeClock(1_700_000_000_000), log: silentLog() };
}

async function tables(db: SqliteDatabase): Promise<string[]> {
  const rows = await db.all<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'item' ORDER BY name",
  );
  return rows.map(({ name }) => name);
}

describe("migrations", () => {
  test("write down those of another program that they stand for, and say nothing of them", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const all = [{ ...FIRST, standsFor: ["1_theirs", "2_theirs"] }, SECOND];
    await migrateUp(db, all, options());
    const rows = await db.all<{ file: string }>("SELECT file FROM _migrations ORDER BY applied");
    const files = rows.map(({ file }) => file);
    expect(files).toEqual([FIRST.name, SECOND.name, "1_theirs", "2_theirs"]);
    expect(await migrateUp(db, all, options())).toEqual([]);
    const status = await migrationStatus(db, all);
    expect(status.map(({ name }) => name)).toEqual([FIRST.name, SECOND.name]);
    expect(await migrateDown(db, all, { ...options(), count: 1 })).toEqual([SECOND.name]);
  });

  test("write those down as well where they were applied before it was known", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    await migrateUp(db, [FIRST], options());
    expect(await migrateUp(db, [{ ...FIRST, standsFor: ["1_theirs"] }], options())).toEqual([]);
    const rows = await db.all<{ file: string }>("SELECT file FROM _migrations ORDER BY applied");
    expect(rows.map(({ file }) => file)).toEqual([FIRST.name, "1_theirs"]);
  });

  test("leave another program's list as it is where that one was at work", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    await migrateUp(db, [], options());
    await db.write((tx) => tx.run("INSERT INTO _migrations VALUES ('1_theirs', 5)"));
    await migrateUp(db, [{ ...FIRST, standsFor: ["1_theirs", "2_theirs"] }], options());
    const rows = await db.all<{ file: string }>("SELECT file FROM _migrations ORDER BY applied");
    expect(rows.map(({ file }) => file)).toEqual(["1_theirs", FIRST.name]);
  });

  test("apply once, the server's own first, in order of name", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const all = [OPERATORS, SECOND, FIRST];
    const names = [FIRST.name, SECOND.name, OPERATORS.name];
    expect((await pendingMigrations(db, all)).map(({ name }) => name)).toEqual(names);
    expect(await migrateUp(db, all, options())).toEqual(names);
    expect(await tables(db)).toEqual(["_migrations", "first", "rooms", "second"]);
    expect(await pendingMigrations(db, all)).toEqual([]);
    expect(await migrateUp(db, all, options())).toEqual([]);
    // Microseconds, as the table has always had.
    expect(await db.all<object>("SELECT * FROM _migrations ORDER BY applied")).toEqual([
      { file: FIRST.name, applied: 1_700_000_000_000_000 },
      { file: SECOND.name, applied: 1_700_000_000_000_001 },
      { file: OPERATORS.name, applied: 1_700_000_000_000_002 },
    ]);
  });

  test("change nothing at all when one of them fails, and name it", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const failing = migrateUp(db, [FIRST, SECOND, BROKEN], options());
    await expect(failing).rejects.toMatchObject({
      code: "migration_failed",
      status: 500,
      message: "The migration parvis/0003_broken failed; nothing was changed.",
      data: { migration: BROKEN.name },
    });
    expect(await tables(db)).toEqual([]);
  });

  test("are taken back last first, as many as asked", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const all = [FIRST, SECOND];
    await migrateUp(db, all, options());
    expect(await migrateDown(db, all, { ...options(), count: 1 })).toEqual([SECOND.name]);
    expect(await tables(db)).toEqual(["_migrations", "first"]);
    await migrateUp(db, all, options());
    const both = await migrateDown(db, all, { ...options(), count: 9 });
    expect(both).toEqual([SECOND.name, FIRST.name]);
    expect(await tables(db)).toEqual(["_migrations"]);
  });

  test("without a way back keep everything as it is", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    const all = [{ ...FIRST }, SECOND, OPERATORS];
    await migrateUp(db, all, options());
    const { down: _, ...oneWay } = SECOND;
    const back = migrateDown(db, [FIRST, oneWay], { ...options(), count: 2 });
    await expect(back).rejects.toMatchObject({ code: "migration_irreversible", status: 409 });
    const failing = { ...FIRST, down: () => Promise.reject(new Error("no")) };
    const half = migrateDown(db, [failing, SECOND], { ...options(), count: 2 });
    await expect(half).rejects.toMatchObject({ data: { migration: FIRST.name } });
    expect(await tables(db)).toEqual(["_migrations", "first", "rooms", "second"]);
    expect((await migrationStatus(db, all)).every(({ appliedAt }) => appliedAt)).toBe(true);
  });

  test("of a newer version are refused, up and down", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    await migrateUp(db, [FIRST, SECOND], options());
    const error = {
      code: "database_newer",
      message: "The database was made by a newer version: it has parvis/0002_second.",
    };
    await expect(migrateUp(db, [FIRST], options())).rejects.toMatchObject(error);
    const down = migrateDown(db, [FIRST], { ...options(), count: 1 });
    await expect(down).rejects.toMatchObject(error);
    expect(await tables(db)).toEqual(["_migrations", "first", "second"]);
  });

  test("of features that are off now are no sign of a newer version", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    await migrateUp(db, [FIRST, SECOND], options());
    expect(await migrateUp(db, [FIRST], { ...options(), dormant: [SECOND] })).toEqual([]);
    const status = await migrationStatus(db, [FIRST], [SECOND]);
    expect(status.map(({ known }) => known)).toEqual([true, true]);
    const count = { ...options(), dormant: [SECOND], count: 1 };
    expect(await migrateDown(db, [FIRST], count)).toEqual([FIRST.name]);
  });

  test("of others are listed and left alone", async () => {
    await using fresh = await freshDatabase();
    const { db } = fresh;
    await db.write((tx) =>
      tx.run(`
        CREATE TABLE _migrations (file VARCHAR(255) PRIMARY KEY NOT NULL, applied INTEGER NOT NULL);
        INSERT INTO _migrations VALUES ('1640988000_init.go', 1690000000123456)`),
    );
    await migrateUp(db, [FIRST], options());
    expect(await migrationStatus(db, [FIRST, SECOND])).toEqual([
      { name: "1640988000_init.go", appliedAt: 1_690_000_000_123, known: false },
      { name: FIRST.name, appliedAt: 1_700_000_000_000, known: true },
      { name: SECOND.name, appliedAt: null, known: true },
    ]);
    expect(await migrateDown(db, [FIRST], { ...options(), count: 5 })).toEqual([FIRST.name]);
    expect(await db.all<object>("SELECT file FROM _migrations")).toEqual([
      { file: "1640988000_init.go" },
    ]);
  });
});
