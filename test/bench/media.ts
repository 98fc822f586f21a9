/**
 * Media of rooms: `bun test/bench/media.ts [FILE]`. Viewers of one 500 kbit/s stream against a bare
 * mediasoup router with the same clients in the same run, first frames in Chromium, chat to 50, a
 * meeting of 12, and 1,000 rooms that come and go. About four minutes.
 */

import { readFileSync } from "node:fs";
import { realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createMediasoupEngine } from "../../src/infra/media/mediasoup.ts";
import { BareRouter } from "../fixtures/bare-router.ts";
import { launchChromium, openBarePage } from "../fixtures/chromium.ts";
import {
  drawPort,
  freshHome,
  type Home,
  type RunningServer,
  startServer,
} from "../fixtures/executable.ts";
import { figures, printFigures, writeRaw } from "../fixtures/figures.ts";
import { AUDIO, MediaClients, VIDEO } from "../fixtures/media-clients.ts";
import { workerPath } from "../fixtures/media-worker.ts";
import { call, makeRoom, signUp } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

const VIEWERS = 200;
const WINDOWS = 4;
const WINDOW_MS = 8_000;
const SWITCHES = 40;
const FIRST_FRAMES = 40;
const CHATTERS = 50;
const CHATS = 100;
/** Below the 30 a second that one participant may send. */
const CHAT_PAUSE_MS = 50;
const PARTY = 12;
const POOL_MS = 15_000;
const ROOMS = 1_000;
/** One user may join 20 times a minute, and be in a room on 8 devices. */
const DEVICES = 8;
const JOINS_PER_USER = 15;

const CONFIG = "server:\n  rtc:\n    workers: 1\n  limits:\n    sign_in_per_minute: 10000\n";

// biome-ignore lint/suspicious/noExplicitAny: what the server's figures look like is no matter here.
type Json = any;

/** One stream as a viewer gets it, with the headers of RTP and its extensions. */
const STREAM_BPS = (VIDEO.bytes + 12 + 20) * 8 * VIDEO.packetsPerSecond;

const js = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join(", ");

/** User and system time of a process so far, milliseconds. The kernel counts in hundredths. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

interface Joined {
  readonly id: string;
  readonly path: string;
  readonly token: string;
}

interface JoinWishes {
  readonly publish?: Readonly<Record<string, number>>;
  readonly body: unknown;
  readonly token?: string | undefined;
}

class Bench {
  readonly server: RunningServer;
  readonly clients: MediaClients;
  #users: string[] = [];

  constructor(server: RunningServer, clients: MediaClients) {
    this.server = server;
    this.clients = clients;
  }

  /** A user's token, each for so many uses. */
  async user(uses: number, turn: number): Promise<string> {
    const index = Math.floor(turn / uses);
    if (index === 0 && turn === 0) this.#users = [];
    this.#users[index] ??= (await signUp(this.server.url, `U${crypto.randomUUID()}`)).token;
    return this.#users[index] ?? "";
  }

  async join(room: string, wishes: JoinWishes): Promise<Joined> {
    const { url } = this.server;
    const { body, token, publish = {} } = wishes;
    const joined = await call(url, ["POST", `/api/rooms/${room}/join`], { body, token });
    if (joined.status !== 200) throw new Error(`join: ${JSON.stringify(joined.body)}`);
    const { participant_id: id, participant_token: own, sdp } = joined.body;
    const path = `/api/rooms/${room}/participants/${id}`;
    const answer = await this.clients.ask({ do: "answer", id, offer: sdp.sdp, publish });
    await this.answer({ path, token: own, id }, answer);
    await this.clients.ask({ do: "open", id });
    return { id, path, token: own };
  }

  async answer({ path, token }: Joined, sdp: string): Promise<void> {
    const body = { type: "answer", sdp };
    const taken = await call(this.server.url, ["POST", `${path}/answer`], { body, token });
    if (taken.status !== 200) throw new Error(`answer: ${JSON.stringify(taken.body)}`);
  }

  async leave({ path, token }: Joined): Promise<void> {
    await call(this.server.url, ["DELETE", path], { token });
  }
}

async function measureViewers(bench: Bench) {
  const { server, clients } = bench;
  const room = await makeRoom(server.url, { token: await bench.user(DEVICES, 0) });
  using bare = await BareRouter.open(drawPort());
  // In a process of their own: those who receive must not slow down those who send.
  using senders = new MediaClients();
  const token = await bench.user(DEVICES, 0);
  const publisher = await new Bench(server, senders).join(room, {
    token,
    body: { publish: ["video"], receive: { audio: 0, video: 0 } },
    publish: { 1: 4242 },
  });
  const producerId = await bare.publisher(senders, 4343);
  await senders.ask({ do: "silence" });
  const people: Joined[] = [publisher];
  for (let index = 0; index < VIEWERS; index++) {
    const body = { publish: [], receive: { audio: 0, video: 1 } };
    people.push(await bench.join(room, { token: await bench.user(DEVICES, index + 1), body }));
    await bare.viewer(clients, `bare${index}`, producerId);
  }
  const measured = { ours: [] as number[], bare: [] as number[], main: [] as number[] };
  const ourBits = async () =>
    (await call(server.url, ["GET", `/api/rooms/${room}/stats`])).body.send_bps as number;
  const bareBits = async () => (await bare.bitrates()).out;
  const window = async (id: string, ssrc: number, pid: number) => {
    await senders.ask({ do: "send", id, mid: "1", stream: { ...VIDEO, ssrc } });
    await Bun.sleep(2_000);
    const before = [cpuMs(pid), cpuMs(server.pid), performance.now()] as const;
    await Bun.sleep(WINDOW_MS);
    const spent = performance.now() - before[2];
    const shares = [cpuMs(pid) - before[0], cpuMs(server.pid) - before[1]];
    const bits = await (id === publisher.id ? ourBits() : bareBits());
    await senders.ask({ do: "silence" });
    const [worker = 0, main = 0] = shares.map((ms) => (100 * ms) / spent);
    // A machine that is busy with other things sends less: what is compared is the cost of the whole.
    const sent = bits / (VIEWERS * STREAM_BPS);
    if (Math.abs(sent - 1) > 0.05)
      console.log(`  (a window with ${(sent * 100).toFixed(0)} % sent)`);
    return [worker / sent, main] as const;
  };
  for (let turn = 0; turn < WINDOWS; turn++) {
    const [worker, main] = await window(publisher.id, 4242, server.workerPid());
    measured.ours.push(worker);
    measured.main.push(main);
    measured.bare.push((await window("bare-publisher", 4343, bare.pid))[0]);
  }
  const { body: stats } = await call(server.url, ["GET", `/api/rooms/${room}/stats`]);
  if (stats.consumers !== VIEWERS) throw new Error(`${stats.consumers} viewers of ${VIEWERS}`);
  for (const person of people) await bench.leave(person);
  return measured;
}

function reportViewers(measured: Awaited<ReturnType<typeof measureViewers>>) {
  const { ours, bare, main } = measured;
  const [own, other] = [
    printFigures(`worker, ${VIEWERS} viewers of 500 kbit/s, ours`, "% of a core", ours),
    printFigures(`worker, ${VIEWERS} viewers, bare router`, "% of a core", bare),
  ];
  printFigures("main thread meanwhile", "% of a core", main);
  const perCore = (share: number) => Math.round((VIEWERS * 100) / share);
  console.log(
    `viewers per core, extrapolated: ours ${perCore(own.p50)}, bare ${perCore(other.p50)}; ` +
      `ratio of the medians ${(other.p50 / own.p50).toFixed(3)}`,
  );
  return measured;
}

async function measureFrames(bench: Bench) {
  const { url } = bench.server;
  await using browser = await launchChromium();
  const owner = (await signUp(url, `O${crypto.randomUUID()}`)).token;
  const room = await makeRoom(url, { token: owner });
  const open = async () => {
    const user = await openBarePage(browser, url);
    await user.page.addScriptTag({
      path: `${import.meta.dir}/../fixtures/media-bench-in-page.js`,
    });
    return user;
  };
  await using red = await open();
  const redId = await red.page.evaluate<string>(`mediaBench.send(${js(room, owner, 0)})`);
  const first: { channel: number; frame: number }[] = [];
  {
    await using newcomer = await open();
    for (let turn = 0; turn < FIRST_FRAMES; turn++) {
      const token = await bench.user(JOINS_PER_USER, turn);
      first.push(await newcomer.page.evaluate(`mediaBench.firstFrame(${js(room, token)})`));
      // Browsers ignore requests for a key frame that come within 300 ms of the last one.
      await Bun.sleep(400);
    }
  }
  await using blue = await open();
  const blueId = await blue.page.evaluate<string>(`mediaBench.send(${js(room, owner, 240)})`);
  await using watcher = await open();
  await watcher.page.evaluate(`mediaBench.watch(${js(room, owner)})`);
  const switches: number[] = [];
  for (let turn = 0; turn < SWITCHES; turn++) {
    const wish = turn % 2 === 0 ? js(redId, "red") : js(blueId, "blue");
    const took = await watcher.page.evaluate<number>(`mediaBench.switchTo(${wish})`);
    // The first may be what is shown already.
    if (turn > 1) switches.push(took);
    // Chromium makes one receiver for unknown streams in half a second, and drops what comes before.
    await Bun.sleep(700);
  }
  return { first, switches };
}

async function measureChat(bench: Bench): Promise<number[]> {
  const { server, clients } = bench;
  const room = await makeRoom(server.url, { token: await bench.user(DEVICES, 0) });
  const people: Joined[] = [];
  for (let index = 0; index < CHATTERS; index++) {
    const body = { publish: [], receive: { audio: 0, video: 0 } };
    people.push(await bench.join(room, { token: await bench.user(DEVICES, index), body }));
  }
  const [speaker] = people;
  if (!speaker) throw new Error("nobody is there");
  const times: number[] = [];
  for (let line = 0; line < CHATS; line++) {
    times.push(...(await clients.ask({ do: "chat", id: speaker.id, message: `line ${line}` })));
    await Bun.sleep(CHAT_PAUSE_MS);
  }
  for (const person of people) await bench.leave(person);
  return times;
}

async function measureParty(bench: Bench) {
  const { server, clients } = bench;
  const room = await makeRoom(server.url, { token: await bench.user(DEVICES, 0) });
  const people: Joined[] = [];
  const receive = { audio: PARTY - 1, video: PARTY - 1 };
  for (let index = 0; index < PARTY; index++) {
    const person = await bench.join(room, {
      token: await bench.user(DEVICES, index),
      body: { publish: ["audio", "video"], receive },
      publish: { 1: 10_000 + index, 2: 20_000 + index },
    });
    const offers = async () => clients.ask({ do: "events", id: person.id, type: "offer" });
    const pool = await until("the pool is offered", POOL_MS, async () => (await offers())[0]);
    const publish = { do: "again", id: person.id, offer: pool.data.sdp } as const;
    const answer: string = await clients.ask(publish);
    const named = answer
      .replace("a=mid:1\r\n", `a=mid:1\r\na=ssrc:${10_000 + index} cname:x\r\n`)
      .replace("a=mid:2\r\n", `a=mid:2\r\na=ssrc:${20_000 + index} cname:x\r\n`);
    await bench.answer(person, named);
    const audio = { ...AUDIO, ssrc: 10_000 + index };
    const video = { ...VIDEO, ssrc: 20_000 + index };
    await clients.ask({ do: "send", id: person.id, mid: "1", stream: audio });
    await clients.ask({ do: "send", id: person.id, mid: "2", stream: video });
    people.push(person);
  }
  await Bun.sleep(2_000);
  const cpu = cpuMs(server.workerPid());
  await Bun.sleep(WINDOW_MS);
  const worker = (100 * (cpuMs(server.workerPid()) - cpu)) / WINDOW_MS;
  const { body: stats } = await call(server.url, ["GET", `/api/rooms/${room}/stats`]);
  // A consumer whose client gets nothing scores 0.
  const live = stats.items.map(({ consumers, consumer_score: score }: Json) =>
    score > 0 ? consumers : 0,
  );
  const megabits = stats.items.map(({ send_bps: bps }: Json) => bps / 1e6);
  let offers = 0;
  for (const { id } of people) {
    offers += (await clients.ask({ do: "events", id, type: "offer" })).length;
  }
  await clients.ask({ do: "silence" });
  for (const person of people) await bench.leave(person);
  return { live: live as number[], megabits: megabits as number[], offers, worker };
}

/** Of the media engine and its worker, in this process. */
async function measureRooms() {
  const engine = createMediasoupEngine(
    {
      workers: 1,
      port: drawPort(),
      listenIp: "127.0.0.1",
      announcedAddresses: [],
      workerPath: workerPath(),
    },
    { log: silentLog(), clock: realClock() },
  );
  await engine.start();
  const round = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const room = await engine.createRoom(`r${index}`);
      await Promise.all([room.createPeer("a"), room.createPeer("b")]);
      room.close();
    }
  };
  const memory = async () => {
    Bun.gc(true);
    return { worker: (await engine.memoryBytes()) / 1e6, main: process.memoryUsage.rss() / 1e6 };
  };
  await round(ROOMS / 10);
  const before = await memory();
  const startedAt = performance.now();
  await round(ROOMS);
  const tookMs = performance.now() - startedAt;
  const after = await memory();
  await engine.close();
  return { before, after, tookMs };
}

/** Parts named on the command line after the file; all of them where none is. */
function isWanted(part: string): boolean {
  const named = Bun.argv.slice(3);
  return named.length === 0 || named.includes(part);
}

async function main(): Promise<void> {
  using home: Home = freshHome();
  await using server = await startServer(home, { config: CONFIG });
  const run = async <T>(work: (bench: Bench) => Promise<T>): Promise<T> => {
    using clients = new MediaClients();
    return await work(new Bench(server, clients));
  };
  const raw: Record<string, unknown> = {};
  if (isWanted("frames")) raw.frames = reportFrames(await run(measureFrames));
  if (isWanted("chat")) {
    raw.chat = await run(measureChat);
    printFigures(`chat to ${CHATTERS}`, "ms", raw.chat as number[]);
  }
  if (isWanted("party")) raw.party = reportParty(await run(measureParty));
  if (isWanted("viewers")) raw.viewers = reportViewers(await run(measureViewers));
  if (isWanted("rooms")) raw.rooms = reportRooms(await measureRooms());
  writeRaw("media", raw);
}

function reportFrames(frames: Awaited<ReturnType<typeof measureFrames>>) {
  const { first, switches } = frames;
  printFigures(
    "join to open channel",
    "ms",
    first.map(({ channel }) => channel),
  );
  printFigures(
    "join to first frame of another",
    "ms",
    first.map(({ frame }) => frame),
  );
  printFigures("slot switched: first new frame", "ms", switches);
  return frames;
}

function reportParty(party: Awaited<ReturnType<typeof measureParty>>) {
  const { live, offers, worker, megabits } = party;
  console.log(
    `${PARTY} people: ${figures(live).min} to ${figures(live).max} of ` +
      `${2 * (PARTY - 1)} streams live at each, ${offers} offers after the joins ` +
      `(one each is the pool), worker ${worker.toFixed(0)} % of a core`,
  );
  const bytes = VIDEO.bytes * VIDEO.packetsPerSecond + AUDIO.bytes * AUDIO.packetsPerSecond;
  const total = ((bytes * 8) / 1e6) * (PARTY - 1);
  console.log(`  of the others' media alone that is ${total.toFixed(1)} Mbit/s`);
  printFigures("  sent to each", "Mbit/s", megabits);
  return party;
}

function reportRooms(rooms: Awaited<ReturnType<typeof measureRooms>>) {
  const growth = (part: "worker" | "main") =>
    `${part} ${rooms.before[part].toFixed(1)} → ${rooms.after[part].toFixed(1)} MB`;
  console.log(
    `${ROOMS} rooms of two come and go in ${rooms.tookMs.toFixed(0)} ms: ` +
      `${growth("worker")}, ${growth("main")}`,
  );
  return rooms;
}

await main();
