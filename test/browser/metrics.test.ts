/** What a scrape says while two browsers talk through a real worker. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { expectMediaFrom, launchChromium, openBarePage } from "../fixtures/chromium.ts";
import { freshHome, startServer } from "../fixtures/executable.ts";
import { readExposition, sampleOf } from "../fixtures/exposition.ts";
import { makeRoom } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(90_000);

const TOKEN = "a scrape token of some length";

test("sources, connections and bytes are those of the call, and end with it", async () => {
  using home = freshHome();
  const env = { PATH: "/usr/bin:/bin", METRICS_TOKEN: TOKEN };
  await using server = await startServer(home, { env });
  await using browser = await launchChromium();
  const scrape = async () => {
    const headers = { authorization: TOKEN };
    return readExposition(await (await fetch(`${server.url}/metrics`, { headers })).text());
  };
  const bytes = async (direction: string) =>
    sampleOf(await scrape(), "parvis_media_bytes_total", { direction });
  const room = JSON.stringify(await makeRoom(server.url));
  const pages = [await openBarePage(browser, server.url), await openBarePage(browser, server.url)];
  const ids: string[] = [];
  for (const { page } of pages) ids.push(await page.evaluate<string>(`inPage.join(${room})`));
  await expectMediaFrom(pages[0]!.page, [ids[1]!]);
  await expectMediaFrom(pages[1]!.page, [ids[0]!]);
  const during = await scrape();
  expect(sampleOf(during, "parvis_rooms")).toBe(1);
  expect(sampleOf(during, "parvis_room_participants")).toBe(2);
  expect(sampleOf(during, "parvis_media_transports")).toBe(2);
  const stats = await fetch(`${server.url}/api/rooms/${JSON.parse(room)}/stats`);
  const { items } = (await stats.json()) as { items: { producers: object[]; consumers: number }[] };
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
  const producers = sum(items.map((item) => item.producers.length));
  expect(producers).toBeGreaterThanOrEqual(4);
  expect(sampleOf(during, "parvis_media_producers")).toBe(producers);
  const consumers = sum(items.map((item) => item.consumers));
  expect(consumers).toBeGreaterThanOrEqual(4);
  expect(sampleOf(during, "parvis_media_consumers")).toBe(consumers);
  expect(sampleOf(during, "parvis_messages_delivered_total", { wire: "room" })).toBeGreaterThan(0);
  const first = { received: await bytes("received"), sent: await bytes("sent") };
  expect(first.received).toBeGreaterThan(10_000);
  expect(first.sent).toBeGreaterThan(10_000);
  await until("more bytes came and went", 20_000, async () => {
    return (await bytes("received")) > first.received && (await bytes("sent")) > first.sent;
  });
  const before = await bytes("received");
  for (const { page } of pages) await page.close();
  const after = await until("the room is empty", 30_000, async () => {
    const now = await scrape();
    return sampleOf(now, "parvis_rooms") === 0 && now;
  });
  expect(sampleOf(after, "parvis_media_transports")).toBe(0);
  expect(sampleOf(after, "parvis_connections", { wire: "room" })).toBe(0);
  const direction = "received";
  expect(sampleOf(after, "parvis_media_bytes_total", { direction })).toBeGreaterThanOrEqual(before);
});
