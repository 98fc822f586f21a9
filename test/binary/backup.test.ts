/** Backups and restores of the compiled server, killed in the middle: the old data or the new. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  freshHome,
  type Home,
  type RunningServer,
  run,
  startServer,
} from "../fixtures/executable.ts";
import { call, PASSWORD, signIn } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(180_000);

const FLAGS = ["--features", "none"];
const ROWS = 400;
const READY_MS = 15_000;
const LINES = "/api/collections/lines/records";

interface Stage {
  readonly dir: string;
  readonly token: string;
}

/** Two times as many lines now as in the backup `then.zip`. */
async function prepare(home: Home): Promise<Stage> {
  const dir = join(home.path, "pb_data");
  const made = await run(home, ["superuser", "create", "root@example.com", PASSWORD, "--dir", dir]);
  expect(made.code).toBe(0);
  await using server = await startServer(home, { dir, flags: FLAGS });
  const { token } = await signIn(server.url, "root@example.com", "_superusers");
  const fields = [
    { name: "text", type: "text" },
    { name: "file", type: "file", maxSelect: 1 },
  ];
  const body = { name: "lines", type: "base", createRule: "", listRule: "", fields };
  expect((await call(server.url, ["POST", "/api/collections"], { token, body })).status).toBe(200);
  await add(server.url, ROWS);
  const backup = { token, body: { name: "then.zip" } };
  expect((await call(server.url, ["POST", "/api/backups"], backup)).status).toBe(204);
  await add(server.url, ROWS);
  return { dir, token };
}

async function add(url: string, count: number): Promise<void> {
  const one = async () => {
    const body = new FormData();
    body.append("text", "x".repeat(500));
    body.append("file", new File([crypto.getRandomValues(new Uint8Array(20_000))], "it.bin"));
    const answer = await fetch(url + LINES, { method: "POST", body });
    expect(answer.status).toBe(200);
  };
  for (let done = 0; done < count; done += 20) {
    await Promise.all(Array.from({ length: 20 }, one));
  }
}

/** How many lines there are; each of them must have its file. */
async function lines(server: Pick<RunningServer, "url">, dir: string): Promise<number> {
  const query = "?perPage=1000&fields=id,collectionId,file";
  const { body } = await call(server.url, ["GET", LINES + query], {});
  for (const { id, collectionId, file } of body.items) {
    expect(existsSync(join(dir, "storage", collectionId, id, file))).toBe(true);
  }
  return body.totalItems;
}

const leftovers = (dir: string) =>
  readdirSync(join(dir, ".pb_temp_to_delete")).filter((name) => /^(backup|restore)_/.test(name));

test("a restore keeps the process and brings the data back", async () => {
  using home = freshHome();
  const { dir, token } = await prepare(home);
  const port = 10_000 + Math.floor(Math.random() * 20_000);
  const flags = [...FLAGS, "--http", `127.0.0.1:${port}`];
  await using server = await startServer(home, { dir, flags });
  expect(await lines(server, dir)).toBe(2 * ROWS);
  const restored = await call(server.url, ["POST", "/api/backups/then.zip/restore"], { token });
  expect(restored.status).toBe(204);
  await until("the server is there again", READY_MS, async () => {
    const again = server.log().match(/ready in/g)?.length === 2;
    return again && (await lines(server, dir)) === ROWS;
  });
  await until("the old data is gone", READY_MS, () => leftovers(dir).length === 0);
  expect(await server.stop()).toBe(0);
});

test("killed in the middle of a restore, it has all of one state", async () => {
  using home = freshHome();
  const { dir, token } = await prepare(home);
  const seen = new Set<number>();
  // Unpacking, the second before the process ends, its end, and the start that follows.
  for (const delayMs of [5, 30, 80, 150, 300, 600, 1_000, 1_050, 1_100, 1_200, 1_300, 1_500]) {
    {
      const server = await startServer(home, { dir, flags: FLAGS });
      const path = "/api/backups/then.zip/restore";
      const restoring = call(server.url, ["POST", path], { token }).catch(() => undefined);
      await Bun.sleep(delayMs);
      server.signal("SIGKILL");
      await server.exited;
      await restoring;
    }
    await using server = await startServer(home, { dir, flags: FLAGS });
    const found = await lines(server, dir);
    seen.add(found);
    expect([delayMs, [ROWS, 2 * ROWS].includes(found)]).toEqual([delayMs, true]);
    expect(existsSync(join(dir, ".restore.json"))).toBe(false);
    await until("what was left over is gone", READY_MS, () => leftovers(dir).length === 0);
    // From the restored state on, what is added makes the other state again.
    if (found === ROWS) await add(server.url, ROWS);
  }
  // Early kills leave the old, late ones the new: both ways were walked.
  expect(seen).toEqual(new Set([ROWS, 2 * ROWS]));
});

test("killed in the middle of a backup, it has no half of one and keeps the others", async () => {
  using home = freshHome();
  const { dir, token } = await prepare(home);
  for (const [index, delayMs] of [1, 20, 60, 120, 250].entries()) {
    const server = await startServer(home, { dir, flags: FLAGS });
    const body = { name: `killed_${index}.zip` };
    const making = call(server.url, ["POST", "/api/backups"], { token, body }).catch(
      () => undefined,
    );
    await Bun.sleep(delayMs);
    server.signal("SIGKILL");
    await server.exited;
    await making;
  }
  await using server = await startServer(home, { dir, flags: FLAGS });
  await until("what was left over is gone", READY_MS, () => leftovers(dir).length === 0);
  expect(await lines(server, dir)).toBe(2 * ROWS);
  const listed = (await call(server.url, ["GET", "/api/backups"], { token })).body;
  const names = listed.map(({ key }: { key: string }) => key);
  expect(names).toContain("then.zip");
  // Those that are there are whole: they can be restored from.
  const name = names.find((key: string) => key.startsWith("killed_")) ?? "then.zip";
  const restored = await call(server.url, ["POST", `/api/backups/${name}/restore`], { token });
  expect(restored.status).toBe(204);
});
