/**
 * A network that loses one packet in twenty: a relay between the browsers and the server, and,
 * where the kernel can, the kernel's own tools in a network of its own.
 */

import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expectMediaFrom, launchChromium, openBarePage } from "../fixtures/chromium.ts";
import { freshHome, startServer } from "../fixtures/executable.ts";
import { LossyRelay } from "../fixtures/lossy-relay.ts";
import { call, makeRoom } from "../fixtures/people.ts";

setDefaultTimeout(180_000);

const LOSS = 0.05;
/** Each look waits for pictures that were not there at its beginning. */
const LOOKS = 5;

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
  expect(relay.dropped).toBeGreaterThan(100);
  const { body } = await call(server.url, ["GET", `/api/rooms/${room}/stats`]);
  const losses = body.items.map((item: { receive_loss: number | null }) => item.receive_loss ?? 0);
  // The server tells of it; retransmissions hide it from the people.
  expect(Math.max(...losses)).toBeGreaterThan(0.01);
  if (process.env.PARVIS_TEST_FIGURES) console.log({ dropped: relay.dropped, losses });
});

const NETEM = "tc qdisc add dev lo root netem loss 5%";

/** Why there can be no such network here; undefined: there can. */
function obstacle(): string | undefined {
  const tools = ["/usr/bin/unshare", "/usr/sbin/ip", "/usr/sbin/tc"];
  const missing = tools.find((path) => !existsSync(path) && !existsSync(path.replace("/usr", "")));
  if (missing !== undefined) return `${missing} is missing (Debian's iproute2 and util-linux)`;
  const tried = Bun.spawnSync(["unshare", "-n", "sh", "-c", `ip link set lo up && ${NETEM}`]);
  if (tried.exitCode === 0) return undefined;
  return tried.stderr.toString().trim().split("\n")[0] ?? "no reason was given";
}

const reason = obstacle();
if (reason !== undefined) console.log(`skipped: the kernel makes no lossy network: ${reason}`);

test.skipIf(reason !== undefined)("the same on a loopback that loses 5 %", async () => {
  const script = join(import.meta.dir, "../fixtures/lossy-meeting.ts");
  const command = `ip link set lo up && ${NETEM} && exec "$0" "$1"`;
  const child = Bun.spawn(["unshare", "-n", "sh", "-c", command, process.execPath, script], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const said = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  const { lost } = JSON.parse(said.trim().split("\n").at(-1) ?? "{}");
  // There must have been losses, else the network was not what it should be.
  expect(lost).toBeGreaterThan(0);
});
