/** A relay between the browsers and the server that loses one packet in twenty, on any machine. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { expectMediaFrom, launchChromium, openBarePage } from "../fixtures/chromium.ts";
import { freshHome, startServer } from "../fixtures/executable.ts";
import { LossyRelay } from "../fixtures/lossy-relay.ts";
import { call, makeRoom } from "../fixtures/people.ts";

setDefaultTimeout(180_000);

const LOSS = 0.05;
/** Each look waits for pictures that were not there at its beginning. */
const LOOKS = 10;

test("pictures and sound go on where a relay loses 5 % of the packets each way", async () => {
  using home = freshHome();
  await using server = await startServer(home, { config: "server:\n  rtc:\n    workers: 1\n" });
  using relay = await LossyRelay.open(server.rtcPort, LOSS);
  await using browser = await launchChromium();
  const room = await makeRoom(server.url);
  const enter = async () => {
    const user = await openBarePage(browser, server.url);
    await user.page.evaluate(`window.mediaPort = ${relay.port}`);
    const id = await user.page.evaluate<string>(`inPage.join(${JSON.stringify(room)})`);
    return { ...user, id };
  };
  await using one = await enter();
  await using two = await enter();
  for (let look = 0; look < LOOKS; look++) {
    await Promise.all([expectMediaFrom(one.page, [two.id]), expectMediaFrom(two.page, [one.id])]);
  }
  expect(relay.dropped).toBeGreaterThan(50);
  const { body } = await call(server.url, ["GET", `/api/rooms/${room}/stats`]);
  const losses = body.items.map((item: { receive_loss: number | null }) => item.receive_loss ?? 0);
  // The server tells of it; retransmissions hide it from the people.
  expect(Math.max(...losses)).toBeGreaterThan(0.01);
  if (process.env.PARVIS_TEST_FIGURES) console.log({ dropped: relay.dropped, losses });
});
