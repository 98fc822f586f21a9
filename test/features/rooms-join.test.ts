/** Who gets into a room, and what a join answers. */

import { describe, expect, test } from "bun:test";
import type { UserCaller } from "../../src/core/access.ts";
import type { Values } from "../../src/features/records/index.ts";
import {
  GUEST,
  guestAt,
  type Json,
  outcome,
  type RoomsFixture,
  roomsFixture,
  sharedRooms,
} from "./rooms-fixture.ts";

const { fixture, owner } = await sharedRooms();
let people = 0;

const newcomer = () => fixture.person(`Newcomer${++people}`);
const join = (room: string, caller: Parameters<RoomsFixture["call"]>[2], input = {}) =>
  fixture.call("rooms.join", { room_id: room, ...input }, caller);

async function membership(room: string, user: UserCaller): Promise<Json> {
  return fixture.records.find(fixture.app.context(), "roomMembers", { room, user: user.id });
}

/** A room as no route of this server makes it yet: paid ones. */
async function roomWith(values: Values): Promise<string> {
  const row = { roomType: "data", owner: owner.id, ...values };
  return (await fixture.records.create(fixture.app.context(), "rooms", row)).id;
}

describe("a join needs", () => {
  const past = "2020-01-01 00:00:00.000Z";
  const future = "2030-01-01 00:00:00.000Z";
  const rows: [what: string, joinType: string, member: Values | undefined, expected: string][] = [
    ["nothing in a free room", "free", undefined, "ok"],
    ["nothing in a free room, asked or expired before", "free", { status: "expired" }, "ok"],
    ["no ban", "free", { status: "banned" }, "403 banned"],
    ["no ban where approval is needed", "require_approval", { status: "banned" }, "403 banned"],
    ["a membership", "require_approval", undefined, "403 membership_required"],
    ["an approved one", "require_approval", { status: "pending" }, "403 membership_pending"],
    ["one not rejected", "require_approval", { status: "rejected" }, "403 membership_required"],
    ["an active one", "require_approval", { status: "active" }, "ok"],
    ["one not marked expired", "paid_period", { status: "expired" }, "403 membership_expired"],
    ["one still running", "paid_period", { expiresAt: past }, "403 membership_expired"],
    ["one running for a while", "paid_period", { expiresAt: future }, "ok"],
    ["a paid one", "paid_period", { status: "pending" }, "402 payment_required"],
    ["a paid one for ever", "paid_lifetime", { status: "pending" }, "402 payment_required"],
    ["a membership of a paid room", "paid_lifetime", undefined, "403 membership_required"],
  ];
  test.each(rows)("%s (%s)", async (_what, joinType, member, expected) => {
    const room = await roomWith({ joinType });
    const user = await newcomer();
    if (member) await fixture.member(room, user, member);
    expect(await outcome(join(room, user))).toBe(expected);
    const after = await membership(room, user);
    if (expected === "ok") expect(after.status).toBe("active");
    else expect(after?.status).toBe(member && (member.status ?? "active"));
  });

  test("a room that is there and open", async () => {
    const room = await roomWith({});
    expect(await outcome(join("nowhere", owner))).toBe("404 not_found");
    await fixture.call("rooms.close", { room_id: room }, owner);
    expect(await outcome(join(room, owner))).toBe("409 room_inactive");
  });

  test("an account of a user, where it is an account", async () => {
    const other = { ...owner, collection: "robots" };
    expect(await outcome(join(await roomWith({}), other))).toBe("401 unauthenticated");
  });
});

describe("guests", () => {
  const rows: [values: Values, expected: string][] = [
    [{}, "ok"],
    [{ isPublic: false }, "403 membership_required"],
    [{ joinType: "require_approval" }, "403 membership_required"],
    [{ joinType: "paid_period", price: 5 }, "403 membership_required"],
  ];
  test.each(rows)("in a room with %p: %s", async (values, expected) => {
    expect(await outcome(join(await roomWith(values), guestAt(20)))).toBe(expected);
  });

  test("are nobody's user", async () => {
    const room = await roomWith({});
    const guest = await fixture.join(room, GUEST);
    const { items } = await fixture.call("rooms.participants", { room_id: room }, GUEST);
    expect(items).toEqual([
      {
        participant_id: guest.id,
        user_id: null,
        name: "",
        role: "participant",
        sources: [],
        muted: [],
        joined_at: new Date(fixture.clock.now()).toISOString(),
      },
    ]);
  });

  test("join a number of times a minute", async () => {
    const room = await roomWith({});
    const guest = guestAt(30);
    const outcomes: string[] = [];
    for (let i = 0; i < 21; i++) outcomes.push(await outcome(join(room, guest)));
    expect(outcomes.slice(0, 20)).toEqual(Array(20).fill("ok"));
    expect(outcomes[20]).toBe("429 rate_limited");
    expect(await outcome(join(room, guestAt(31)))).toBe("ok");
  });
});

describe("superusers", () => {
  test("join any open room without a membership", async () => {
    const room = await roomWith({ isPublic: false, joinType: "paid_period" });
    expect(await outcome(join(room, fixture.root()))).toBe("ok");
  });
});

describe("room for", () => {
  test("as many as it takes, counted live", async () => {
    const room = await fixture.room(owner, { room_type: "data", max_participants: 2 });
    const first = await fixture.join(room, owner);
    await fixture.join(room, guestAt(40));
    const late = await newcomer();
    expect(await outcome(join(room, late))).toBe("409 room_full");
    expect(await membership(room, late)).toBeUndefined();
    await first.hangUp();
    expect(await outcome(join(room, late))).toBe("ok");
  });

  test("as many as the server takes, whatever the room says", async () => {
    await using small = await roomsFixture({ participantsMax: 1 });
    const user = await small.person("Sam");
    const room = await small.room(user, { room_type: "data", max_participants: 50 });
    await small.join(room, user);
    const call = small.call("rooms.join", { room_id: room }, user);
    expect(await outcome(call)).toBe("409 room_full");
  });

  test("joins at the same moment, one too many", async () => {
    const room = await fixture.room(owner, { room_type: "data", max_participants: 1 });
    const both = [join(room, await newcomer()), join(room, await newcomer())];
    expect((await Promise.all(both.map(outcome))).toSorted()).toEqual(["409 room_full", "ok"]);
  });

  test("several devices of a user, with one membership, up to a bound", async () => {
    const room = await fixture.room(owner, { room_type: "data" });
    const user = await newcomer();
    const devices = await Promise.all(Array.from({ length: 8 }, () => join(room, user)));
    expect(new Set(devices.map((device) => device.participant_id)).size).toBe(8);
    expect(await outcome(join(room, user))).toBe("409 too_many_devices");
    const where = { room, user: user.id };
    const context = fixture.app.context();
    expect(await fixture.records.count(context, "roomMembers", where)).toBe(1);
  });
});

describe("the answer of a join", () => {
  const sections = (joined: Json) =>
    [...joined.sdp.sdp.matchAll(/^m=(\w+)[\s\S]*?^a=(recvonly|sendonly|sctp-port)/gm)].map(
      ([, kind, way]) => `${kind} ${way}`,
    );
  const channel = "application sctp-port";
  const [mic, camera] = ["audio recvonly", "video recvonly"];
  const [hear, see] = ["audio sendonly", "video sendonly"];
  const rows: [what: string, type: string, input: Json, expected: string[]][] = [
    ["a data room", "data", {}, [channel]],
    ["an audio room", "audio", {}, [channel, mic, hear]],
    ["a video room", "video", {}, [channel, mic, camera, camera, hear, see]],
    ["one who only watches", "video", { publish: [] }, [channel, hear, see]],
    ["one who only speaks", "video", { publish: ["audio"] }, [channel, mic, hear, see]],
    [
      "one who takes nothing",
      "video",
      { receive: { audio: 0, video: 0 } },
      [channel, mic, camera, camera],
    ],
    [
      "wishes the room does not carry",
      "audio",
      { publish: ["screen", "audio"] },
      [channel, mic, hear],
    ],
  ];
  test.each(rows)("offers for %s (%s)", async (_what, room_type, input, expected) => {
    const room = await fixture.room(await newcomer(), { room_type });
    const joined = await join(room, guestAt(50), input);
    expect(sections(joined)).toEqual(expected);
    const sending = joined.sdp.sdp.match(/^a=sendonly/gm)?.length ?? 0;
    expect(joined.slots).toHaveLength(sending);
    expect(joined).toMatchObject({ mode: "slots", offer_id: "1", ice_servers: [] });
    expect(joined.participant_token).toMatch(/^pt_[A-Za-z0-9]{43}$/);
  });

  test("offers a member what its permissions let it publish", async () => {
    const room = await fixture.room(owner, { room_type: "video" });
    const user = await newcomer();
    await fixture.member(room, user, { permissions: { publish: ["audio"] } });
    expect(sections(await join(room, user))).toEqual([channel, mic, hear, see]);
  });

  const refused: [input: Json, field: string][] = [
    [{ mode: "holograms" }, "mode"],
    [{ receive: { video: 26 } }, "receive.video"],
    [{ receive: { audio: -1 } }, "receive.audio"],
    [{ publish: ["telepathy"] }, "publish.0"],
    [{ token: "x" }, "token"],
  ];
  test.each(refused)("is 400 for %p", async (input, field) => {
    const room = await roomWith({});
    const error: Json = await join(room, owner, input).catch((thrown) => thrown);
    expect(error).toMatchObject({ status: 400, code: "validation_failed" });
    expect(Object.keys(error.data)).toEqual([field]);
  });

  test("tells the others, and the bus", async () => {
    const room = await fixture.room(owner, { room_type: "data", is_public: false });
    const first = await fixture.enter(room, owner);
    const user = await newcomer();
    first.clear();
    fixture.facts.length = 0;
    const second = await fixture.enter(room, user);
    const data = { participant_id: second.id, user_id: user.id, name: user.name };
    expect(first.events()).toEqual([
      {
        type: "participant_joined",
        room_id: room,
        data: { ...data, role: "participant" },
        timestamp: Math.floor(fixture.clock.now() / 1000),
      },
    ]);
    expect(fixture.facts).toMatchObject([
      {
        topic: "rooms",
        type: "participant_joined",
        payload: { room_id: room, ...data },
        audience: { to: "users", ids: [owner.id, user.id] },
      },
    ]);
  });

  test("without media is 503, and rooms are kept all the same", async () => {
    await using still = await roomsFixture();
    const user = await still.person("Una");
    const room = await still.room(user);
    still.engine.killWorker({ stayDown: true });
    const call = () => outcome(still.call("rooms.join", { room_id: room }, user));
    expect(await call()).toBe("503 media_unavailable");
    expect(await still.call("rooms.view", { room_id: room }, user)).toMatchObject({
      participants: 0,
    });
    still.engine.restoreWorker();
    expect(await call()).toBe("ok");
  });
});
