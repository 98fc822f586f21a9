/** A room whose owner lets each in: asking, waiting, silencing and removing, through the page. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { launchChromium, openPage } from "../fixtures/chromium.ts";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { joinOnPage, signUpOnPage } from "../fixtures/room-page.ts";

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

test("one asks, is let in, is silenced for good, and is removed", async () => {
  await using ada = await openPage(browser);
  await using bob = await openPage(browser);
  await signUpOnPage(ada.page, server.url, "Ada");
  await ada.page.getByTestId("room-approval").check();
  await ada.page.getByTestId("room-name").fill("Council");
  await ada.page.getByTestId("create-room").click();
  await joinOnPage(ada.page);

  await signUpOnPage(bob.page, server.url, "Bob");
  await bob.page.goto(ada.page.url());
  await bob.page.getByTestId("ask").click();
  await bob.page.getByText("You asked to join.").waitFor();
  expect(await bob.page.getByTestId("join").isVisible()).toBe(false);
  await ada.page.getByTestId("requests").getByRole("button", { name: "Let Bob in" }).click();
  await joinOnPage(bob.page);
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
