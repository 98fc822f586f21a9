/** Rooms as such: made, listed, kept; and those of guests, which go when nobody is in them. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { UserCaller } from "../../src/core/access.ts";
import { dateMs } from "../../src/features/records/index.ts";
import {
  GUEST,
  guestAt,
  type Json,
  outcome,
  type RoomsFixture,
  roomsFixture,
} from "./rooms-fixture.ts";

let fixture: RoomsFixture;
let owner: UserCaller;
beforeEach(async () => {
  fixture = await roomsFixture();
  owner = await fixture.person("Olga");
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

const create = (caller: Parameters<RoomsFixture["call"]>[2], input: Record<string, unknown>) =>
  fixture.call("rooms.create", input, caller);
const stored = (id: string) => fixture.records.find(fixture.app.context(), "rooms", id);

describe("a room", () => {
  test("has its defaults, an owner, who is its first member, and an event", async () => {
    const room = await create(owner, { room_type: "audio", name: "Kitchen" });
    expect(room).toEqual({
      room_id: expect.stringMatching(/^[a-z0-9]{15}$/),
      room_type: "audio",
      name: "Kitchen",
      description: "",
      owner: owner.id,
      join_type: "free",
      price: 0,
      period_days: 0,
      max_participants: 0,
      is_active: true,
      is_public: true,
      participants: 0,
      created: room.created,
      updated: room.created,
    });
    const where = { room: room.room_id };
    const page = { where, limit: 10 };
    const members = await fixture.records.list(fixture.app.context(), "roomMembers", page);
    expect(members).toMatchObject([{ user: owner.id, role: "owner", status: "active" }]);
    expect(dateMs(members[0]?.joinedAt)).toBe(fixture.clock.now());
    expect(await stored(room.room_id)).toMatchObject({ creator: owner.id, isTemporary: false });
    expect(fixture.factsOf("room_created")).toEqual([
      { room_id: room.room_id, room_type: "audio", name: "Kitchen", owner: owner.id },
    ]);
  });

  test("is what was asked for", async () => {
    const wish = {
      room_type: "data",
      name: "Club",
      description: "Come in",
      is_public: false,
      max_participants: 12,
      join_type: "require_approval",
    };
    expect(await create(owner, wish)).toMatchObject(wish);
  });

  const refused: [input: Record<string, unknown>, expected: string][] = [
    [{}, "400 validation_failed"],
    [{ room_type: "smell" }, "400 validation_failed"],
    [{ room_type: "data", name: "x".repeat(256) }, "400 validation_failed"],
    [{ room_type: "data", max_participants: -1 }, "400 validation_failed"],
    [{ room_type: "data", owner: "somebody" }, "400 validation_failed"],
    [{ room_type: "data", join_type: "paid_period", price: 5 }, "400 payments_unavailable"],
    [{ room_type: "data", join_type: "paid_lifetime" }, "400 payments_unavailable"],
  ];
  test.each(refused)("of %p is %s", async (input, expected) => {
    expect(await outcome(create(owner, input))).toBe(expected);
  });

  test("has no negative price, whoever writes it", async () => {
    const row = { roomType: "data", owner: owner.id, price: -1 };
    const write = fixture.records.create(fixture.app.context(), "rooms", row);
    expect(await outcome(write)).toBe("400 validation_failed");
    const { room_id } = await create(owner, { room_type: "data" });
    const target = { collection: "rooms", id: room_id };
    const update = fixture.records.update(fixture.app.context(), target, { periodDays: -1 });
    expect(await outcome(update)).toBe("400 validation_failed");
  });

  test("has one membership for each user", async () => {
    const { room_id } = await create(owner, { room_type: "data" });
    expect(await outcome(fixture.member(room_id, owner, {}))).toBe("400 not_unique");
  });

  test("of a superuser has no owner, and stays when it is empty", async () => {
    const room = await create(fixture.root(), { room_type: "data", description: "For all" });
    expect(room.owner).toBe("");
    await fixture.clock.advance(3_600_000);
    expect(await stored(room.room_id)).toBeDefined();
  });

  test("that is deactivated by whatever writes it ends for those inside", async () => {
    const { room_id } = await create(owner, { room_type: "data" });
    const client = await fixture.enter(room_id, owner);
    const target = { collection: "rooms", id: room_id };
    await fixture.records.update(fixture.app.context(), target, { name: "Other" });
    expect(client.peer.closed).toBe(false);
    await fixture.records.update(fixture.app.context(), target, { isActive: false });
    expect(client.events("room_closed")).toHaveLength(1);
    expect(client.peer.closed).toBe(true);
    await fixture.records.update(fixture.app.context(), target, { name: "Closed" });
    expect(fixture.factsOf("room_closed")).toHaveLength(1);
  });
});

describe("the list", () => {
  const names = (page: Json) => page.items.map(({ name }: Json) => name);

  test("has public active rooms and one's own, newest first, page by page", async () => {
    const user = await fixture.person("Ute");
    const rooms: Record<string, Json> = {};
    const make = async (name: string, caller: UserCaller, input = {}) => {
      await fixture.clock.advance(10);
      rooms[name] = await create(caller, { room_type: "data", name, ...input });
    };
    await make("public", owner);
    await make("closed", owner);
    await make("hidden", owner, { is_public: false });
    await make("hidden, member", owner, { is_public: false });
    await make("hidden, pending", owner, { is_public: false });
    await make("hidden, expired", owner, { is_public: false });
    await make("mine", user, { is_public: false });
    await fixture.call("rooms.close", { room_id: rooms.closed.room_id }, owner);
    await fixture.member(rooms["hidden, member"].room_id, user, {});
    await fixture.member(rooms["hidden, pending"].room_id, user, { status: "pending" });
    const past = { expiresAt: "2020-01-01 00:00:00.000Z" };
    await fixture.member(rooms["hidden, expired"].room_id, user, past);

    expect(names(await fixture.call("rooms.list", {}, GUEST))).toEqual(["public"]);
    const own = ["mine", "hidden, member", "public"];
    const all = await fixture.call("rooms.list", {}, user);
    expect(names(all)).toEqual(own);
    expect(all).toMatchObject({ page: 1, perPage: 30, totalItems: 3, totalPages: 1 });
    expect(names(await fixture.call("rooms.list", {}, owner))).toHaveLength(6);
    expect(names(await fixture.call("rooms.list", {}, fixture.root()))).toHaveLength(7);

    const second = await fixture.call("rooms.list", { page: 2, perPage: 2 }, user);
    expect(second).toMatchObject({ page: 2, perPage: 2, totalItems: 3, totalPages: 2 });
    expect(names(second)).toEqual(["public"]);
    const bounded = await fixture.call("rooms.list", { page: -1, perPage: 99_999 }, user);
    expect(bounded).toMatchObject({ page: 1, perPage: 1000 });
  });

  test("counts who is there", async () => {
    const { room_id } = await create(owner, { room_type: "data" });
    await fixture.join(room_id, owner);
    await fixture.join(room_id, GUEST);
    const { items } = await fixture.call("rooms.list", {}, GUEST);
    expect(items).toMatchObject([{ room_id, participants: 2 }]);
    const view = await fixture.call("rooms.view", { room_id }, GUEST);
    expect(view.participants).toBe(2);
  });
});

describe("a guest's room", () => {
  const IDLE = 5 * 60_000;

  test("is public, free and nobody's", async () => {
    const room = await create(GUEST, { room_type: "video", name: "Corner" });
    expect(room).toMatchObject({
      room_type: "video",
      name: "Corner",
      owner: "",
      join_type: "free",
      is_public: true,
    });
    expect(room).not.toHaveProperty("is_temporary");
  });

  test("has a type and a name, and no more", async () => {
    for (const more of [{ is_public: false }, { max_participants: 2 }, { description: "x" }]) {
      const call = create(GUEST, { room_type: "data", ...more });
      expect(await outcome(call)).toBe("401 unauthenticated");
    }
  });

  test("is one of five a minute from an address", async () => {
    const made = () => outcome(create(GUEST, { room_type: "data" }));
    for (let i = 0; i < 5; i++) expect(await made()).toBe("ok");
    expect(await made()).toBe("429 rate_limited");
    expect(await outcome(create(guestAt(2), { room_type: "data" }))).toBe("ok");
    await fixture.clock.advance(12_000);
    expect(await made()).toBe("ok");
  });

  test("can be turned off", async () => {
    await using closed = await roomsFixture({ anonymousCreate: false });
    const call = closed.call("rooms.create", { room_type: "data" }, GUEST);
    expect(await outcome(call)).toBe("401 unauthenticated");
  });

  test("goes when nobody ever came", async () => {
    const { room_id } = await create(GUEST, { room_type: "data" });
    await fixture.clock.advance(IDLE - 1);
    expect(await stored(room_id)).toBeDefined();
    await fixture.clock.advance(1);
    expect(await stored(room_id)).toBeUndefined();
    expect(fixture.factsOf("room_closed")).toEqual([{ room_id, reason: "deleted" }]);
  });

  test("stays while somebody is in it, and goes some time after the last left", async () => {
    const { room_id } = await create(GUEST, { room_type: "data" });
    const client = await fixture.enter(room_id, owner);
    await fixture.clock.advance(2 * IDLE);
    expect(await stored(room_id)).toBeDefined();
    await client.hangUp();
    await fixture.clock.advance(IDLE - 1);
    const again = await fixture.enter(room_id, GUEST);
    await fixture.clock.advance(2 * IDLE);
    await again.hangUp();
    await fixture.clock.advance(IDLE);
    expect(await stored(room_id)).toBeUndefined();
    // With the membership that joining it made.
    const left = { room: room_id };
    expect(await fixture.records.count(fixture.app.context(), "roomMembers", left)).toBe(0);
    await fixture.clock.advance(10_000);
    expect(fixture.timers).toBe(0);
  });

  test("goes sooner where the configuration says so", async () => {
    await using hasty = await roomsFixture({ anonymousIdle: 1_000 });
    const { room_id } = await hasty.call("rooms.create", { room_type: "data" }, GUEST);
    await hasty.clock.advance(1_000);
    expect(await outcome(hasty.call("rooms.view", { room_id }, GUEST))).toBe("404 not_found");
  });

  test("closed by a superuser goes too", async () => {
    const { room_id } = await create(GUEST, { room_type: "data" });
    const client = await fixture.enter(room_id, GUEST);
    await fixture.call("rooms.close", { room_id }, fixture.root());
    expect(client.events("room_closed")[0].data.reason).toBe("closed");
    await fixture.clock.advance(IDLE);
    expect(await stored(room_id)).toBeUndefined();
  });

  test("left over by a server that stopped goes after the next start", async () => {
    const { room_id } = await create(GUEST, { room_type: "data" });
    const next = await fixture.restart();
    await using server = next;
    const view = () => outcome(server.call("rooms.view", { room_id }, GUEST));
    expect(await view()).toBe("ok");
    await server.clock.advance(IDLE);
    expect(await view()).toBe("404 not_found");
  });
});

test("the check is for superusers and tells of workers and ports", async () => {
  const { room_id } = await create(owner, { room_type: "data" });
  await fixture.join(room_id, owner);
  expect(await outcome(fixture.call("rooms.check", {}, owner))).toBe("403 forbidden");
  expect(await outcome(fixture.call("rooms.check", {}, GUEST))).toBe("401 unauthenticated");
  expect(await fixture.call("rooms.check", {}, fixture.root())).toMatchObject({
    enabled: true,
    workers: [{ index: 0, port: 20_000, alive: true, rooms: 1, restarts: 0 }],
    candidates: [{ port: 20_000, protocol: "udp", ok: true }],
    rooms: 1,
    participants: 1,
  });
});

test("a dead worker is a failed check", async () => {
  const worker = async () =>
    (await fixture.app.checks()).find(({ name }) => name === "media worker 0");
  expect(await worker()).toMatchObject({ ok: true });
  fixture.engine.killWorker({ stayDown: true });
  expect(await worker()).toMatchObject({ ok: false, detail: expect.stringContaining("down") });
});
