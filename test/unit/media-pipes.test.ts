/** Rooms over several workers and routers, and what hostile answers do to a worker. */

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { fuzzWorker } from "../fixtures/sdp-fuzz-worker.ts";
import { cleanUp, joinListening, joinSpeaking, startEngine, until } from "./media-fixture.ts";

setDefaultTimeout(30_000);
afterEach(cleanUp);

test("a big room goes on over further workers: media, messages and the end of media cross", async () => {
  const engine = await startEngine({ workers: 2, workerLoad: 3 });
  const room = await engine.createRoom("r");
  const speaker = await joinSpeaking(room, "speaker", 4242);
  const near = await joinListening(room, "near", speaker.producer.id);
  expect(engine.status().map(({ rooms }) => rooms)).toEqual([1, 0]);
  const far = await joinListening(room, "far", speaker.producer.id);
  expect(engine.status().map(({ rooms }) => rooms)).toEqual([1, 1]);
  expect(far.consumer?.producerId).toBe(speaker.producer.id);
  await until(() => near.packets.length >= 5 && far.packets.length >= 5);

  room.broadcast("to all", "near");
  far.peer.send("to far");
  await until(() => far.heard.length === 2 && speaker.heard.length === 1);
  expect(far.heard).toEqual(["to all", "to far"]);
  expect(near.heard).toEqual([]);

  const gone = new Promise<void>((resolve) => far.consumer!.onProducerClose(resolve));
  speaker.producer.close();
  await gone;
  expect(await far.peer.consume({ producerId: speaker.producer.id, mid: "7" })).toBeUndefined();
});

test("who is on a further worker is heard at home, and their silence is told", async () => {
  const engine = await startEngine({ workers: 2, workerLoad: 2 });
  const room = await engine.createRoom("r");
  const heard: string[] = [];
  room.onSpeaker((producerId) => heard.push(producerId));
  const near = await joinSpeaking(room, "near", 1111, 100);
  const far = await joinSpeaking(room, "far", 2222, 10);
  expect(engine.status().map(({ rooms }) => rooms)).toEqual([1, 1]);
  await until(() => near.producer.flowing && far.producer.flowing);
  const listener = await joinListening(room, "listener", far.producer.id);
  await until(() => listener.packets.length >= 5);
  await until(() => heard.at(-1) === far.producer.id);
  far.producer.setPaused(true);
  await untilSilent(listener.packets);
});

/** Packets come every 10 ms as long as they come; stragglers may take their time. */
async function untilSilent(packets: readonly unknown[]): Promise<void> {
  let before: number;
  do {
    before = packets.length;
    await Bun.sleep(200);
  } while (packets.length > before);
}

test("a worker that dies takes the whole room, also where only a part of it was there", async () => {
  const engine = await startEngine({ workers: 2, workerLoad: 2 });
  const room = await engine.createRoom("r");
  const near = await joinSpeaking(room, "near", 1111);
  await joinListening(room, "far", near.producer.id);
  const [first, second] = engine.status();
  expect([first?.rooms, second?.rooms]).toEqual([1, 1]);
  const lost = new Promise<void>((resolve) => room.onLost(resolve));
  process.kill(second!.pid, "SIGKILL");
  await lost;
  expect(room.closed).toBe(true);
  expect(engine.status()[0]?.rooms).toBe(0);
  const again = await engine.createRoom("r");
  const speaker = await joinSpeaking(again, "near", 1111);
  const { packets } = await joinListening(again, "far", speaker.producer.id);
  await until(() => packets.length >= 5);
});

test("a client that names payload types gets them, on a router that goes with its last one", async () => {
  const engine = await startEngine();
  const room = await engine.createRoom("r");
  const speaker = await joinSpeaking(room, "speaker", 4242);
  const before = await engine.memoryBytes();
  const player = await room.createPeer("player", { channel: false, payloadTypes: { opus: 111 } });
  const consumer = await player.consume({ producerId: speaker.producer.id });
  expect(consumer?.rtp.codecs.map(({ payloadType }) => payloadType)).toEqual([111]);
  expect(consumer?.rtp.encodings[0]?.ssrc).toBeGreaterThan(0);
  player.close();
  for (let count = 0; count < 100; count++) {
    const payloadTypes = { opus: 96 + (count % 32) };
    (await room.createPeer("player", { channel: false, payloadTypes })).close();
  }
  expect((await engine.memoryBytes()) - before).toBeLessThan(20 * 1024 * 1024);
  expect(engine.status()[0]?.rooms).toBe(1);
});

test("mutated answers that get through do the worker no harm", async () => {
  const outcome = await fuzzWorker(await startEngine(), { seed: 7, rounds: 1_000, batch: 250 });
  // Both outcomes are common, else the mutations test nothing.
  expect(outcome.produced).toBeGreaterThan(300);
  expect(outcome.read).toBeLessThan(900);
});
