/** The client library in bare pages: four people at once, and the ways in which connections die. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import {
  expectMediaFrom,
  launchChromium,
  openBarePage,
  type UserPage,
} from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { makeRoom, signUp } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(60_000);

/** A tab that vanished is noticed by its silence, 8 to 10 s, and given a grace. */
const VANISHED_MS = 15_000;
/** Generous for two busy cores; the bench measures what is usual. */
const RECOVERY_MS = 5_000;

/** One worker, so that its death is everybody's. */
const CONFIG = "server:\n  rtc:\n    workers: 1\n";

let home: Home;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  home = freshHome();
  [server, browser] = await Promise.all([startServer(home, { config: CONFIG }), launchChromium()]);
});

afterAll(async () => {
  await browser?.close();
  expect(await server?.stop()).toBe(0);
  home?.[Symbol.dispose]();
});

interface Member extends UserPage {
  readonly id: string;
}

interface Stay {
  readonly state: string;
  readonly id: string;
  readonly left: readonly { readonly id: string; readonly reason: string }[];
  readonly messages: readonly string[];
  /** Unix milliseconds at which each channel opened. */
  readonly opened: readonly number[];
}

async function enter(room: string, token?: string): Promise<Member> {
  const user = await openBarePage(browser, server.url);
  const args = [room, token].map((value) => JSON.stringify(value)).join(", ");
  return { ...user, id: await user.page.evaluate<string>(`inPage.join(${args})`) };
}

function stay({ page }: Member): Promise<Stay> {
  return page.evaluate<Stay>("inPage.stay()");
}

/** Everybody decodes the picture and the voice of everybody else. */
async function expectEveryone(members: readonly Member[]): Promise<void> {
  await Promise.all(
    members.map(({ page, id }) =>
      expectMediaFrom(
        page,
        members.map((other) => other.id).filter((other) => other !== id),
      ),
    ),
  );
}

test("four people see and hear each other, also after the media worker was killed", async () => {
  const owner = await signUp(server.url, "Owner");
  const room = await makeRoom(server.url, { token: owner.token });
  await using stack = new AsyncDisposableStack();
  const members: Member[] = [];
  for (const token of [owner.token, undefined, undefined, undefined]) {
    members.push(stack.use(await enter(room, token)));
  }
  await expectEveryone(members);

  const worker = server.workerPid();
  const killedAt = Date.now();
  process.kill(worker, "SIGKILL");
  const openAgain = await until("every channel opens again", RECOVERY_MS, async () => {
    const stays = await Promise.all(members.map(stay));
    const newest = stays.map(({ opened }) => opened.at(-1) ?? 0);
    return newest.every((at) => at > killedAt) && Math.max(...newest) - killedAt;
  });
  await expectEveryone(members);
  if (process.env.PARVIS_TEST_FIGURES) {
    const media = Date.now() - killedAt;
    console.log(`worker killed: 4 channels open after ${openAgain} ms, media after ${media} ms`);
  }
  expect(server.workerPid()).not.toBe(worker);

  await members[0]?.page.evaluate("inPage.say('everybody here?')");
  for (const member of members) {
    const now = await until("the message arrives", 5_000, async () => {
      const seen = await stay(member);
      return seen.messages.includes("everybody here?") && seen;
    });
    // Nobody had to join again: the same participants got new connections.
    expect(now).toMatchObject({ state: "connected", id: member.id, left: [] });
  }
  expect(members.flatMap(({ faults }) => faults)).toEqual([]);
});

test("who vanishes with a crashed tab has left for the others within 15 s", async () => {
  const room = await makeRoom(server.url);
  await using watcher = await enter(room);
  await using victim = await enter(room);
  await expectEveryone([watcher, victim]);
  const devtools = await victim.context.newCDPSession(victim.page);
  // It never answers: there is nobody left to.
  devtools.send("Page.crash").catch(() => undefined);
  const { left } = await until("the others are told", VANISHED_MS, async () => {
    const seen = await stay(watcher);
    return seen.left.length > 0 && seen;
  });
  expect(left).toEqual([{ id: victim.id, reason: "connection_lost" }]);
});

test("who closes the tab has left at once", async () => {
  const room = await makeRoom(server.url);
  await using watcher = await enter(room);
  await using goer = await enter(room);
  await goer.page.close();
  const { left } = await until("the others are told", 5_000, async () => {
    const seen = await stay(watcher);
    return seen.left.length > 0 && seen;
  });
  expect(left).toEqual([{ id: goer.id, reason: "left" }]);
});
