/** SIGKILL in the middle of many writes, again and again: what was acknowledged is there. */

import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
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

const KILLS = 20;
const WRITES_PER_SECOND = 500;
/** Writes that are on their way at one time, as many as it takes to keep that pace. */
const WRITERS = 16;
const ACKNOWLEDGED_BEFORE_KILL = 150;

setDefaultTimeout(180_000);

async function prepare(home: Home, dir: string): Promise<void> {
  const made = await run(home, ["superuser", "create", "root@example.com", PASSWORD, "--dir", dir]);
  expect(made.code).toBe(0);
  await using server = await startServer(home, { dir, flags: ["--features", "none"] });
  const { token } = await signIn(server.url, "root@example.com", "_superusers");
  const body = {
    name: "lines",
    type: "base",
    createRule: "",
    listRule: "",
    fields: [
      { name: "text", type: "text" },
      { name: "number", type: "number" },
    ],
    indexes: ["CREATE UNIQUE INDEX `idx_lines_number` ON `lines` (`number`)"],
  };
  const answer = await call(server.url, ["POST", "/api/collections"], { token, body });
  expect(answer.status).toBe(200);
}

/** Writes at the pace until the server is gone; the numbers that were acknowledged. */
async function write(server: RunningServer, next: () => number, acknowledged: Set<number>) {
  const began = performance.now();
  let sent = 0;
  const path = "/api/collections/lines/records";
  const writer = async () => {
    for (;;) {
      const dueMs = (sent++ * 1000) / WRITES_PER_SECOND;
      const waitMs = began + dueMs - performance.now();
      if (waitMs > 0) await Bun.sleep(waitMs);
      const number = next();
      const body = { number, text: `line ${number}` };
      const answer = await call(server.url, ["POST", path], { body }).catch(() => undefined);
      if (answer === undefined) return;
      expect(answer.status).toBe(200);
      acknowledged.add(number);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

test(`${KILLS} kills among ${WRITES_PER_SECOND} writes a second lose nothing acknowledged`, async () => {
  using home = freshHome();
  const dir = join(home.path, "pb_data");
  await prepare(home, dir);
  const acknowledged = new Set<number>();
  let last = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    await using server = await startServer(home, { dir, flags: ["--features", "none"] });
    const before = acknowledged.size;
    const writing = write(server, () => ++last, acknowledged);
    // Not at the same place in each round.
    const enough = before + ACKNOWLEDGED_BEFORE_KILL + kill;
    await until("many are written", 30_000, () => acknowledged.size >= enough);
    server.signal("SIGKILL");
    await Promise.all([server.exited, writing]);

    using database = new Database(join(dir, "data.db"));
    expect(database.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
    const rows = database.query<{ number: number }, []>("SELECT number FROM lines").all();
    const kept = new Set(rows.map(({ number }) => number));
    expect([...acknowledged].filter((number) => !kept.has(number))).toEqual([]);
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_BEFORE_KILL);
});
