/** Muting, events of clients' own, locations and counts: what those in a room do beside media. */

import { describe, expect, test } from "bun:test";
import type { Caller, UserCaller } from "../../src/core/access.ts";
import { encodeFrame } from "../../src/tools/codec.ts";
import {
  GUEST,
  guestAt,
  type Json,
  outcome,
  sharedRooms,
  type TestClient,
} from "./rooms-fixture.ts";

const { fixture } = await sharedRooms();
let people = 0;

interface Scene {
  readonly room: string;
  readonly users: Readonly<Record<string, UserCaller>>;
  caller(role: string): Caller;
  enter(role: string): Promise<TestClient>;
}

async function scene(input: Record<string, unknown> = {}): Promise<Scene> {
  // Joins are limited by the minute.
  await fixture.clock.advance(10_000);
  people += 1;
  const users: Record<string, UserCaller> = {};
  for (const name of ["owner", "admin", "admin2", "participant", "participant2", "stranger"]) {
    users[name] = await fixture.person(`${name}of${people}`);
  }
  const room = await fixture.room(users.owner!, input);
  for (const name of ["admin", "admin2", "participant", "participant2"]) {
    await fixture.member(room, users[name]!, { role: name.replace("2", "") });
  }
  const caller = (role: string): Caller => {
    if (role === "guest") return GUEST;
    return role === "superuser" ? fixture.root() : users[role]!;
  };
  return { room, users, caller, enter: (role) => fixture.enter(room, caller(role)) };
}

const mute = (client: TestClient, wishes: Record<string, unknown>, caller: Caller) =>
  fixture.call("rooms.mute", { ...client.place, ...wishes }, caller);

/** `audio` and so on by what is paused of what the client sends. */
function paused(client: TestClient): boolean[] {
  return [...client.peer.producers.values()].map((producer) => producer.paused);
}

describe("muting", () => {
  const rows: [actor: string, target: string, expected: string][] = [
    ["owner", "admin", "ok"],
    ["owner", "participant", "ok"],
    ["owner", "guest", "ok"],
    ["admin", "participant", "ok"],
    ["admin", "guest", "ok"],
    ["admin", "owner", "403 forbidden"],
    ["admin", "admin2", "403 forbidden"],
    ["participant", "owner", "403 forbidden"],
    ["participant", "participant2", "403 forbidden"],
    ["participant", "guest", "403 forbidden"],
    ["stranger", "participant", "403 forbidden"],
    ["guest", "participant", "401 unauthenticated"],
    ["superuser", "owner", "ok"],
    ["superuser", "participant", "ok"],
  ];
  test.each(rows)("%s mutes %s: %s", async (actor, target, expected) => {
    const { caller, enter } = await scene();
    const victim = await enter(target);
    expect(await outcome(mute(victim, { audio: false }, caller(actor)))).toBe(expected);
    expect(paused(victim).includes(true)).toBe(expected === "ok");
  });

  test("pauses what is sent, tells all, shows in the list, and ends again", async () => {
    const { room, users, enter } = await scene();
    const [owner, client] = [await enter("owner"), await enter("participant")];
    for (const one of [owner, client]) one.clear();
    const off = await mute(client, { audio: false, video: false }, users.participant!);
    expect(off).toEqual({ participant_id: client.id, muted: ["audio", "video"] });
    expect(paused(client)).toEqual([true, true, false]);
    // A second time it is no news.
    await mute(client, { audio: false }, users.participant!);
    const told = ["audio", "video"].map((source) => ({ participant_id: client.id, source }));
    for (const one of [owner, client]) {
      expect(one.events("muted").map(({ data }) => data)).toEqual(told);
    }
    const { items } = await fixture.call("rooms.participants", { room_id: room }, GUEST);
    expect(items.map(({ muted }: Json) => muted)).toEqual([[], ["audio", "video"]]);
    const on = await mute(client, { audio: true }, await client.self());
    expect(on.muted).toEqual(["video"]);
    expect(paused(client)).toEqual([false, true, false]);
    expect(owner.events("unmuted").map(({ data }) => data)).toEqual([told[0]]);
  });

  test("by a moderator is not undone by oneself", async () => {
    const { users, enter } = await scene();
    const client = await enter("participant");
    const self = await client.self();
    await mute(client, { audio: false }, users.admin!);
    expect(await outcome(mute(client, { audio: true }, self))).toBe("403 muted_by_moderator");
    expect(paused(client)).toEqual([true, false, false]);
    // Muted by both, it takes both: nobody is made audible against their wish.
    await mute(client, { audio: false }, self);
    expect((await mute(client, { audio: true }, users.owner!)).muted).toEqual(["audio"]);
    expect((await mute(client, { audio: true }, self)).muted).toEqual([]);
    expect(paused(client)).toEqual([false, false, false]);
  });

  test("by a moderator holds on every device, and after joining again", async () => {
    const { users, enter } = await scene();
    const witness = await enter("owner");
    const [phone, desk] = [await enter("participant"), await enter("participant")];
    await mute(phone, { audio: false }, users.owner!);
    expect([paused(phone), paused(desk)].map(([audio]) => audio)).toEqual([true, true]);
    await phone.hangUp();
    await desk.hangUp();
    witness.clear();
    const again = await enter("participant");
    const data = { participant_id: again.id, source: "audio" };
    for (const one of [witness, again]) {
      expect(one.events("muted").map((event) => event.data)).toEqual([data]);
    }
    expect(await outcome(mute(again, { audio: true }, await again.self()))).toBe(
      "403 muted_by_moderator",
    );
    expect((await mute(again, { audio: true }, users.admin!)).muted).toEqual([]);
    expect(paused(again)).toEqual([false, false, false]);
  });

  test("before anything is sent holds once it is", async () => {
    const { room, users, caller } = await scene();
    const client = await fixture.join(room, caller("participant"));
    await mute(client, { video: false }, users.owner!);
    await client.connect();
    expect(paused(client)).toEqual([false, true, false]);
  });

  test("is known to who comes later, and outlasts a lost worker", async () => {
    const { users, enter } = await scene();
    const client = await enter("participant");
    await mute(client, { audio: false }, users.owner!);
    const late = await enter("admin");
    const data = { participant_id: client.id, source: "audio" };
    expect(late.events("muted").map((event) => event.data)).toEqual([data]);
    const stream = await client.signal();
    fixture.engine.killWorker();
    await fixture.clock.advance(0);
    client.reconnect();
    await client.answerOffer(stream.ofType("offer").at(-1).data);
    expect(paused(client)).toEqual([true, false, false]);
  });

  const refused: [input: Record<string, unknown>, expected: string][] = [
    [{ audio: "no" }, "400 validation_failed"],
    [{ smell: false }, "400 validation_failed"],
    [{ participant_id: "nobody", audio: false }, "404 participant_not_found"],
    [{ room_id: "nowhere", audio: false }, "404 participant_not_found"],
    [{}, "ok"],
  ];
  test.each(refused)("with %p: %s", async (input, expected) => {
    const { users, enter } = await scene();
    const client = await enter("participant");
    expect(await outcome(mute(client, input, users.participant!))).toBe(expected);
  });
});

describe("events of a client's own", () => {
  async function trio() {
    const { room, users, enter, caller } = await scene({ room_type: "data" });
    const clients = [await enter("owner"), await enter("participant"), await enter("guest")];
    for (const client of clients) client.clear();
    const [first, second, third] = clients as [TestClient, TestClient, TestClient];
    return { room, users, caller, first, second, third };
  }

  test("reach everyone with the server's word on who sent them", async () => {
    const { room, users, first, second, third } = await trio();
    const forged = { from: "somebody", participant_id: third.id, x: 1, deep: { list: [1, "two"] } };
    await first.say("cursor.move", forged);
    const data = {
      x: 1,
      deep: { list: [1, "two"] },
      from: users.owner!.id,
      participant_id: first.id,
    };
    const timestamp = Math.floor(fixture.clock.now() / 1000);
    const expected = [{ type: "cursor.move", room_id: room, data, timestamp }];
    for (const client of [first, second, third]) expect(client.events()).toEqual(expected);
    await third.say("knock", {});
    expect(second.events("knock")[0].data).toEqual({ from: null, participant_id: third.id });
  });

  test("with `to` reach one only, or nobody and an error", async () => {
    const { first, second, third } = await trio();
    await first.say("whisper", { to: third.id, text: "hi" });
    expect(third.events("whisper")[0].data).toMatchObject({ text: "hi", participant_id: first.id });
    expect(first.events()).toEqual([]);
    expect(second.events()).toEqual([]);
    for (const to of ["nobody", 5, null, { id: third.id }]) {
      first.clear();
      await first.say("whisper", { to });
      expect(first.events().map(({ data }) => data.code)).toEqual(["participant_not_found"]);
    }
  });

  const refused: [what: string, type: string, data: unknown, code: string][] = [
    ["bytes", "blob", { bytes: new Uint8Array(4) }, "invalid_event"],
    ["what grows as JSON", "grow", { text: "\u0001".repeat(20_000) }, "frame_too_large"],
    ["a nested heap", "deep", {}, "invalid_json"],
    ["an odd name", "a b", {}, "unknown_type"],
    ["a long name", "x".repeat(65), {}, "malformed_frame"],
    ["a server's name", "participant_left", {}, "unknown_type"],
    ["a list", "list", [1], "malformed_frame"],
  ];
  test.each(refused)("with %s are refused", async (_what, type, data, code) => {
    const { first, second } = await trio();
    // Deeper than our own encoder goes, as another's may.
    const frame = type === "deep" ? rawNested(type, 500) : undefined;
    first.peer.receive(frame ?? encodeFrame("msgpack", { type, data }));
    await fixture.clock.advance(0);
    expect(first.events().map((event) => event.data.code)).toEqual([code]);
    expect(second.events()).toEqual([]);
  });
});

describe("a location", () => {
  const location = { point: { lat: 48.8566, lng: 2.3522 }, accuracy: 10 };
  const show = (room: string, caller: Caller, given: unknown = location) =>
    fixture.call("rooms.broadcastLocation", { room_id: room, location: given }, caller);

  test("is shown to everyone in the room", async () => {
    const { room, users, enter } = await scene({ room_type: "data" });
    const [owner, client] = [await enter("owner"), await enter("participant")];
    await show(room, users.participant!);
    const data = { from: users.participant!.id, participant_id: client.id, location };
    for (const one of [owner, client]) {
      expect(one.events("location").map((event) => event.data)).toEqual([data]);
    }
    const guest = await fixture.enter(room, guestAt(7));
    await show(room, await guest.self());
    expect(owner.events("location").at(-1).data.from).toBeNull();
  });

  test("is for those in the room", async () => {
    const { room, users, enter } = await scene({ room_type: "data" });
    const elsewhere = await (await enter("participant")).self();
    const other = await scene({ room_type: "data" });
    expect(await outcome(show(room, users.stranger!))).toBe("403 not_in_room");
    expect(await outcome(show(room, users.owner!))).toBe("403 not_in_room");
    expect(await outcome(show(room, GUEST))).toBe("401 unauthenticated");
    expect(await outcome(show(other.room, elsewhere))).toBe("403 not_in_room");
    expect(await outcome(show("nowhere", users.owner!))).toBe("403 not_in_room");
  });

  const bad: unknown[] = [
    {},
    { point: { lat: 91, lng: 0 } },
    { point: { lat: 0, lng: -181 } },
    { point: { lat: Number.NaN, lng: 0 } },
    { point: { lat: "0", lng: 0 } },
    { ...location, accuracy: -1 },
    { ...location, note: "x" },
    "here",
  ];
  test.each(bad)("that is %p is refused", async (given) => {
    const { room, users } = await scene({ room_type: "data" });
    expect(await outcome(show(room, users.owner!, given))).toBe("400 validation_failed");
  });
});

test("the counts of a room are for who may see it", async () => {
  const { room, users, enter } = await scene({ is_public: false, join_type: "require_approval" });
  const stats = (caller: Caller) => fixture.call("rooms.stats", { room_id: room }, caller);
  const none = { audio: 0, video: 0, screen: 0 };
  const empty = { participants: 0, guests: 0, producers: 0, muted: 0, consumers: 0, sources: none };
  expect(await stats(users.participant!)).toMatchObject({ room_id: room, ...empty });
  expect(await outcome(stats(users.stranger!))).toBe("404 not_found");
  expect(await outcome(stats(GUEST))).toBe("404 not_found");
  const client = await enter("owner");
  await enter("participant");
  await mute(client, { audio: false }, users.owner!);
  expect(await stats(fixture.root())).toMatchObject({
    participants: 2,
    guests: 0,
    producers: 6,
    muted: 1,
    sources: { audio: 2, video: 2, screen: 2 },
  });
});

/** MsgPack of `{type, data: {in: {in: …}}}`, written by hand. */
function rawNested(type: string, depth: number): Uint8Array {
  const text = (value: string) => [0xa0 | value.length, ...Buffer.from(value)];
  const levels = Array.from({ length: depth }, () => [0x81, ...text("in")]).flat();
  return Uint8Array.from([0x82, ...text("type"), ...text(type), ...text("data"), ...levels, 0x80]);
}
