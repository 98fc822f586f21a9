/**
 * Rooms as a browser sees them: `bun test/bench/rooms.ts [FILE]`. From joining to the open data
 * channel, a chat line there and back, and how long a dead media worker is felt. Beside it the
 * browser's connection with itself, as the measure of this machine. About a minute.
 */

import type { Browser, Page } from "playwright-core";
import { launchChromium, openBarePage } from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { printFigures, writeRaw } from "../fixtures/figures.ts";
import { makeRoom, signUp } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

const JOINS = 120;
const LIBRARY_JOINS = 40;
const WARM_UP = 5;
/** One user may join 20 times a minute. */
const JOINS_PER_USER = 15;
const CHAT_LINES = 100;
/** Below the 30 a second that one participant may send. */
const CHAT_PAUSE_MS = 40;
const KILLS = 10;

const CONFIG = "server:\n  rtc:\n    workers: 1\n";

interface JoinTimes {
  readonly offer: number;
  readonly answer: number;
  readonly post: number;
  readonly channel: number;
  readonly total: number;
}

const js = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join(", ");

/** As many users as so many joins need, used in turns. */
async function users(server: RunningServer, joins: number): Promise<(turn: number) => string> {
  const count = Math.ceil(joins / JOINS_PER_USER);
  const tokens: string[] = [];
  for (let number = 0; number < count; number++) {
    tokens.push((await signUp(server.url, `Joiner${crypto.randomUUID()}`)).token);
  }
  return (turn) => tokens[turn % count] ?? "";
}

async function measureJoins(server: RunningServer, page: Page) {
  const owner = await signUp(server.url, "Owner");
  const room = await makeRoom(server.url, { token: owner.token });
  const token = await users(server, JOINS + LIBRARY_JOINS + WARM_UP);
  const joins: JoinTimes[] = [];
  const control: number[] = [];
  for (let turn = 0; turn < JOINS + WARM_UP; turn++) {
    const times = await page.evaluate<JoinTimes>(`bench.join(${js(room, token(turn))})`);
    const alone = await page.evaluate<number>("bench.control()");
    if (turn < WARM_UP) continue;
    joins.push(times);
    control.push(alone);
  }
  const library: number[] = [];
  for (let turn = 0; turn < LIBRARY_JOINS; turn++) {
    const call = `bench.joinWithLibrary(${js(room, token(turn))})`;
    library.push(await page.evaluate<number>(call));
  }
  const pace = { count: CHAT_LINES, pauseMs: CHAT_PAUSE_MS };
  const chat = await page.evaluate<number[]>(`bench.roundTrips(${js(room, owner.token, pace)})`);
  return { joins, control, library, chat };
}

/** A fresh server for each: a worker that dies often is restarted later each time. */
async function measureKill(home: Home, browser: Browser): Promise<number> {
  await using server = await startServer(home, {
    config: CONFIG,
    dir: `${home.path}/${crypto.randomUUID()}`,
  });
  const { token } = await signUp(server.url, "Owner");
  const room = await makeRoom(server.url, { token });
  await using user = await openBarePage(browser, server.url);
  await user.page.evaluate(`inPage.join(${js(room, token)})`);
  const killedAt = Date.now();
  process.kill(server.workerPid(), "SIGKILL");
  return await until("the channel opens again", 10_000, async () => {
    const opened = await user.page.evaluate<number>("inPage.stay().opened.at(-1)");
    return opened > killedAt && opened - killedAt;
  });
}

async function main(): Promise<void> {
  using home = freshHome();
  await using browser = await launchChromium();
  const measured = await (async () => {
    await using server = await startServer(home, { config: CONFIG });
    await using user = await openBarePage(browser, server.url);
    await user.page.addScriptTag({ path: `${import.meta.dir}/../fixtures/bench-in-page.js` });
    return await measureJoins(server, user.page);
  })();
  const kills: number[] = [];
  for (let index = 0; index < KILLS; index++) kills.push(await measureKill(home, browser));
  const total = measured.joins.map((times) => times.total);
  const joined = printFigures("join to open channel", "ms", total);
  for (const part of ["offer", "answer", "post", "channel"] as const) {
    printFigures(
      `  ${PARTS[part]}`,
      "ms",
      measured.joins.map((times) => times[part]),
    );
  }
  const alone = printFigures("control: the browser with itself", "ms", measured.control);
  console.log(`ratio of the medians: ${(joined.p50 / alone.p50).toFixed(2)}`);
  printFigures("client library: join to connected", "ms", measured.library);
  printFigures("chat line there and back", "ms", measured.chat);
  printFigures("worker killed: channel open again", "ms", kills);
  writeRaw("rooms", { ...measured, kills });
}

const PARTS = {
  offer: "the server's offer",
  answer: "the browser's answer",
  post: "the server takes the answer",
  channel: "ICE, DTLS and SCTP after that",
} as const;

await main();
