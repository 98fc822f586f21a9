/**
 * What the request log costs each request, and what a backup of some hundred megabytes does to
 * requests beside it: `bun test/bench/platform.ts [FILE]`, with the executable built. A minute.
 */

import { Database } from "bun:sqlite";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../src/base/limits.ts";
import { freshApp } from "../features/app-fixture.ts";
import { freshHome, run, startServer } from "../fixtures/executable.ts";
import { printFigures, writeRaw } from "../fixtures/figures.ts";
import { call, PASSWORD, signIn } from "../fixtures/people.ts";
import { paced } from "./load/paced.ts";

/** As many as the log takes at once. */
const REQUESTS = LIMITS.logBurst;
const ROUNDS = 20;
const ROWS = 200_000;
const FILES = 200;
const FILE_BYTES = 500_000;

/**
 * Microseconds of one request in this process, without a socket: without the log, with it, and
 * with the log past what a second has room for, in turn.
 */
async function requestCost() {
  await using server = await freshApp({ features: "none" });
  const headers = { "user-agent": "bench", referer: "https://page.test/" };
  const costs = { without: [] as number[], with: [] as number[], past: [] as number[] };
  const measure = async () => {
    const began = performance.now();
    for (let index = 0; index < REQUESTS; index++) {
      await server.raw(new Request("http://localhost/api/health?a=1", { headers }));
    }
    return ((performance.now() - began) * 1_000) / REQUESTS;
  };
  const keep = (maxDays: number) =>
    server.app.call("settings.update", { body: { logs: { maxDays } } });
  for (let round = 0; round < ROUNDS; round++) {
    await keep(0);
    costs.without.push(await measure());
    await keep(5);
    // Everything is written, and there is room for as many again.
    await server.clock.advance((LIMITS.logBurst / LIMITS.logPerSecond) * 1_000);
    await Bun.sleep(500);
    costs.with.push(await measure());
    costs.past.push(await measure());
  }
  // The first are made while the runtime still compiles.
  return Object.values(costs).map((kind) => kind.slice(ROUNDS / 4));
}

function fill(dir: string): void {
  const db = new Database(join(dir, "data.db"));
  db.run(
    `INSERT INTO lines (id, text)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
     SELECT printf('row%012d', i), hex(randomblob(400)) FROM n`,
  );
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const folder = join(dir, "storage/lines/some");
  mkdirSync(folder, { recursive: true });
  const bytes = new Uint8Array(FILE_BYTES);
  for (let index = 0; index < FILES; index++) {
    for (let at = 0; at < FILE_BYTES; at += 50_000) {
      crypto.getRandomValues(bytes.subarray(at, at + 50_000));
    }
    writeFileSync(join(folder, `${index}.bin`), bytes);
  }
}

/** A write after three reads. */
function ask(url: string) {
  return (sent: number) =>
    sent % 4 === 0
      ? call(url, ["POST", "/api/collections/lines/records"], { body: { text: "x" } })
      : call(url, ["GET", "/api/collections/lines/records/row000000000001"]);
}

async function backup() {
  using home = freshHome();
  const dir = join(home.path, "pb_data");
  await run(home, ["superuser", "create", "root@example.com", PASSWORD, "--dir", dir]);
  const flags = ["--features", "none"];
  {
    await using server = await startServer(home, { dir, flags });
    const { token } = await signIn(server.url, "root@example.com", "_superusers");
    const fields = [{ name: "text", type: "text" }];
    const body = { name: "lines", type: "base", createRule: "", viewRule: "", fields };
    await call(server.url, ["POST", "/api/collections"], { token, body });
  }
  fill(dir);
  await using server = await startServer(home, { dir, flags });
  const { token } = await signIn(server.url, "root@example.com", "_superusers");
  const end = performance.now() + 5_000;
  const quiet = await paced(() => performance.now() > end, ask(server.url));
  let done = false;
  const began = performance.now();
  const making = call(server.url, ["POST", "/api/backups"], { token, body: { name: "it.zip" } });
  const finished = making.then(() => {
    done = true;
    return performance.now() - began;
  });
  const busy = await paced(() => done, ask(server.url));
  const tookMs = await finished;
  const megabytes = (path: string) => Math.round(statSync(join(dir, path)).size / 1e6);
  console.log(
    `backup of ${megabytes("data.db")} MB database and ${(FILES * FILE_BYTES) / 1e6} MB files:` +
      ` ${Math.round(tookMs)} ms, ${megabytes("backups/it.zip")} MB`,
  );
  return { quiet, busy, tookMs };
}

const [without = [], logged = [], past = []] = await requestCost();
printFigures("request without the log", "µs", without);
printFigures("request with the log", "µs", logged);
printFigures("request with the log full", "µs", past);
const { quiet, busy, tookMs } = await backup();
printFigures("requests before a backup", "ms", quiet);
printFigures("requests during a backup", "ms", busy);
writeRaw("platform", { without, logged, past, quiet, busy, tookMs });
