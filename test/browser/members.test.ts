/** A room whose owner lets each in: asking, waiting, silencing and removing, through the page. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPage } from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { PASSWORD } from "../fixtures/people.ts";

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

async function signUpOnPage(page: Page, name: string): Promise<void> {
  await page.goto(server.url);
  await page.locator("#tab-sign-up").click();
  await page.getByTestId("name").fill(name);
  await page.getByTestId("email").fill(`${name.toLowerCase()}@example.com`);
  await page.getByTestId("password").fill(PASSWORD);
  await page.getByTestId("sign-up").click();
  await page.getByTestId("create-room").waitFor();
}

async function join(page: Page): Promise<void> {
  await page.getByTestId("join").click();
  await page.getByTestId("status").getByText("Connected").waitFor();
}

test("one asks, is let in, is silenced for good, and is removed", async () => {
  await using ada = await openPage(browser);
  await using bob = await openPage(browser);
  await signUpOnPage(ada.page, "Ada");
  await ada.page.getByTestId("room-approval").check();
  await ada.page.getByTestId("room-name").fill("Council");
  await ada.page.getByTestId("create-room").click();
  await join(ada.page);

  await signUpOnPage(bob.page, "Bob");
  await bob.page.goto(ada.page.url());
  await bob.page.getByTestId("ask").click();
  await bob.page.getByText("You asked to join.").waitFor();
  expect(await bob.page.getByTestId("join").isVisible()).toBe(false);
  await ada.page.getByTestId("requests").getByRole("button", { name: "Let Bob in" }).click();
  await join(bob.page);
  await ada.page.getByTestId("requests").waitFor({ state: "hidden" });

  const people = ada.page.getByTestId("people");
  expect(await people.getByText("Owner", { exact: true }).count()).toBe(1);
  const mic = bob.page.getByTestId("mic");
  const micIs = (pressed: boolean) =>
    bob.page.locator(`[data-testid=mic][aria-pressed=${pressed}]`).waitFor();
  await micIs(true);
  await people.getByRole("button", { name: "Mute Bob", exact: true }).click();
  await micIs(false);
  await mic.click();
  await bob.page.getByText("A moderator muted you in this room.").waitFor();
  await micIs(false);
  await people.getByRole("button", { name: "Unmute Bob" }).click();
  await people.getByRole("button", { name: "Unmute Bob" }).waitFor();
  await mic.click();
  await people.getByRole("button", { name: "Mute Bob", exact: true }).waitFor();
  await micIs(true);
  expect(await bob.page.getByTestId("people").getByRole("button").count()).toBe(0);

  await people.getByRole("button", { name: "Remove Bob" }).click();
  await bob.page.getByText("You were removed from the room.").waitFor();
});
