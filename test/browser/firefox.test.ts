/** Firefox and Chromium in one room: pictures, voices and chat, both ways, in both modes. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Browser } from "playwright-core";
import {
  type Evaluating,
  expectMediaFrom,
  launchChromium,
  openBarePage,
} from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { type Firefox, firefoxPath, launchFirefox } from "../fixtures/firefox.ts";
import { makeRoom } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(90_000);

const missing = existsSync(firefoxPath()) ? "" : ` (skipped: no Firefox at ${firefoxPath()})`;
const met = test.skipIf(missing !== "");

let home: Home;
let server: RunningServer;
let chromium: Browser;
let firefox: Firefox;

beforeAll(async () => {
  if (missing !== "") return;
  home = freshHome();
  [server, chromium, firefox] = await Promise.all([
    startServer(home),
    launchChromium(),
    launchFirefox(),
  ]);
});

afterAll(async () => {
  if (missing !== "") return;
  await Promise.all([chromium?.close(), firefox?.[Symbol.asyncDispose]()]);
  expect(await server?.stop()).toBe(0);
  home?.[Symbol.dispose]();
});

const js = (...values: unknown[]) =>
  values.map((value) => JSON.stringify(value) ?? "undefined").join(", ");

async function expectChat(from: Evaluating, to: Evaluating, text: string): Promise<void> {
  await from.evaluate(`inPage.say(${js(text)})`);
  await until("the message arrives", 10_000, async () =>
    (await to.evaluate<{ messages: string[] }>("inPage.stay()")).messages.includes(text),
  );
}

met.each<[string]>([["slots"], ["tracks"]])(`both meet in %s mode${missing}`, async (mode) => {
  const room = await makeRoom(server.url);
  const enter = `inPage.join(${js(room, undefined, { mode })})`;
  await using user = await openBarePage(chromium, server.url);
  const fox = await firefox.openBarePage(server.url);
  const foxId = await fox.evaluate<string>(enter);
  const { page } = user;
  const id = await page.evaluate<string>(enter);
  await Promise.all([expectMediaFrom(page, [foxId]), expectMediaFrom(fox, [id])]);
  await expectChat(fox, page, "from Firefox");
  await expectChat(page, fox, "from Chromium");

  await fox.evaluate("inPage.api().leaveRoom()");
  await until("Chromium is told", 10_000, async () =>
    (await page.evaluate<{ left: { id: string }[] }>("inPage.stay()")).left.some(
      (gone) => gone.id === foxId,
    ),
  );
  expect([...user.faults, ...fox.faults]).toEqual([]);
  await fox.close();
});

met(`its only slot shows one after another${missing}`, async () => {
  const room = await makeRoom(server.url);
  await using one = await openBarePage(chromium, server.url);
  await using two = await openBarePage(chromium, server.url);
  const fox = await firefox.openBarePage(server.url);
  const enter = (request: object) => `inPage.join(${js(room, undefined, request)})`;
  const ids = [
    await one.page.evaluate<string>(enter({})),
    await two.page.evaluate<string>(enter({})),
  ];
  await fox.evaluate(enter({ receive: { audio: 2, video: 1 }, publish: [] }));
  for (const id of [...ids, ...ids]) {
    await fox.evaluate(`inPage.api().prefer({ pinned: [${js(id)}] })`);
    await expectMediaFrom(fox, [id]);
  }
  const sections = await fox.evaluate<number>("inPage.peers()[0].getTransceivers().length");
  // Two for voices, one for pictures: no switch added any.
  expect(sections).toBe(3);
  expect(fox.faults).toEqual([]);
  await fox.close();
});

met(`the server's own page loads in it, and a guest enters a room there${missing}`, async () => {
  const page = await firefox.openPage();
  await page.goto(`${server.url}/#/room/${await makeRoom(server.url)}`);
  const shows = async (expression: string) => {
    let text = "";
    await until(
      () => `${expression}; the page says: ${text}`,
      15_000,
      async () => {
        text = await page.evaluate<string>("document.body.innerText");
        return page.evaluate<boolean>(expression);
      },
    );
  };
  const element = (name: string) => `document.querySelector('[data-testid=${name}]')`;
  // There it is from the beginning; it works once it shows.
  await shows(`${element("join")}.checkVisibility()`);
  await page.evaluate(`${element("join")}.click()`);
  await shows(`${element("status")}.textContent.includes("Connected")`);
  expect(page.faults).toEqual([]);
  await page.close();
});
