/** What is said in a room, and what the server refuses to hear. */

import { describe, expect, test } from "bun:test";
import { encodeFrame } from "../../src/tools/codec.ts";
import { GUEST, guestAt, type Json, sharedRooms } from "./rooms-fixture.ts";

const { fixture, owner } = await sharedRooms();
let room: string;

async function pair(input: Record<string, unknown> = {}) {
  // Joins are limited by the minute.
  await fixture.clock.advance(10_000);
  room = await fixture.room(owner, { room_type: "data", ...input });
  const first = await fixture.enter(room, owner);
  const second = await fixture.enter(room, GUEST);
  first.clear();
  second.clear();
  return [first, second] as const;
}

describe("chat", () => {
  test("reaches everyone, its sender too, with the server's word on who said it", async () => {
    const [first, second] = await pair();
    await first.say("chat", { message: "hello" });
    const timestamp = Math.floor(fixture.clock.now() / 1000);
    const expected = {
      type: "chat",
      room_id: room,
      data: {
        from: owner.id,
        participant_id: first.id,
        name: "Olga",
        message: "hello",
        id: expect.stringMatching(/^[a-z0-9]{15}$/),
      },
      timestamp,
    };
    expect(first.events()).toEqual([expected]);
    expect(second.events()).toEqual([expected]);
    await second.say("chat", { message: "hi" });
    expect(first.events()[1].data).toMatchObject({ from: null, participant_id: second.id });
  });

  test("keeps its order", async () => {
    const [first, second] = await pair();
    const said = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    for (const message of said)
      first.peer.receive(JSON.stringify({ type: "chat", data: { message } }));
    await first.say("reaction", { type: "👏" });
    expect(second.events("chat").map(({ data }) => data.message)).toEqual(said);
  });

  test("of the last fifty is replayed to who joins, as it was", async () => {
    const [first] = await pair();
    for (let i = 0; i < 55; i++) {
      await first.say("chat", { message: `line ${i}` });
      await fixture.clock.advance(1_000);
    }
    const late = await fixture.enter(room, GUEST);
    const replayed = late.events("chat");
    expect(replayed.map(({ data }) => data.message)).toEqual(
      Array.from({ length: 50 }, (_, i) => `line ${i + 5}`),
    );
    expect(replayed).toEqual(first.events("chat").slice(5));
    const [other] = await pair();
    expect(other.events("chat")).toEqual([]);
  });

  const refused: [what: string, data: unknown, code: string][] = [
    ["nothing said", { message: "" }, "validation_failed"],
    ["no text", { message: 5 }, "validation_failed"],
    ["more than asked for", { message: "hi", from: "somebody" }, "validation_failed"],
    ["a long one", { message: "x".repeat(8_001) }, "validation_failed"],
    ["no object", "hi", "malformed_frame"],
  ];
  test.each(refused)("with %s gets an error, and nobody else hears", async (_what, data, code) => {
    const [first, second] = await pair();
    await first.say("chat", data);
    expect(first.events()).toEqual([
      {
        type: "error",
        room_id: room,
        data: { code, message: expect.any(String) },
        timestamp: Math.floor(fixture.clock.now() / 1000),
      },
    ]);
    expect(second.events()).toEqual([]);
  });

  test("cannot be said in another's name", async () => {
    const [first, second] = await pair();
    await first.say("chat", { message: "hi", participant_id: second.id, room_id: "elsewhere" });
    expect(second.events()[0]).toMatchObject({ room_id: room, data: { participant_id: first.id } });
  });
});

describe("reactions", () => {
  test("reach everyone and the bus", async () => {
    const [first, second] = await pair();
    fixture.facts.length = 0;
    await second.say("reaction", { type: "👏" });
    const data = { from: null, participant_id: second.id, type: "👏" };
    expect(first.events()).toMatchObject([{ type: "reaction", data }]);
    expect(second.events()).toMatchObject([{ type: "reaction", data }]);
    expect(fixture.facts).toMatchObject([
      {
        topic: "reactions",
        type: "reaction",
        payload: { room_id: room, ...data },
        audience: { to: "everyone" },
      },
    ]);
  });

  test("of a private room are for those in it", async () => {
    const insider = await fixture.person("Ivo");
    const secret = await fixture.room(owner, { room_type: "data", is_public: false });
    const client = await fixture.enter(secret, insider);
    fixture.facts.length = 0;
    await client.say("reaction", { type: "👏" });
    expect(fixture.facts[0]?.audience).toEqual({ to: "users", ids: [owner.id, insider.id] });
  });
});

describe("frames", () => {
  test("are answered in the codec they came in, in a room of both", async () => {
    const [first, second] = await pair();
    first.codec = "json";
    second.codec = "msgpack";
    await first.say("chat", { message: "as text" });
    await second.say("chat", { message: "as bytes" });
    expect(first.peer.sent.map((frame) => typeof frame)).toEqual(["string", "string"]);
    expect(second.peer.sent.every((frame) => frame instanceof Uint8Array)).toBe(true);
    expect(second.events("chat").map(({ data }) => data.message)).toEqual(["as text", "as bytes"]);
  });

  const reserved = [
    "participant_joined",
    "slots",
    "offer",
    "room_closed",
    "error",
    "muted",
    "role_changed",
    "request",
    "*",
    "no spaces",
    "",
  ];
  test.each(reserved)("of the type %s are not for clients", async (type) => {
    const [first, second] = await pair();
    await first.say(type, { participant_id: second.id, reason: "kicked" });
    expect(first.events()[0]).toMatchObject({ type: "error", data: { code: "unknown_type" } });
    expect(second.events()).toEqual([]);
  });

  const malformed: [what: string, frame: string | Uint8Array, code: string][] = [
    ["broken JSON", "{", "malformed_frame"],
    ["broken MsgPack", Uint8Array.of(0xc1), "malformed_frame"],
    ["no envelope", "[]", "malformed_frame"],
    ["more than 64 KiB", "x".repeat(64 * 1024 + 1), "frame_too_large"],
  ];
  test.each(malformed)("with %s get an error", async (_what, frame, code) => {
    const [first] = await pair();
    first.peer.receive(frame);
    await fixture.clock.advance(0);
    expect(first.events().map(({ data }) => data.code)).toEqual([code]);
  });

  test("above the rate are refused, and ten bad ones in a row end it", async () => {
    const [first, second] = await pair();
    const frame = encodeFrame("json", { type: "reaction", data: { type: "👏" } });
    // The burst is full: nothing but time was spent so far.
    await fixture.clock.advance(2_000);
    for (let i = 0; i < 60; i++) second.peer.receive(frame);
    await fixture.clock.advance(0);
    expect(first.events("reaction")).toHaveLength(60);
    for (let i = 0; i < 9; i++) second.peer.receive(frame);
    expect(second.events("error")).toHaveLength(9);
    expect(second.peer.closed).toBe(false);
    second.peer.receive(frame);
    expect(second.peer.closed).toBe(true);
    expect(first.events("participant_left")[0].data).toEqual({
      participant_id: second.id,
      user_id: null,
      reason: "protocol_error",
    });
  });
});

test("an event of a room goes out once where all listen alike", async () => {
  const [first, second] = await pair();
  let sent = 0;
  const live = fixture.engine.rooms.get(room)!;
  const broadcast = live.broadcast.bind(live);
  live.broadcast = (frame, except) => {
    sent += 1;
    broadcast(frame, except);
  };
  await first.say("chat", { message: "one codec yet" });
  // The first spoke JSON, the second has not spoken: MsgPack.
  expect(sent).toBe(0);
  await second.say("chat", { message: "one codec now" });
  expect(sent).toBe(1);
  expect([first, second].map((client) => client.events("chat").length)).toEqual([2, 2]);
  const unheard = await fixture.join(room, guestAt(9));
  await first.say("chat", { message: "one has no channel" });
  expect(sent).toBe(1);
  const joined: Json = first.events("participant_joined")[0];
  expect(joined.data.participant_id).toBe(unheard.id);
});
