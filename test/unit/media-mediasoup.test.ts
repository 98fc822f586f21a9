/** The real worker, with clients that do real ICE, DTLS, SCTP and SRTP over loopback. */

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock, realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { MediaConfig } from "../../src/infra/media/engine.ts";
import { createMediasoupEngine } from "../../src/infra/media/mediasoup.ts";
import { probe } from "../../src/infra/media/reachability.ts";
import type { OfferSection } from "../../src/tools/sdp/writer.ts";
import { recordedLog } from "../fixtures/recorded-log.ts";
import {
  cleanUp,
  cleanups,
  joinListening,
  joinRoom,
  joinSpeaking,
  randomPort,
  rtpPacket,
  sendFrame,
  startEngine,
  until,
  WORKER,
} from "./media-fixture.ts";

setDefaultTimeout(30_000);

afterEach(cleanUp);

/** Sizes of the channel's frames: two strings, and bytes up to the largest. */
const FRAMES = [
  "hello",
  "",
  "grüße ✓",
  Uint8Array.of(0, 255, 7),
  new Uint8Array(256 * 1024).fill(9),
];

test("a client joins by our offer; frames of each size go both ways, in order", async () => {
  const room = await (await startEngine()).createRoom("r");
  const received: unknown[] = [];
  const states: string[] = [];
  const client = await joinRoom(room, "a", {
    onPeer(peer) {
      peer.onState((state) => states.push(state));
      peer.onFrame((frame) => {
        received.push(frame);
        peer.send(frame);
      });
    },
  });
  for (const frame of FRAMES) sendFrame(client.channel, frame);
  await until(() => client.heard.length === FRAMES.length);
  expect(received).toEqual(FRAMES);
  expect(client.heard).toEqual(FRAMES);
  expect(states).toEqual(["connected"]);
  expect(() => client.peer.send("x".repeat(256 * 1024 + 1))).toThrow("assertion failed");
});

test("a broadcast reaches all, all but one, or one, and the order stays", async () => {
  const room = await (await startEngine()).createRoom("r");
  const clients = await Promise.all(["a", "b", "c"].map((id) => joinRoom(room, id)));
  const [a, b, c] = clients;
  room.broadcast("1 to all");
  room.broadcast("2 to all but a", "a");
  b!.peer.send("3 to b");
  c!.peer.send(Uint8Array.of(4));
  room.broadcast("5 to all", "nobody");
  await until(() => clients.every(({ heard }) => heard.at(-1) === "5 to all"));
  expect(a!.heard).toEqual(["1 to all", "5 to all"]);
  expect(b!.heard).toEqual(["1 to all", "2 to all but a", "3 to b", "5 to all"]);
  expect(c!.heard).toEqual(["1 to all", "2 to all but a", Uint8Array.of(4), "5 to all"]);
});

test("a listener that throws is logged, and the next frame is heard", async () => {
  const { log, lines } = recordedLog("error");
  const engine = await startEngine({}, log);
  const heard: unknown[] = [];
  const client = await joinRoom(await engine.createRoom("r"), "a", {
    onPeer(peer) {
      peer.onFrame(() => {
        throw new Error("from the room");
      });
      peer.onFrame((frame) => heard.push(frame));
    },
  });
  client.channel.sendMessage("one");
  client.channel.sendMessage("two");
  await until(() => heard.length === 2);
  expect(lines.filter((line) => line.includes("from the room"))).toHaveLength(2);
});

test("who stops receiving what just ended leaves no word of it in the log", async () => {
  const { log, lines } = recordedLog("warn");
  const engine = await startEngine({}, log);
  const room = await engine.createRoom("r");
  const speaker = await joinSpeaking(room, "speaker", 4242);
  const [first, second] = [
    await joinListening(room, "first", speaker.producer.id),
    await joinListening(room, "second", speaker.producer.id),
  ];
  speaker.producer.close();
  first.consumer?.close();
  // What is asked later is answered later.
  await room.createPeer("late");
  second.consumer?.close();
  await room.createPeer("later");
  // Workers of tests before may still have a last word in it.
  expect(lines.filter((line) => line.includes("closeConsumer"))).toEqual([]);
});

test("what one publishes arrives in another's slot, and leaves with its producer", async () => {
  const room = await (await startEngine()).createRoom("r");
  const { capabilities } = room;
  const microphone: OfferSection = { type: "receive", mid: "1", source: "audio", capabilities };
  const speaker = await joinRoom(room, "speaker", {
    sections: [microphone],
    edit: (sdp) => sdp.replace("a=mid:1\r\n", "a=mid:1\r\na=ssrc:4242 cname:speaker\r\n"),
  });
  const slot: OfferSection = {
    type: "send",
    mid: "7",
    kind: "audio",
    streamId: "slots",
    trackId: "slot7",
    capabilities,
  };
  const listener = await joinRoom(room, "listener", { sections: [slot] });
  expect(listener.answer.accepted).toEqual(["7"]);
  const [published] = speaker.answer.published;
  const producer = await speaker.peer.produce(published!);
  const consumer = await listener.peer.consume({ producerId: producer.id, mid: "7" });
  expect(consumer!.producerId).toBe(producer.id);
  const packets: Buffer[] = [];
  await until(() => listener.tracks.has("7") && speaker.tracks.has("1"));
  listener.tracks.get("7")!.onMessage((packet) => packets.push(packet));
  let sequence = 0;
  const sending = setInterval(() => {
    speaker.tracks.get("1")!.sendMessageBinary(rtpPacket(4242, ++sequence));
  }, 10);
  cleanups.push(() => clearInterval(sending));

  await until(() => packets.length >= 10);
  const gone = new Promise<void>((resolve) => consumer!.onProducerClose(resolve));
  producer.close();
  await gone;
  expect(await listener.peer.consume({ producerId: producer.id, mid: "7" })).toBeUndefined();
});

test("a client without the codec gets no consumer; impossible parameters are refused", async () => {
  const room = await (await startEngine()).createRoom("r");
  const [one, other] = [await room.createPeer("one"), await room.createPeer("other")];
  const rtp = {
    mid: "1",
    codecs: [{ mimeType: "video/VP8", payloadType: 101, clockRate: 90_000 }],
    headerExtensions: [],
    encodings: [{ ssrc: 5 }],
  };
  const producer = await one.produce({ kind: "video", rtp });
  other.acceptCodecs(["audio/opus", "video/h264", "video/rtx"]);
  expect(await other.consume({ producerId: producer.id, mid: "1" })).toBeUndefined();
  other.acceptCodecs(["video/vp8"]);
  expect(await other.consume({ producerId: producer.id, mid: "1" })).toBeDefined();
  expect(await other.consume({ producerId: "none", mid: "1" })).toBeUndefined();
  const refused = { kind: "invalid", code: "invalid_sdp" };
  // The worker knows this SSRC already; this codec it does not know.
  await expect(one.produce({ kind: "video", rtp })).rejects.toMatchObject(refused);
  const unknown = { ...rtp, codecs: [{ ...rtp.codecs[0]!, mimeType: "video/AV9" }] };
  await expect(one.produce({ kind: "video", rtp: unknown })).rejects.toMatchObject(refused);
  const fingerprints = [{ algorithm: "sha-256", value: Array(32).fill("0A").join(":") }];
  await one.connect({ role: "server", fingerprints });
  await expect(one.connect({ role: "server", fingerprints })).rejects.toMatchObject(refused);
});

test("ICE credentials change on a restart", async () => {
  const peer = await (await (await startEngine()).createRoom("r")).createPeer("a");
  const before = peer.transport;
  await peer.restartIce();
  expect(peer.transport.ice).not.toEqual(before.ice);
  expect(peer.transport.candidates).toEqual(before.candidates);
});

test("a client that closes is told as closed; one that the server closes tells nothing", async () => {
  const room = await (await startEngine()).createRoom("r");
  const states: string[] = [];
  const client = await joinRoom(room, "a", {
    onPeer: (peer) => peer.onState((state) => states.push(`a ${state}`)),
  });
  const other = await joinRoom(room, "b", {
    onPeer: (peer) => peer.onState((state) => states.push(`b ${state}`)),
  });
  other.peer.close();
  other.peer.close();
  client.connection.close();
  await until(() => states.includes("a closed"));
  expect(states.toSorted()).toEqual(["a closed", "a connected", "b connected"]);
  await expect(other.peer.restartIce()).rejects.toMatchObject({ code: "peer_closed" });
});

test("calls under way when the room closes are refused, and leave nothing behind", async () => {
  const engine = await startEngine();
  const room = await engine.createRoom("r");
  const calls = [room.createPeer("a"), room.createPeer("b")];
  room.close();
  room.close();
  const outcomes = await Promise.allSettled(calls);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "room_closed" } });
  }
  await expect(room.createPeer("c")).rejects.toMatchObject({ code: "room_closed" });
  room.broadcast("nobody hears");
  expect(engine.status()[0]!.rooms).toBe(0);
});

test("rooms go to the worker that has the least to do", async () => {
  const engine = await startEngine({ workers: 2 });
  const first = await engine.createRoom("r1");
  for (const id of ["a", "b"]) await first.createPeer(id);
  for (const id of ["r2", "r3", "r4"]) await engine.createRoom(id);
  expect(engine.status().map(({ rooms }) => rooms)).toEqual([1, 3]);
  expect(await engine.memoryBytes()).toBeGreaterThan(1024 * 1024);
});

test("a killed worker: rooms are lost once, and a new room works", async () => {
  const engine = await startEngine();
  const room = await engine.createRoom("r");
  const { peer } = await joinRoom(room, "a");
  let lost = 0;
  const loss = new Promise<void>((resolve) =>
    room.onLost(() => {
      lost++;
      resolve();
    }),
  );
  const startedAt = performance.now();
  process.kill(engine.status()[0]!.pid, "SIGKILL");
  await loss;
  expect(room.closed).toBe(true);
  await expect(room.createPeer("b")).rejects.toMatchObject({ code: "media_unavailable" });
  await expect(peer.restartIce()).rejects.toMatchObject({ code: "media_unavailable" });
  room.broadcast("nobody hears");
  peer.send("nobody hears");
  // No wait here: it is `createRoom` that waits for the replacement.
  const replacement = await engine.createRoom("r");
  await joinRoom(replacement, "a");
  console.log(`channel open again ${(performance.now() - startedAt).toFixed(0)} ms after the kill`);
  expect(lost).toBe(1);
  expect(engine.status()).toMatchObject([{ alive: true, rooms: 1, restarts: 1 }]);
});

test("a worker that cannot be replaced: rooms are refused after a bounded wait, tries go on", async () => {
  const dir = mkdtempSync(join(tmpdir(), "parvis-worker-"));
  cleanups.push(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "worker");
  copyFileSync(WORKER, path);
  chmodSync(path, 0o755);
  const clock = new FakeClock();
  const config = { workers: 1, listenIp: "127.0.0.1", announcedAddresses: [], workerPath: path };
  const engine = createMediasoupEngine(
    { ...config, port: randomPort() },
    { log: silentLog(), clock },
  );
  cleanups.push(() => engine.close());
  await engine.start();
  const room = await engine.createRoom("r");
  const loss = new Promise<void>((resolve) => room.onLost(resolve));
  chmodSync(path, 0o644);
  process.kill(engine.status()[0]!.pid, "SIGKILL");
  await loss;
  const refused = engine.createRoom("r2").catch((thrown: unknown) => thrown);
  await clock.advance(2_000);
  expect(await refused).toMatchObject({ kind: "unavailable", code: "media_unavailable" });
  const { restarts } = engine.status()[0]!;
  // At 0, 250, 750 and 1750 ms: each wait is twice the one before.
  expect(restarts).toBe(4);
  chmodSync(path, 0o755);
  await clock.advance(2_000);
  const reopened = await engine.createRoom("r3");
  expect(reopened.closed).toBe(false);
});

test("close ends the worker and refuses what waits, and is idempotent", async () => {
  const signalListeners = process.listenerCount("SIGTERM");
  const engine = await startEngine();
  // The server decides what a signal does, not the engine's library.
  expect(process.listenerCount("SIGTERM")).toBe(signalListeners);
  const room = await engine.createRoom("r");
  let lost = 0;
  room.onLost(() => lost++);
  const { pid } = engine.status()[0]!;
  await engine.close();
  await engine.close();
  expect(room.closed).toBe(true);
  expect(lost).toBe(0);
  await expect(engine.createRoom("r2")).rejects.toMatchObject({ code: "media_unavailable" });
  await until(() => !existsSync(`/proc/${pid}/cmdline`) || isZombie(pid));
});

function isZombie(pid: number): boolean {
  const stat = Bun.spawnSync(["cat", `/proc/${pid}/stat`]).stdout.toString();
  return stat === "" || / Z /.test(stat);
}

test("a taken port, a missing or useless binary: one line that names it", async () => {
  const taken = await startEngine();
  const { port } = taken.status()[0]!;
  const dir = mkdtempSync(join(tmpdir(), "parvis-worker-"));
  cleanups.push(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "worker");
  await Bun.write(file, "#!/bin/false\n");
  const starts = (changes: Partial<MediaConfig>) => {
    const config = { workers: 1, port: randomPort(), listenIp: "127.0.0.1", workerPath: WORKER };
    const parts = { log: silentLog(), clock: realClock() };
    return createMediasoupEngine({ ...config, announcedAddresses: [], ...changes }, parts).start();
  };
  const rows: [Partial<MediaConfig>, string][] = [
    [{ port }, `port ${port} `],
    [{ port: port - 1, workers: 2 }, `port ${port} `],
    [{ listenIp: "203.0.113.1" }, "on 203.0.113.1 cannot be opened"],
    [{ workerPath: join(dir, "none") }, `${join(dir, "none")} is missing.`],
    [{ workerPath: dir }, `${dir} is not a file.`],
    [{ workerPath: file }, `${file} is not executable.`],
  ];
  for (const [changes, words] of rows) {
    const error = await starts(changes).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "unavailable", code: "media_unavailable" });
    expect((error as Error).message).toContain(words);
    expect((error as Error).message).not.toContain("\n");
  }
  chmodSync(file, 0o755);
  const useless = await starts({ workerPath: file }).catch((thrown: unknown) => thrown);
  expect(useless).toMatchObject({ message: `The media worker ${file} does not start.` });
});

test("a check asks each worker by UDP and TCP at each offered address", async () => {
  const engine = await startEngine({ workers: 2, announcedAddresses: ["127.0.0.1", "127.0.0.2"] });
  const ports = engine.status().map(({ port }) => port);
  const results = await engine.check();
  const asked = results.map(({ address, port, protocol }) => `${protocol} ${address} ${port}`);
  const expected = ports.flatMap((port) =>
    ["udp", "tcp"].flatMap((protocol) =>
      ["127.0.0.1", "127.0.0.2"].map((address) => `${protocol} ${address} ${port}`),
    ),
  );
  expect(asked).toEqual(expected);
  // The workers listen on the first address only.
  for (const { address, ok, reason, rttMs } of results) {
    expect(ok).toBe(address === "127.0.0.1");
    expect(typeof (ok ? rttMs : reason)).toBe(ok ? "number" : "string");
  }
});

test.each([
  ["another password", { password: "x".repeat(32) }, "STUN error 401"],
  ["an unknown fragment", { usernameFragment: "unknown" }, "no answer within 300 ms"],
])("a probe with %s fails", async (_name, changes, reason) => {
  const peer = await (await (await startEngine()).createRoom("r")).createPeer("a");
  const { ice, candidates } = peer.transport;
  const { address, port } = candidates[0]!;
  const target = { address, port, protocol: "udp" as const, ...ice, ...changes, timeoutMs: 300 };
  const result = await probe(target, realClock());
  expect(result).toMatchObject({ ok: false });
  expect(result.ok ? "" : result.reason).toContain(reason);
});
