import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { brokenConstraint, openFailure } from "../../src/infra/db/errors.ts";
import { quoteColumn, quoteIdentifier } from "../../src/infra/db/identifiers.ts";
import { openSqlite } from "../../src/infra/db/sqlite.ts";
import { freshDirectory } from "./db-fixture.ts";

function open(path: string) {
  return openSqlite({ path, clock: realClock(), log: silentLog() });
}

function failure(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("opening", () => {
  test("makes the directory and leaves no log behind", async () => {
    using directory = freshDirectory();
    const path = join(directory.path, "deep", "er", "data.db");
    const db = open(path);
    await db.write((tx) => tx.run("CREATE TABLE t (a)"));
    expect(await db.get<object>("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
    const settings = await db.write((tx) =>
      Promise.all(["synchronous", "foreign_keys"].map((name) => tx.get(`PRAGMA ${name}`))),
    );
    expect(settings).toEqual([{ synchronous: 1 }, { foreign_keys: 1 }]);
    await db.close();
    expect(["", "-wal", "-shm"].map((end) => existsSync(path + end))).toEqual([true, false, false]);
  });

  const refusals = [
    {
      name: "a file that is not a database",
      code: "database_corrupt",
      make: (path: string) => writeFileSync(path, "not a database ".repeat(1000)),
    },
    {
      name: "a directory in its place",
      code: "database_open_failed",
      make: (path: string) => mkdirSync(path),
    },
  ];
  test.each(refusals)("refuses $name with one line that names the path", ({ code, make }) => {
    using directory = freshDirectory();
    const path = join(directory.path, "data.db");
    make(path);
    const error = failure(() => open(path));
    expect(error).toMatchObject({ code, status: 503 });
    expect(String(error)).toEndWith(`: ${path}`);
    expect(String(error)).not.toContain("\n");
  });

  test("refuses a directory that is a file", () => {
    using directory = freshDirectory();
    writeFileSync(join(directory.path, "file"), "");
    const error = failure(() => open(join(directory.path, "file", "data.db")));
    expect(error).toMatchObject({ code: "data_dir_unwritable" });
  });

  // Root may write everywhere, so another process does it as nobody.
  test.each([
    { name: "directory", prepare: async (path: string) => chmodSync(path, 0o555) },
    {
      name: "file",
      prepare: async (path: string) => {
        const file = join(path, "data.db");
        await open(file).close();
        chmodSync(path, 0o777);
        chmodSync(file, 0o444);
      },
    },
  ])("refuses a read-only $name", async ({ prepare }) => {
    using directory = freshDirectory();
    await prepare(directory.path);
    const path = join(directory.path, "data.db");
    const program = `
      const { openSqlite } = await import(${JSON.stringify(import.meta.resolve("../../src/infra/db/sqlite.ts"))});
      const { realClock } = await import(${JSON.stringify(import.meta.resolve("../../src/base/clock.ts"))});
      const { silentLog } = await import(${JSON.stringify(import.meta.resolve("../../src/base/log.ts"))});
      if (process.getuid() === 0) process.setuid(65534);
      try {
        openSqlite({ path: ${JSON.stringify(path)}, clock: realClock(), log: silentLog() });
      } catch (error) {
        console.log(error.code, error.message);
      }`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    const text = await new Response(child.stdout).text();
    expect(text.trim()).toBe(`data_dir_unwritable The data directory is not writable: ${path}`);
    await child.exited;
  });

  test.each([
    ["ENOSPC", "database_open_failed", "the disk is full"],
    ["SQLITE_FULL", "database_open_failed", "the disk is full"],
    ["SQLITE_BUSY", "database_open_failed", "another process holds its lock"],
    ["SQLITE_READONLY_DIRECTORY", "data_dir_unwritable", "not writable"],
    ["EROFS", "data_dir_unwritable", "not writable"],
    ["SQLITE_CORRUPT", "database_corrupt", "damaged"],
    ["SQLITE_IOERR_READ", "database_open_failed", "engine's words"],
  ])("words %s as %s", (code, expected, words) => {
    const error = openFailure("/data/x.db", Object.assign(new Error("engine's words"), { code }));
    expect(error).toMatchObject({ code: expected, status: 503 });
    expect(error.message).toContain(words);
    expect(error.message).toEndWith(": /data/x.db");
  });
});

describe("a broken constraint", () => {
  test.each([
    ["INSERT INTO t VALUES (1, 'x', 1)", { kind: "unique", columns: ["t.id"] }],
    ["INSERT INTO t VALUES (2, 'a', 1)", { kind: "unique", columns: ["t.name"] }],
    ["INSERT INTO t VALUES (2, NULL, 1)", { kind: "not_null", columns: ["t.name"] }],
    ["INSERT INTO t VALUES (2, 'b', -1)", { kind: "check", columns: [] }],
    ["INSERT INTO child VALUES (9)", { kind: "foreign_key", columns: [] }],
    ["INSERT INTO nothing VALUES (9)", undefined],
  ])("of %s is told apart", async (sql, expected) => {
    using directory = freshDirectory();
    const db = open(join(directory.path, "data.db"));
    await db.write((tx) =>
      tx.run(`
        CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, n CHECK (n > 0));
        CREATE TABLE child (of INTEGER REFERENCES t (id));
        INSERT INTO t VALUES (1, 'a', 1)`),
    );
    const thrown = await db.write((tx) => tx.run(sql)).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    expect(brokenConstraint(thrown)).toEqual(expected as never);
    await db.close();
  });
});

describe("identifiers", () => {
  test("are quoted, and refused when they are not names", () => {
    expect(quoteIdentifier("order")).toBe("`order`");
    expect(quoteColumn("group", "to")).toBe("`group`.`to`");
    for (const bad of ["", "a b", "a`b", 'a"', "a;b", "a.b", "naïve"]) {
      expect(() => quoteIdentifier(bad)).toThrow("identifier");
    }
  });

  test("that do not exist fail instead of becoming texts", async () => {
    using directory = freshDirectory();
    const db = open(join(directory.path, "data.db"));
    await db.write((tx) => tx.run("CREATE TABLE t (a); INSERT INTO t VALUES (1)"));
    const query = db.all(`SELECT ${quoteIdentifier("missing")} FROM t`);
    await expect(query).rejects.toThrow("no such column");
    await db.close();
  });
});
