import { Database as Engine } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openSqlite } from "../../src/infra/db/sqlite.ts";
import { freshDirectory } from "./db-fixture.ts";

/** A process that opens the database at `path` as `db` and runs `body`. */
function startProcess(path: string, body: string) {
  const from = (module: string) => JSON.stringify(import.meta.resolve(`../../src/${module}`));
  const program = `
    import { writeSync } from "node:fs";
    const { openSqlite } = await import(${from("infra/db/sqlite.ts")});
    const { realClock } = await import(${from("base/clock.ts")});
    const { silentLog } = await import(${from("base/log.ts")});
    const path = ${JSON.stringify(path)};
    const db = openSqlite({ path, clock: realClock(), log: silentLog() });
    const INSERT = "INSERT INTO item (name) VALUES (?)";
    ${body}`;
  return Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
}

async function makeTable(path: string): Promise<void> {
  const db = openSqlite({ path, clock: realClock(), log: silentLog() });
  await db.write((tx) => tx.run("CREATE TABLE item (name TEXT PRIMARY KEY)"));
  await db.close();
}

function check(path: string): { names: Set<unknown>; integrity: unknown } {
  const file = new Engine(path);
  const names = new Set(file.query("SELECT name FROM item").values().flat());
  const integrity = file.query("PRAGMA integrity_check").values();
  file.close(true);
  return { names, integrity };
}

test("two processes that write at once lose nothing", async () => {
  using directory = freshDirectory();
  const path = join(directory.path, "data.db");
  await makeTable(path);
  const body = (who: string) => `
    for (let round = 0; round < 100; round++) {
      await Promise.all([0, 1, 2, 3, 4].map((at) =>
        db.write((tx) => tx.run(INSERT, "${who}" + (round * 5 + at)))));
    }
    await db.close();`;
  const processes = ["a", "b"].map((who) => startProcess(path, body(who)));
  expect(await Promise.all(processes.map(({ exited }) => exited))).toEqual([0, 0]);
  const { names, integrity } = check(path);
  expect(names.size).toBe(1_000);
  expect(integrity).toEqual([["ok"]]);
});

test("a process waits for the lock of another with nothing else to keep it alive", async () => {
  using directory = freshDirectory();
  const path = join(directory.path, "data.db");
  await makeTable(path);
  const child = startProcess(
    path,
    `const other = new (await import("bun:sqlite")).Database(path);
     other.run("BEGIN IMMEDIATE");
     // Not awaited at the top, which would keep the process alive by itself.
     void db.write((tx) => tx.run(INSERT, "late")).then(async () => {
       other.close(true);
       await db.close();
     });
     writeSync(1, "waiting");
     setTimeout(() => other.run("COMMIT"), 100).unref();`,
  );
  expect(await new Response(child.stdout).text()).toBe("waiting");
  expect(await child.exited).toBe(0);
  expect(check(path).names).toEqual(new Set(["late"]));
});

test.each([30, 300, 3_000])(
  "a process killed after %d acknowledged writes leaves each of them",
  async (enough) => {
    using directory = freshDirectory();
    const path = join(directory.path, "data.db");
    await makeTable(path);
    const child = startProcess(
      path,
      `const writer = async (who) => {
         for (let at = 0; ; at++) {
           const name = who + "-" + at;
           await db.write((tx) => tx.run(INSERT, name));
           writeSync(1, name + "\\n");
         }
       };
       await Promise.all(["a", "b", "c", "d"].map(writer));`,
    );
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.split("\n").length > enough) child.kill("SIGKILL");
    }
    await child.exited;
    const acknowledged = text.slice(0, text.lastIndexOf("\n")).split("\n");
    expect(acknowledged.length).toBeGreaterThanOrEqual(enough);
    const { names, integrity } = check(path);
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    expect(integrity).toEqual([["ok"]]);
    const again = openSqlite({ path, clock: realClock(), log: silentLog() });
    await again.write((tx) => tx.run("INSERT INTO item (name) VALUES ('next')"));
    await again.close();
  },
);
