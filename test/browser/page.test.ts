/** The main job through the built-in page: two people meet, see, hear and write to each other. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { expectMedia, launchChromium, openPage, type UserPage } from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { call, makeRoom, PASSWORD, signUp } from "../fixtures/people.ts";
import { joinOnPage, signUpOnPage } from "../fixtures/room-page.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(60_000);

let home: Home;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  home = freshHome();
  [server, browser] = await Promise.all([startServer(home), launchChromium()]);
});

afterAll(async () => {
  await browser?.close();
  expect(await server?.stop()).toBe(0);
  home?.[Symbol.dispose]();
});

/** Makes a room and is in it; its link. */
async function makeRoomOnPage(page: Page, name: string): Promise<string> {
  await page.getByTestId("room-name").fill(name);
  await page.getByTestId("create-room").click();
  await joinOnPage(page);
  return page.url();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId("chat-input").fill(text);
  await page.getByTestId("chat-send").click();
}

async function reads(page: Page, text: string): Promise<void> {
  await page.getByTestId("chat-log").getByText(text, { exact: true }).waitFor();
}

function tile(page: Page, name: string) {
  return page.getByTestId("tile").filter({ hasText: name });
}

/** The others' pictures are drawn, and not in one colour. */
async function showsPictures(page: Page, count: number): Promise<void> {
  let colours: readonly number[] = [];
  await until(
    () => `${count} pictures, but there are colours ${colours}`,
    10_000,
    async () => {
      colours = await page.evaluate<number[]>("inPage.pictures()");
      return colours.length === count && colours.every((each) => each > 3);
    },
  );
}

async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.PARVIS_SCREENSHOTS;
  if (!folder) return;
  await page.screenshot({ path: `${folder}/${name}.png` });
  console.log(`${folder}/${name}.png`);
}

function expectNoFaults(...users: readonly UserPage[]): void {
  expect(users.flatMap(({ faults }) => faults)).toEqual([]);
}

test("two people sign up, meet in a room, see, hear and write to each other", async () => {
  await using ada = await openPage(browser);
  await using bob = await openPage(browser);
  await signUpOnPage(ada.page, server.url, "Ada");
  const link = await makeRoomOnPage(ada.page, "Kitchen");
  await signUpOnPage(bob.page, server.url, "Bob");
  await bob.page.goto(link);
  await joinOnPage(bob.page);

  await Promise.all([
    expectMedia(ada.page, { pictures: 1, voices: 1 }),
    expectMedia(bob.page, { pictures: 1, voices: 1 }),
  ]);
  await Promise.all([showsPictures(ada.page, 1), showsPictures(bob.page, 1)]);
  await tile(ada.page, "Bob").waitFor();
  await tile(bob.page, "Ada").waitFor();

  await say(ada.page, "Hello Bob");
  await say(bob.page, "Hello Ada");
  for (const { page } of [ada, bob]) {
    await reads(page, "Hello Bob");
    await reads(page, "Hello Ada");
  }
  await screenshot(ada.page, "two-people-ada");
  await screenshot(bob.page, "two-people-bob");

  await bob.page.reload();
  await reads(ada.page, "Bob left");
  await joinOnPage(bob.page);
  await Promise.all([
    expectMedia(ada.page, { pictures: 1, voices: 1 }),
    expectMedia(bob.page, { pictures: 1, voices: 1 }),
  ]);
  await reads(bob.page, "Hello Ada");

  await bob.page.getByTestId("leave").click();
  await bob.page.getByTestId("create-room").waitFor();
  await until("Bob's tile goes", 10_000, async () => (await tile(ada.page, "Bob").count()) === 0);
  expect(await ada.page.getByTestId("people").getByRole("listitem").count()).toBe(1);
  expectNoFaults(ada, bob);
});

test("who is removed by the owner is told so, and is gone for the others", async () => {
  await using ada = await openPage(browser);
  await using eve = await openPage(browser);
  await signUpOnPage(ada.page, server.url, "Ann");
  const link = await makeRoomOnPage(ada.page, "Hall");
  await signUpOnPage(eve.page, server.url, "Eve");
  await eve.page.goto(link);
  await joinOnPage(eve.page);
  const target = await tile(ada.page, "Eve").getAttribute("data-participant");
  const token = await ada.page.evaluate<string>("localStorage.getItem('parvis.token')");
  const room = link.split("/").at(-1);
  const path = `/api/rooms/${room}/participants/${target}`;
  expect((await call(server.url, ["DELETE", path], { token })).status).toBe(200);
  await eve.page.getByText("You were removed from the room.").waitFor();
  expect(await eve.page.getByTestId("chat-input").isVisible()).toBe(false);
  await reads(ada.page, "Eve left");
  expectNoFaults(ada, eve);
});

test("a guest makes a room, and another guest without devices listens in it", async () => {
  await using host = await openPage(browser);
  await using guest = await openPage(browser, { devices: "denied" });
  await host.page.goto(server.url);
  await host.page.getByTestId("guest").click();
  const link = await makeRoomOnPage(host.page, "Porch");
  await guest.page.goto(link);
  await joinOnPage(guest.page);
  await guest.page.getByText("you are here as a listener").waitFor();
  await expectMedia(guest.page, { pictures: 1, voices: 1 });
  await showsPictures(guest.page, 1);
  await say(guest.page, "I can hear you");
  await reads(host.page, "I can hear you");
  expectNoFaults(host, guest);
});

test("a room that its owner closes sends everyone home", async () => {
  await using guest = await openPage(browser);
  const owner = await signUp(server.url, "Olga");
  const room = await makeRoom(server.url, { token: owner.token });
  await guest.page.goto(`${server.url}/#/room/${room}`);
  await joinOnPage(guest.page);
  const path = `/api/rooms/${room}`;
  expect((await call(server.url, ["DELETE", path], { token: owner.token })).status).toBe(200);
  await guest.page.getByText("The room was closed.").waitFor();
  expectNoFaults(guest);
});

test("a wrong password and a taken address are said on the form", async () => {
  await using visitor = await openPage(browser);
  const { page } = visitor;
  const known = await signUp(server.url, "Nora");
  await page.goto(server.url);
  await page.getByTestId("email").fill(known.email);
  await page.getByTestId("password").fill("not the one");
  await page.getByTestId("sign-in").click();
  await page.locator("#account-error", { hasText: /\S/ }).waitFor();
  await page.locator("#tab-sign-up").click();
  await page.getByTestId("email").fill(known.email);
  await page.getByTestId("password").fill(PASSWORD);
  await page.getByTestId("sign-up").click();
  await page.locator("[data-fault=email]", { hasText: /\S/ }).waitFor();
  expectNoFaults(visitor);
});

test("the page of the API document works with nothing from elsewhere", async () => {
  await using reader = await openPage(browser);
  const requests: string[] = [];
  reader.page.on("request", (request) => requests.push(request.url()));
  await reader.page.goto(`${server.url}/api/docs`);
  await reader.page.getByText("/api/rooms/{room_id}/join").first().waitFor();
  const foreign = requests.filter((url) => !url.startsWith(server.url) && !/^data:/.test(url));
  expect(foreign).toEqual([]);
  expectNoFaults(reader);
});

test("the first superuser is made with the link that serve prints", async () => {
  await using operator = await openPage(browser);
  const { page } = operator;
  await page.goto(server.banner.setup ?? "about:blank");
  await page.getByTestId("email").fill("root@example.com");
  await page.getByTestId("password").fill(PASSWORD);
  await page.getByTestId("password-confirm").fill(PASSWORD);
  await page.getByTestId("install").click();
  await page.getByTestId("done").waitFor();
  const path = "/api/collections/_superusers/auth-with-password";
  const body = { identity: "root@example.com", password: PASSWORD };
  expect((await call(server.url, ["POST", path], { body })).status).toBe(200);
  expectNoFaults(operator);
});
