/**
 * How long the executable takes to be ready and what it holds in memory with no rooms:
 * `bun test/bench/startup.ts [FILE]`. Starts after the first one, which unpacks the media worker.
 * About ten seconds.
 */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { drawPort, freshHome, residentMegabytes, startServer } from "../fixtures/executable.ts";
import { printFigures, writeRaw } from "../fixtures/figures.ts";

const STARTS = 11;
const LOOK_MS = 2;
/** By then what only the start needed has been given back, or stays. */
const SETTLE_MS = 3_000;

interface Start {
  /** Process started to first answered request, ms. */
  readonly answerMs: number;
  /** What the server says itself. */
  readonly ownMs: number;
}

async function timeStart(server: string, dir: string): Promise<Start> {
  const [http, rtc] = [drawPort(), drawPort()];
  const flags = ["--http", `127.0.0.1:${http}`, "--rtc-port", `${rtc}`, "--dir", dir];
  const began = performance.now();
  const child = spawn(server, ["serve", ...flags], {
    env: {},
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  while (!(await answers(http))) {
    if (child.exitCode !== null) throw new Error(`the server did not start: ${log}`);
    await Bun.sleep(LOOK_MS);
  }
  const answerMs = performance.now() - began;
  while (!/ready in \d+ ms/.test(log)) await Bun.sleep(LOOK_MS);
  child.kill("SIGTERM");
  await exited;
  return { answerMs, ownMs: Number(/ready in (\d+) ms/.exec(log)?.[1]) };
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/api/health`)).ok;
  } catch {
    // Nobody listens yet.
    return false;
  }
}

async function memory(): Promise<{ server: number; worker: number }> {
  using home = freshHome();
  await using server = await startServer(home);
  await Bun.sleep(SETTLE_MS);
  const worker = residentMegabytes(server.workerPid());
  return { server: residentMegabytes(server.pid), worker };
}

async function main(): Promise<void> {
  using home = freshHome();
  const dir = join(home.path, "pb_data");
  const first = await timeStart(home.server, dir);
  const starts: Start[] = [];
  for (let index = 0; index < STARTS; index++) starts.push(await timeStart(home.server, dir));
  printFigures("first start: unpacks, makes the database", "ms", [first.answerMs]);
  const answer = starts.map(({ answerMs }) => answerMs);
  const own = starts.map(({ ownMs }) => ownMs);
  printFigures("later starts: to the first answered request", "ms", answer);
  printFigures("later starts: what the server says itself", "ms", own);
  const resident = await memory();
  console.log(
    `resident with no rooms: server ${resident.server.toFixed(1)} MB, ` +
      `media worker ${resident.worker.toFixed(1)} MB`,
  );
  writeRaw("startup", { first, starts, residentMegabytes: resident });
}

await main();
