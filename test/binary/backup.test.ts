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

/** Two times as many lines now, and in the backup `now.zip`, as in the backup `then.zip`. */
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
  const backup = async (name: string) => {
    const made = await call(server.url, ["POST", "/api/backups"], { token, body: { name } });
    expect(made.status).toBe(204);
  };
  await backup("then.zip");
  await add(server.url, ROWS);
  await backup("now.zip");
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

interface Kill {
  /** What the delay counts from. */
  readonly from: "the request" | "the answer";
  readonly delayMs: number;
}

/** While it unpacks; then the second before the process ends, its end, and the start after it. */
const KILLS: readonly Kill[] = [
  ...[5, 40, 150, 300].map((delayMs) => ({ from: "the request", delayMs }) as const),
  ...[0, 1_000, 1_050, 1_100, 1_300].map((delayMs) => ({ from: "the answer", delayMs }) as const),
];

test("killed in the middle of a restore, it has all of one state", async () => {
  using home = freshHome();
  const { dir, token } = await prepare(home);
  let before = 2 * ROWS;
  for (const [index, { from, delayMs }] of KILLS.entries()) {
    const after = before === ROWS ? 2 * ROWS : ROWS;
    {
      const server = await startServer(home, { dir, flags: FLAGS });
      const path = `/api/backups/${after === ROWS ? "then" : "now"}.zip/restore`;
      const restoring = call(server.url, ["POST", path], { token }).catch(() => undefined);
      if (from === "the answer") expect((await restoring)?.status).toBe(204);
      await Bun.sleep(delayMs);
      server.signal("SIGKILL");
      await server.exited;
      await restoring;
    }
    await using server = await startServer(home, { dir, flags: FLAGS });
    const found = await lines(server, dir);
    // Nothing is unpacked in 5 ms; what was acknowledged is done, whenever the server was killed.
    const possible = from === "the answer" ? [after] : index === 0 ? [before] : [before, after];
    expect(possible, `killed ${delayMs} ms after ${from}`).toContain(found);
    expect(existsSync(join(dir, ".restore.json"))).toBe(false);
    await until("what was left over is gone", READY_MS, () => leftovers(dir).length === 0);
    before = found;
  }
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
