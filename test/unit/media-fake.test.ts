import { describe, expect, test } from "bun:test";
import { createFakeEngine } from "../../src/infra/media/fake.ts";
import { readAnswer } from "../../src/tools/sdp/answer.ts";
import { writeOffer } from "../../src/tools/sdp/writer.ts";
import { ANSWERED } from "./fixtures/sdp/offers.ts";

async function roomOf(...peerIds: string[]) {
  const engine = createFakeEngine();
  await engine.start();
  const room = await engine.createRoom("r");
  for (const id of peerIds) await room.createPeer(id);
  const peers = peerIds.map((id) => engine.peer(id));
  for (const peer of peers) peer.openChannel();
  return { engine, room, peers };
}

const RTP = {
  codecs: [{ mimeType: "video/VP8", payloadType: 101, clockRate: 90_000 }],
  headerExtensions: [],
  encodings: [{ ssrc: 1 }],
};

describe("the fake engine", () => {
  test("has transports that offers can be written from, new credentials after a restart", async () => {
    const { peers } = await roomOf("a", "b");
    const [a, b] = peers;
    const sections = ANSWERED["chromium-slots"]!;
    const write = () =>
      writeOffer({ sessionId: "1", version: 1, transport: a!.transport, sections });
    const first = write();
    expect(b!.transport.ice).not.toEqual(a!.transport.ice);
    await a!.restartIce();
    expect(write()).not.toBe(first);
  });

  test("delivers frames to open channels, all but one, or one", async () => {
    const { room, peers } = await roomOf("a", "b", "c");
    const [a, b, c] = peers;
    c!.closeChannel();
    room.broadcast("all");
    room.broadcast("not a", "a");
    b!.send(Uint8Array.of(1));
    expect([a!.sent, b!.sent, c!.sent]).toEqual([["all"], ["all", "not a", Uint8Array.of(1)], []]);
    expect(() => room.broadcast("x".repeat(256 * 1024 + 1))).toThrow("assertion failed");
  });

  test("plays the client: states, channel and frames", async () => {
    const engine = createFakeEngine();
    await engine.start();
    const peer = await (await engine.createRoom("r")).createPeer("a");
    const heard: unknown[] = [];
    peer.onState((state) => heard.push(state));
    peer.onChannelOpen(() => heard.push("open"));
    peer.onFrame((frame) => heard.push(frame));
    const client = engine.peer("a");
    client.setState("connected");
    client.setState("connected");
    client.openChannel();
    client.openChannel();
    client.receive("hello");
    client.setState("closed");
    client.setState("connected");
    expect(heard).toEqual(["connected", "open", "hello", "closed"]);
  });

  test("consumes what a peer accepts, and tells when a producer closed", async () => {
    const { peers } = await roomOf("a", "b");
    const [a, b] = peers;
    const producer = await a!.produce({ kind: "video", rtp: RTP });
    const consumer = await b!.consume({ producerId: producer.id, mid: "5" });
    expect(b!.shown()).toEqual({ "5": producer.id });
    const closed = new Promise<void>((resolve) => consumer!.onProducerClose(resolve));
    producer.close();
    await closed;
    expect(b!.shown()).toEqual({});
    expect(await b!.consume({ producerId: producer.id, mid: "5" })).toBeUndefined();
    b!.acceptCodecs(["video/h264"]);
    const other = await a!.produce({ kind: "video", rtp: RTP });
    expect(await b!.consume({ producerId: other.id, mid: "5" })).toBeUndefined();
  });

  test("loses its rooms with the worker, once, and makes new ones when one is up", async () => {
    const { engine, room, peers } = await roomOf("a");
    let lost = 0;
    room.onLost(() => lost++);
    engine.killWorker({ stayDown: true });
    engine.killWorker({ stayDown: true });
    expect([lost, room.closed, peers[0]!.closed]).toEqual([1, true, true]);
    await expect(room.createPeer("b")).rejects.toMatchObject({ code: "media_unavailable" });
    await expect(engine.createRoom("r")).rejects.toMatchObject({ code: "media_unavailable" });
    engine.restoreWorker();
    expect((await engine.createRoom("r")).closed).toBe(false);
    expect(engine.status()[0]).toMatchObject({ alive: true, rooms: 1, restarts: 2 });
  });

  test("closes peers with the room and refuses calls after", async () => {
    const { room, peers } = await roomOf("a");
    let lost = 0;
    room.onLost(() => lost++);
    room.close();
    room.close();
    expect(lost).toBe(0);
    await expect(peers[0]!.restartIce()).rejects.toMatchObject({ code: "room_closed" });
  });

  test("takes what an answer publishes", async () => {
    const { peers } = await roomOf("a");
    const sdp = await Bun.file(`${import.meta.dir}/fixtures/sdp/chromium-slots.sdp`).text();
    const answer = readAnswer(sdp, ANSWERED["chromium-slots"]!);
    await peers[0]!.connect(answer.dtls);
    await expect(peers[0]!.connect(answer.dtls)).rejects.toMatchObject({ code: "invalid_sdp" });
    for (const { kind, rtp } of answer.published) await peers[0]!.produce({ kind, rtp });
    expect([...peers[0]!.producers.values()].map(({ kind }) => kind)).toEqual([
      "audio",
      "video",
      "video",
    ]);
  });
});
