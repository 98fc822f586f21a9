/**
 * Rooms that come and go: `bun test/bench/room-memory.ts [FILE]`. Thousands of rooms are made over
 * REST, each with somebody who joins it and one event stream, and closed by their owners; the
 * memory of the server and of its media worker is looked at after each thousand. About five
 * minutes, most of them quiet: the engine collects what a burst left some 20 to 30 seconds later.
 */

import {
  freshHome,
  type RunningServer,
  residentMegabytes,
  startServer,
} from "../fixtures/executable.ts";
import { writeRaw } from "../fixtures/figures.ts";
import { call, makeRoom, signUp } from "../fixtures/people.ts";

const ROOMS = 1_000;
const ROUNDS = 5;
/** One user may join 20 times a minute, and makes 30 rooms. */
const ROOMS_PER_USER = 20;
const AT_ONCE = 4;
/** What was closed is collected by then; before, 25 to 60 MB of it are still to be. */
const SETTLE_MS = 40_000;

const CONFIG = "server:\n  rtc:\n    workers: 1\n  limits:\n    sign_in_per_minute: 10000\n";

async function meet({ url }: RunningServer, token: string): Promise<void> {
  const room = await makeRoom(url, { token });
  const joined = await call(url, ["POST", `/api/rooms/${room}/join`], { token, body: {} });
  if (joined.status !== 200) throw new Error(`join: ${JSON.stringify(joined.body)}`);
  const own = joined.body.participant_token;
  const path = `/api/rooms/${room}/participants/${joined.body.participant_id}/events`;
  const stream = await fetch(`${url}${path}?token=${own}`);
  const closed = await call(url, ["DELETE", `/api/rooms/${room}`], { token });
  if (closed.status !== 200) throw new Error(`close: ${JSON.stringify(closed.body)}`);
  const said = await stream.text();
  if (!said.includes("room_closed")) throw new Error(`the stream ended with: ${said}`);
}

async function round(server: RunningServer): Promise<void> {
  let user = 0;
  const work = async () => {
    while (user < ROOMS / ROOMS_PER_USER) {
      user++;
      const { token } = await signUp(server.url, `U${crypto.randomUUID()}`);
      for (let count = 0; count < ROOMS_PER_USER; count++) await meet(server, token);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function main(): Promise<void> {
  using home = freshHome();
  await using server = await startServer(home, { config: CONFIG });
  const measured: { rooms: number; server: number; worker: number }[] = [];
  for (let done = 0; done <= ROUNDS; done++) {
    if (done > 0) await round(server);
    await Bun.sleep(SETTLE_MS);
    const now = {
      rooms: done * ROOMS,
      server: residentMegabytes(server.pid),
      worker: residentMegabytes(server.workerPid()),
    };
    measured.push(now);
    const [own, worker] = [now.server.toFixed(1), now.worker.toFixed(1)];
    console.log(`after ${now.rooms} rooms: server ${own} MB, worker ${worker} MB`);
  }
  // The first thousand compiles code and fills caches.
  for (const part of ["server", "worker"] as const) {
    const [start = 0, first = 0, ...later] = measured.map((each) => each[part]);
    const last = later.at(-1) ?? first;
    const growth = ((last - first) / later.length).toFixed(2);
    const text = `${start.toFixed(1)} MB at the start, ${first.toFixed(1)} after 1,000`;
    console.log(`${part}: ${text}, ${growth} MB more for each further 1,000`);
  }
  writeRaw("room-memory", measured);
}

await main();
