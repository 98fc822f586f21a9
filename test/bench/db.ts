/**
 * What the database layer costs and gains against bun:sqlite by itself, in one run on one machine:
 * `bun test/bench/db.ts`. Each line is a rate and its ratio to the control. About ten seconds.
 */

import { Database as Engine } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "../../src/base/clock.ts";
import { realIds } from "../../src/base/ids.ts";
import { createLog } from "../../src/base/log.ts";
import { openSqlite, type SqliteDatabase } from "../../src/infra/db/sqlite.ts";

const ROUND_MS = 600;
const ROUNDS = 3;
const TABLE = "CREATE TABLE item (id TEXT PRIMARY KEY, owner TEXT, body TEXT)";
const INDEX = "CREATE INDEX item_owner ON item (owner)";
const INSERT = "INSERT INTO item (id, owner, body) VALUES (?, ?, ?)";
const SELECT = "SELECT id, owner, body FROM item WHERE id = ?";
const BODY = "b".repeat(220);

interface Result {
  readonly name: string;
  readonly rate: number;
  /** Longest time the event loop was away, in ms, and how often per second it was over 5 ms. */
  readonly lagMs: number;
  readonly lags: number;
}

type Step = () => Promise<number>;

const clock = realClock();
const ids = realIds(clock);
const directory = mkdtempSync(join(tmpdir(), "parvis-bench-"));

/** Runs `step`, which returns how many operations it did, for a while. */
async function measure(name: string, step: Step): Promise<Result> {
  let count = 0;
  let lagMs = 0;
  let late = 0;
  let seen = performance.now();
  let running = true;
  const watch = () => {
    const now = performance.now();
    lagMs = Math.max(lagMs, now - seen);
    if (now - seen > 5) late++;
    seen = now;
    if (running) setImmediate(watch);
  };
  watch();
  const start = performance.now();
  while (performance.now() - start < ROUND_MS) count += await step();
  running = false;
  const seconds = (performance.now() - start) / 1000;
  return { name, rate: count / seconds, lagMs, lags: late / seconds };
}

function row(): [string, string, string] {
  const id = ids.record();
  return [id, `owner${id.slice(-2)}`, BODY];
}

function bare(path: string): { engine: Engine; single: Step; batch: Step; read: Step } {
  const engine = new Engine(path, { create: true, readwrite: true, strict: true });
  for (const pragma of ["journal_mode = WAL", "synchronous = NORMAL", "cache_size = -32768"]) {
    engine.run(`PRAGMA ${pragma}`);
  }
  engine.run(TABLE);
  engine.run(INDEX);
  const [begin, commit] = [engine.prepare("BEGIN IMMEDIATE"), engine.prepare("COMMIT")];
  const insert = engine.prepare(INSERT);
  const select = engine.prepare(SELECT);
  const transaction = (rows: number) => {
    begin.run();
    for (let at = 0; at < rows; at++) insert.run(...row());
    commit.run();
  };
  // One turn of the loop after each, as a server takes between two requests.
  const turn = () => new Promise<void>((next) => setImmediate(next));
  const id = "0";
  engine.prepare(INSERT).run(id, "o", BODY);
  return {
    engine,
    single: async () => {
      transaction(1);
      await turn();
      return 1;
    },
    batch: async () => {
      for (let at = 0; at < 32; at++) transaction(1);
      await turn();
      return 32;
    },
    read: async () => {
      for (let at = 0; at < 32; at++) select.get(id);
      await turn();
      return 32;
    },
  };
}

function ours(db: SqliteDatabase): { single: Step; grouped: Step; read: Step } {
  const write = () => db.write((tx) => tx.run(INSERT, ...row()));
  const clients = Array.from({ length: 32 });
  const turn = () => new Promise<void>((next) => setImmediate(next));
  return {
    single: async () => {
      await write();
      return 1;
    },
    grouped: async () => {
      await Promise.all(clients.map(write));
      return clients.length;
    },
    read: async () => {
      for (const _ of clients) await db.get(SELECT, "0");
      await turn();
      return clients.length;
    },
  };
}

function best(results: readonly Result[], name: string): Result {
  const own = results.filter((result) => result.name === name);
  const sorted = own.sort((a, b) => a.rate - b.rate);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error(`no result of ${name}`);
  const lagMs = Math.max(...own.map((result) => result.lagMs));
  const lags = own.reduce((sum, result) => sum + result.lags, 0) / own.length;
  return { ...middle, lagMs, lags };
}

async function main(): Promise<void> {
  const log = createLog({
    level: "warn",
    format: "text",
    colors: false,
    clock,
    write: (line) => console.error(line),
  });
  const control = bare(join(directory, "bare.db"));
  const db = openSqlite({ path: join(directory, "ours.db"), clock, log });
  await db.write((tx) => tx.run(`${TABLE}; ${INDEX}`));
  await db.write((tx) => tx.run(INSERT, "0", "o", BODY));
  const layer = ours(db);
  const results: Result[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    results.push(await measure("bare single", control.single));
    results.push(await measure("ours single", layer.single));
    results.push(await measure("bare 32 at once", control.batch));
    results.push(await measure("ours 32 at once", layer.grouped));
    results.push(await measure("bare read", control.read));
    results.push(await measure("ours read", layer.read));
  }
  console.log("operations per second, median of", ROUNDS, "rounds; lag of the event loop");
  for (const kind of ["single", "32 at once", "read"]) {
    const [a, b] = [best(results, `bare ${kind}`), best(results, `ours ${kind}`)];
    const shown = (result: Result) =>
      `${Math.round(result.rate)}/s (lag ${result.lagMs.toFixed(1)} ms, ` +
      `over 5 ms ${result.lags.toFixed(1)}/s)`;
    const ratio = (b.rate / a.rate).toFixed(2);
    console.log(`${kind.padEnd(11)} bare ${shown(a)}  ours ${shown(b)}  ratio ${ratio}`);
  }
  await db.close();
  control.engine.close(true);
}

try {
  await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
