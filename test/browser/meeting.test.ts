/**
 * Four people in one room, in both modes: pictures, voices, a shared screen, silence, a removal; in
 * tracks mode also tabs that close and people who come later.
 */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import {
  expectMediaFrom,
  launchChromium,
  openBarePage,
  SHARE_FLAG,
  type UserPage,
} from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { makeRoom, type Person, signUp } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(90_000);

const CONFIG = "server:\n  rtc:\n    workers: 1\n";
const PEOPLE = 4;
const ARRIVAL_MS = 20_000;
/** Voices beep once a second: what stays still for this long is silent. */
const SILENCE_MS = 1_500;

let home: Home;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  home = freshHome();
  [server, browser] = await Promise.all([
    startServer(home, { config: CONFIG }),
    launchChromium({ flags: [SHARE_FLAG] }),
  ]);
});

afterAll(async () => {
  await browser?.close();
  expect(await server?.stop()).toBe(0);
  home?.[Symbol.dispose]();
});

type Mode = "slots" | "tracks";

interface Member extends UserPage {
  readonly id: string;
}

interface Received {
  readonly from?: string;
  readonly source?: "audio" | "video" | "screen";
  readonly frames: number;
  readonly energy: number;
}

const js = (...values: unknown[]) =>
  values.map((value) => JSON.stringify(value) ?? "undefined").join(", ");

async function enter(room: string, mode: Mode, token?: string): Promise<Member> {
  const user = await openBarePage(browser, server.url);
  const id = await user.page.evaluate<string>(`inPage.join(${js(room, token, { mode })})`);
  return { ...user, id };
}

function othersOf({ id }: Member, members: readonly Member[]): string[] {
  return members.map((other) => other.id).filter((other) => other !== id);
}

/** Everybody decodes the picture and the voice of everybody else. */
async function expectEveryone(members: readonly Member[]): Promise<void> {
  await Promise.all(
    members.map((member) => expectMediaFrom(member.page, othersOf(member, members))),
  );
}

/** What a page decoded so far of one source of one participant. */
async function decoded({ page }: Member, from: string, source: string): Promise<number> {
  const all = await page.evaluate<readonly Received[]>("inPage.receivedFrom()");
  const found = all.filter((each) => each.from === from && each.source === source);
  return found.reduce((sum, { frames, energy }) => sum + frames + energy, 0);
}

/** More of it is decoded than was. */
async function expectGrowth(member: Member, from: string, source: string): Promise<void> {
  const before = await decoded(member, from, source);
  await until(
    `${source} of ${from}`,
    ARRIVAL_MS,
    async () => (await decoded(member, from, source)) > before,
  );
}

async function expectScreen(sharer: Member, others: readonly Member[]): Promise<void> {
  const shared = await sharer.page.evaluate<string>("inPage.api().shareScreen()");
  expect(shared).toBe("on");
  await Promise.all(others.map((other) => expectGrowth(other, sharer.id, "screen")));
  await sharer.page.evaluate("inPage.api().stopScreen()");
}

/** The owner silences somebody: nothing of the voice arrives, the picture goes on; then again. */
async function expectSilence(owner: Member, target: Member): Promise<void> {
  const mute = (muted: boolean) =>
    owner.page.evaluate(`inPage.api().muteParticipant(${js(target.id, "audio", muted)})`);
  await mute(true);
  await until("the voice falls silent", ARRIVAL_MS, async () => {
    const before = await decoded(owner, target.id, "audio");
    await Bun.sleep(SILENCE_MS);
    return (await decoded(owner, target.id, "audio")) === before;
  });
  await expectGrowth(owner, target.id, "video");
  await mute(false);
  await target.page.evaluate("inPage.api().setMicrophone(true)");
  await expectGrowth(owner, target.id, "audio");
}

/** The owner removes somebody: that one is told, the others lose nobody else. */
async function expectRemoval(members: readonly Member[]): Promise<readonly Member[]> {
  const [owner, ...guests] = members as [Member, ...Member[]];
  const target = guests.at(-1) as Member;
  await target.page.evaluate(
    "inPage.api().onStateChange = (state, reason) => { window.ended = { state, reason }; }",
  );
  await owner.page.evaluate(`inPage.api().kickParticipant(${js(target.id)})`);
  await target.page.waitForFunction("window.ended");
  expect(await target.page.evaluate<unknown>("window.ended")).toEqual({
    state: "closed",
    reason: "kicked",
  });
  const rest = members.filter((member) => member !== target);
  for (const { page } of rest) {
    const { left } = await until("the others are told", ARRIVAL_MS, async () => {
      const stay = await page.evaluate<{ left: readonly unknown[] }>("inPage.stay()");
      return stay.left.length > 0 && stay;
    });
    expect(left).toEqual([{ id: target.id, reason: "kicked" }]);
  }
  await expectEveryone(rest);
  return rest;
}

/** A tab closes, and people come into the running meeting until it is as large as it was. */
async function expectReturn(
  room: string,
  members: readonly Member[],
  stack: AsyncDisposableStack,
): Promise<readonly Member[]> {
  const present = [...members];
  await present.pop()?.page.close();
  while (present.length < PEOPLE) present.push(stack.use(await enter(room, "tracks")));
  await expectEveryone(present);
  // Of each other's screens, which nobody shares now, there is no track.
  const receiving = await present[0]?.page.evaluate<number>(
    `inPage.peers()[0].getTransceivers()
      .filter((each) => each.currentDirection === "recvonly").length`,
  );
  expect(receiving).toBe(2 * (PEOPLE - 1));
  return present;
}

let owner: Person | undefined;

test.each<[Mode]>([["slots"], ["tracks"]])("four people meet in %s mode", async (mode) => {
  owner ??= await signUp(server.url, "Owner");
  const { token } = owner;
  const room = await makeRoom(server.url, { token });
  await using stack = new AsyncDisposableStack();
  // All at once, as when a meeting begins.
  const members = await Promise.all(
    Array.from({ length: PEOPLE }, async (_, count) =>
      stack.use(await enter(room, mode, count === 0 ? token : undefined)),
    ),
  );
  await expectEveryone(members);
  const [host, second, ...rest] = members as [Member, Member, ...Member[]];
  await expectScreen(second, [host, ...rest]);
  await expectSilence(host, second);
  for (const { page, id } of members) {
    // One's own voice counts for the others; each hears of somebody who is there.
    const speakers = await page.evaluate<string[]>("inPage.speakers");
    expect(members.map((member) => member.id)).toEqual(expect.arrayContaining(speakers));
    expect(`${id} heard of ${speakers.length > 0}`).toBe(`${id} heard of true`);
  }
  const remaining = await expectRemoval(members);
  const present = mode === "tracks" ? await expectReturn(room, remaining, stack) : [];
  expect([...members, ...present].flatMap(({ faults }) => faults)).toEqual([]);
});
