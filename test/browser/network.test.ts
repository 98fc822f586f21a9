/** Networks as they are: packets get lost, and some let no UDP through. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import {
  chromiumPath,
  expectMediaFrom,
  LOOPBACK_FLAG,
  launchChromium,
  openBarePage,
  type UserPage,
} from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { type LossyNetwork, openLossyNetwork, whyNot } from "../fixtures/lossy-network.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(90_000);

/** Looked at this often, a picture has moved since. */
const LOOK_MS = 2_000;
const LOOKS = 5;
const MOVE_MS = 20_000;

const missing = { loss: whyNot("loss"), noUdp: whyNot("noUdp") };
const none = missing.loss !== undefined && missing.noUdp !== undefined;
const skipped = (why: string | undefined) => (why === undefined ? "" : ` (skipped: ${why})`);

let home: Home;
let network: LossyNetwork;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  if (none) return;
  home = freshHome();
  network = await openLossyNetwork();
  const executablePath = network.wrap(chromiumPath(), home.path);
  [server, browser] = await Promise.all([
    startServer({ ...home, server: network.wrap(home.server, home.path) }),
    launchChromium({ executablePath, flags: [LOOPBACK_FLAG] }),
  ]);
});

afterAll(async () => {
  if (none) return;
  await browser?.close();
  expect(await server?.stop()).toBe(0);
  await network?.[Symbol.asyncDispose]();
  home?.[Symbol.dispose]();
});

interface Member extends UserPage {
  readonly id: string;
}

async function enter(room: string, user: UserPage): Promise<Member> {
  const id = await user.page.evaluate<string>(`inPage.join(${JSON.stringify(room)})`);
  return { ...user, id };
}

/** Two people who see and hear each other, in a room of their own. */
async function meet(stack: AsyncDisposableStack): Promise<readonly [Member, Member, string]> {
  const [one, two] = [
    stack.use(await openBarePage(browser, server.url)),
    stack.use(await openBarePage(browser, server.url)),
  ];
  // The test itself is in another network: only a page reaches the server.
  const room = await one.page.evaluate<string>(`fetch("/api/rooms", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ room_type: "video", name: "Kitchen" }),
  }).then((answer) => answer.json()).then(({ room_id }) => room_id)`);
  const members = [await enter(room, one), await enter(room, two)] as const;
  await expectEveryone(members);
  return [...members, room];
}

async function expectEveryone(members: readonly Member[]): Promise<void> {
  const others = (id: string) => members.map((other) => other.id).filter((other) => other !== id);
  await Promise.all(members.map(({ page, id }) => expectMediaFrom(page, others(id))));
}

async function expectUndisturbed(members: readonly Member[]): Promise<void> {
  for (const { page, id, faults } of members) {
    const stay = await page.evaluate("inPage.stay()");
    expect(stay).toMatchObject({ state: "connected", id, left: [] });
    expect(faults).toEqual([]);
  }
}

/** Sums over the page's pictures, and how they come. */
const COUNTS = `(async () => {
  const report = await inPage.peers()[0].getStats();
  const entries = [...report.values()];
  const sum = (type, field) =>
    entries.filter((entry) => entry.type === type && entry.kind === "video")
      .reduce((total, entry) => total + (entry[field] ?? 0), 0);
  const { selectedCandidatePairId } = entries.find(({ type }) => type === "transport");
  const pair = report.get(selectedCandidatePairId);
  return {
    frames: sum("inbound-rtp", "framesDecoded"),
    asked: sum("inbound-rtp", "nackCount"),
    sentAgain: sum("outbound-rtp", "retransmittedPacketsSent"),
    protocol: report.get(pair?.remoteCandidateId)?.protocol,
  };
})()`;

interface Counts {
  readonly frames: number;
  /** Requests for packets that were lost on the way here. */
  readonly asked: number;
  /** Packets that were lost on the way to the server. */
  readonly sentAgain: number;
  readonly protocol?: "udp" | "tcp";
}

const counts = ({ page }: { readonly page: Page }) => page.evaluate<Counts>(COUNTS);

test.skipIf(missing.loss !== undefined)(
  `with one packet of twenty lost, pictures keep moving${skipped(missing.loss)}`,
  async () => {
    await using stack = new AsyncDisposableStack();
    const [one, two] = await meet(stack);
    const members = [one, two];
    using _loss = network.suffer("loss");
    const first = await Promise.all(members.map(counts));
    let before = first;
    for (let look = 0; look < LOOKS; look++) {
      await Bun.sleep(LOOK_MS);
      const now = await Promise.all(members.map(counts));
      for (const [index, { frames }] of now.entries()) {
        expect(frames).toBeGreaterThan(before[index]?.frames ?? 0);
      }
      before = now;
    }
    for (const [index, { asked, sentAgain }] of before.entries()) {
      // Else nothing was lost, and nothing was tested.
      expect(asked).toBeGreaterThan(first[index]?.asked ?? 0);
      expect(sentAgain).toBeGreaterThan(first[index]?.sentAgain ?? 0);
    }
    if (process.env.PARVIS_TEST_FIGURES) console.log({ first, last: before });
    await expectEveryone(members);
    await expectUndisturbed(members);
  },
);

test.skipIf(missing.noUdp !== undefined)(
  `where UDP ends, media goes on over TCP, also for newcomers${skipped(missing.noUdp)}`,
  async () => {
    await using stack = new AsyncDisposableStack();
    const [one, two, room] = await meet(stack);
    expect((await counts(one)).protocol).toBe("udp");
    using _block = network.suffer("noUdp");
    const startedAt = performance.now();
    await until("both are on TCP", MOVE_MS, async () => {
      const found = await Promise.all([one, two].map(counts));
      return found.every(({ protocol }) => protocol === "tcp");
    });
    const movedMs = Math.round(performance.now() - startedAt);
    if (process.env.PARVIS_TEST_FIGURES) console.log(`on TCP after ${movedMs} ms`);
    const three = await enter(room, stack.use(await openBarePage(browser, server.url)));
    await expectEveryone([one, two, three]);
    await expectUndisturbed([one, two, three]);
  },
);
