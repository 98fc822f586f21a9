/** The routes for mediasoup-client, and the figures of a room. */

import { describe, expect, test } from "bun:test";
import { settle } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Caller } from "../../src/core/access.ts";
import { type Json, outcome, sharedRooms } from "./rooms-fixture.ts";

const { fixture, owner, guest } = await sharedRooms();

/** As mediasoup-client describes a microphone. */
const OPUS = {
  mid: "0",
  codecs: [
    {
      mimeType: "audio/opus",
      payloadType: 111,
      clockRate: 48_000,
      channels: 2,
      parameters: { minptime: 10, useinbandfec: 1, "x-secret": "1" },
      rtcpFeedback: [{ type: "transport-cc", parameter: "" }],
    },
  ],
  headerExtensions: [
    { uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 4, encrypt: false, parameters: {} },
    { uri: "urn:made:up", id: 5 },
  ],
  encodings: [{ ssrc: 42, dtx: false, maxBitrate: 1 }],
  rtcp: { cname: "x", reducedSize: true },
  msid: "a b",
};

class Joined {
  readonly room_id: string;
  readonly id: string;
  readonly transports: Record<string, string> = {};
  readonly capabilities: Json;
  readonly #token: string;

  constructor(room: string, { opened, capabilities }: { opened: Json; capabilities: Json }) {
    this.room_id = room;
    this.id = opened.participant_id;
    this.#token = opened.participant_token;
    this.transports.send = opened.transport.id;
    this.capabilities = capabilities;
  }

  async call(name: string, input: Record<string, unknown> = {}): Promise<Json> {
    return fixture.call(name, { room_id: this.room_id, ...input }, await this.caller());
  }

  caller(): Promise<Caller> {
    return fixture.app.kernel.authenticate(this.#token, { ip: "192.0.2.9" });
  }

  produce(input: Record<string, unknown> = {}): Promise<Json> {
    const usual = { transport_id: this.transports.send, kind: "audio", rtpParameters: OPUS };
    return this.call("mediasoup.produce", { ...usual, ...input });
  }

  async receive(): Promise<string> {
    const { transport } = await this.call("mediasoup.open", { direction: "recv" });
    return transport.id;
  }

  consume(transport: string, of: string, source = "audio"): Promise<Json> {
    const input = { transport_id: transport, participant_id: of, source };
    return this.call("mediasoup.consume", { ...input, rtpCapabilities: this.capabilities });
  }

  peer(direction: "send" | "recv") {
    return fixture.engine.peer(`${this.id}-${direction}`);
  }
}

async function join(room: string, caller: Caller = guest()): Promise<Joined> {
  const { rtpCapabilities: capabilities } = await fixture.call(
    "mediasoup.capabilities",
    { room_id: room },
    caller,
  );
  const input = { room_id: room, direction: "send" };
  const opened = await fixture.call("mediasoup.open", input, caller);
  return new Joined(room, { opened, capabilities });
}

test("a client loads capabilities, joins by its first transport, and others learn of it", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest());
  const client = await join(room);
  expect(client.capabilities.codecs[0]).toMatchObject({
    kind: "audio",
    mimeType: "audio/opus",
    preferredPayloadType: 100,
  });
  expect(client.capabilities.headerExtensions[0]).toMatchObject({ preferredId: 1 });
  expect(watcher.events("participant_joined").at(-1).data.participant_id).toBe(client.id);
  const { transport } = await client.call("mediasoup.open", { direction: "recv" });
  expect(transport).toMatchObject({
    iceParameters: { iceLite: true },
    iceCandidates: [{ ip: "127.0.0.1", protocol: "udp" }, { tcpType: "passive" }],
    dtlsParameters: { role: "auto" },
  });
  const again = client.call("mediasoup.open", { direction: "recv" });
  expect(await outcome(again)).toBe("409 transport_exists");
  expect(fixture.engine.rooms.size).toBe(1);
});

test("what it sends is cleaned, shown in others' slots, muted and closed like any source", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest());
  const client = await join(room);
  const { id } = await client.produce();
  await settle();
  expect(Object.values(watcher.shown())).toEqual([`${client.id} audio`]);
  const [producer] = [...client.peer("send").producers.values()];
  expect(producer?.rtp).toEqual({
    mid: "0",
    codecs: [
      {
        mimeType: "audio/opus",
        payloadType: 111,
        clockRate: 48_000,
        channels: 2,
        parameters: { minptime: 10, useinbandfec: 1 },
        rtcpFeedback: [{ type: "transport-cc" }],
      },
    ],
    headerExtensions: [{ uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 4 }],
    encodings: [{ ssrc: 42 }],
    rtcp: { cname: "x", reducedSize: true },
  });
  expect(await outcome(client.produce())).toBe("409 source_published");
  await client.call("rooms.mute", { participant_id: client.id, audio: false });
  expect(producer?.paused).toBe(true);
  await client.call("mediasoup.closeProducer", { producer_id: id });
  await settle();
  expect(watcher.shown()).toEqual({});
  const gone = client.call("mediasoup.closeProducer", { producer_id: id });
  expect(await outcome(gone)).toBe("404 producer_not_found");
});

test("it receives what it asks for, paused at first, until that ends", async () => {
  const room = await fixture.room(owner);
  const sender = await fixture.enter(room, guest(), { publish: ["audio"] });
  const client = await join(room);
  const transport = await client.receive();
  const consumed = await client.consume(transport, sender.id);
  expect(consumed).toMatchObject({ kind: "audio", rtpParameters: { encodings: [{}] } });
  const consumer = client.peer("recv").consumers.get(consumed.id);
  expect(consumer?.paused).toBe(true);
  await client.call("mediasoup.resume", { consumer_id: consumed.id });
  expect(consumer?.paused).toBe(false);
  await client.call("mediasoup.pause", { consumer_id: consumed.id });
  expect(consumer?.paused).toBe(true);
  expect(await outcome(client.consume(transport, sender.id, "video"))).toBe("404 source_not_found");
  await sender.hangUp();
  await settle();
  const resume = client.call("mediasoup.resume", { consumer_id: consumed.id });
  expect(await outcome(resume)).toBe("404 consumer_not_found");
});

test("it leaves with its last transport, and with the worker", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest());
  const list = async () =>
    (await fixture.call("rooms.participants", { room_id: room }, owner)).items.length;
  const first = await join(room);
  await first.receive();
  await first.produce();
  await settle();
  expect(Object.keys(watcher.shown())).toHaveLength(1);
  first.peer("send").setState("closed");
  await settle();
  expect(await list()).toBe(2);
  expect(watcher.shown()).toEqual({});
  expect(watcher.events("track_unpublished")).toHaveLength(1);
  first.peer("recv").setState("closed");
  expect(await list()).toBe(1);
  await join(room);
  fixture.engine.killWorker();
  await settle();
  expect(await list()).toBe(1);
});

describe("refused", () => {
  const rows: [what: string, call: (client: Joined) => Promise<Json>, outcome: string][] = [
    [
      "a source that one may not send",
      (client) => client.produce({ source: "screen", kind: "video" }),
      "403 publish_forbidden",
    ],
    [
      "a source of another kind",
      (client) => client.produce({ source: "audio", kind: "video" }),
      "400 invalid_sdp",
    ],
    [
      "a codec of its own",
      (client) =>
        client.produce({
          rtpParameters: { ...OPUS, codecs: [{ ...OPUS.codecs[0], mimeType: "audio/pcmu" }] },
        }),
      "400 invalid_sdp",
    ],
    [
      "a payload type out of range",
      (client) =>
        client.produce({
          rtpParameters: { ...OPUS, codecs: [{ ...OPUS.codecs[0], payloadType: 300 }] },
        }),
      "400 validation_failed",
    ],
    [
      "a stream with a strange name",
      (client) => client.produce({ rtpParameters: { ...OPUS, encodings: [{ rid: "a\r\n" }] } }),
      "400 invalid_sdp",
    ],
    [
      "a transport of nobody",
      (client) => client.produce({ transport_id: "x" }),
      "404 transport_not_found",
    ],
    [
      "a fingerprint that is none",
      (client) =>
        client.call("mediasoup.connect", {
          transport_id: client.transports.send,
          dtlsParameters: { fingerprints: [{ algorithm: "sha-256", value: "A1" }] },
        }),
      "400 validation_failed",
    ],
    [
      "a consumer of nobody",
      (client) => client.call("mediasoup.resume", { consumer_id: "x" }),
      "404 consumer_not_found",
    ],
    [
      "another room",
      async (client) => client.call("mediasoup.open", { room_id: "x", direction: "recv" }),
      "404 participant_not_found",
    ],
  ];
  test.each(rows)("is %s", async (_what, call, expected) => {
    const client = await join(await fixture.room(owner, { room_type: "audio" }));
    expect(await outcome(call(client))).toBe(expected);
  });

  test("is who has no participation, or joined by an offer", async () => {
    const room = await fixture.room(owner);
    const input = { room_id: room, consumer_id: "x" };
    expect(await outcome(fixture.call("mediasoup.resume", input, owner))).toBe(
      "401 unauthenticated",
    );
    const usual = await fixture.enter(room, guest());
    const call = fixture.call("mediasoup.resume", input, await usual.self());
    expect(await outcome(call)).toBe("409 no_transports");
  });
});

describe("figures", () => {
  const stats = (room: string, caller: Caller): Promise<Json> =>
    fixture.call("rooms.stats", { room_id: room }, caller);

  test("tell what each participant sends and receives, and all together", async () => {
    const room = await fixture.room(owner);
    const one = await fixture.enter(room, guest(), { publish: ["audio"] });
    const two = await fixture.enter(room, guest(), { publish: ["audio", "video"] });
    await settle();
    const { items, ...totals } = await stats(room, owner);
    expect(totals).toMatchObject({
      participants: 2,
      producers: 3,
      consumers: 3,
      receive_bps: 2_000,
      send_bps: 4_000,
    });
    expect(items.map(({ participant_id }: Json) => participant_id)).toEqual([one.id, two.id]);
    expect(items[0]).toMatchObject({ consumers: 2, consumer_score: 10, receive_loss: 0 });
    expect(items[0].producers).toEqual([
      { source: "audio", bitrate_bps: 1_000, packet_loss: 1 / 101, score: 10 },
    ]);
  });

  test("are asked of the worker once in a while only", async () => {
    const room = await fixture.room(owner);
    await fixture.enter(room, guest());
    const measured = async () => (await stats(room, owner)).items.length;
    expect(await measured()).toBe(1);
    await fixture.enter(room, guest());
    expect(await measured()).toBe(1);
    await fixture.clock.advance(LIMITS.statsAgeMs);
    expect(await measured()).toBe(2);
  });

  test("of a room without anybody are zeros; of a hidden one there are none", async () => {
    const room = await fixture.room(owner, { is_public: false });
    expect(await stats(room, owner)).toMatchObject({ participants: 0, items: [] });
    expect(await outcome(stats(room, guest()))).toBe("404 not_found");
  });

  test("of all rooms are for superusers", async () => {
    expect(await outcome(fixture.call("rooms.totals", {}, owner))).toBe("403 forbidden");
    const totals = await fixture.call("rooms.totals", {}, fixture.root());
    expect(totals.rooms).toBeGreaterThan(0);
    expect(totals.participants).toBeGreaterThan(0);
  });
});
