/** Belonging to a room: what each act does, two acts at once, and time that runs out. */

import { describe, expect, test } from "bun:test";
import { dateMs } from "../../src/features/records/index.ts";
import { castIn } from "./rooms-cast.ts";
import {
  type Json,
  outcome,
  type RoomsFixture,
  roomsFixture,
  sharedRooms,
} from "./rooms-fixture.ts";

const { fixture } = await sharedRooms();
let people = 0;

const cast = (input?: Record<string, unknown>) => castIn(fixture, input);

describe("asking to join", () => {
  test("waits for approval, and is told to those who decide, once", async () => {
    const players = await cast();
    const first = await players.call("stranger", "rooms.requestJoin");
    expect(first).toEqual({ member_id: expect.any(String), status: "pending" });
    expect(await players.call("stranger", "rooms.requestJoin")).toEqual(first);
    const join = () => outcome(players.call("stranger", "rooms.join"));
    expect(await join()).toBe("403 membership_pending");
    const user_id = players.people.stranger!.id;
    const told = [{ type: "join_request", room_id: players.room, user_id }];
    for (const role of ["owner", "admin", "other admin"]) {
      expect(await players.notices(role)).toEqual(told);
    }
    expect(await players.notices("participant")).toEqual([]);
    expect(await players.notices("stranger")).toEqual([]);

    expect(await players.act("admin", "approve", "stranger")).toBe("ok");
    expect(await players.row("stranger")).toMatchObject({
      status: "active",
      approvedBy: players.people.admin!.id,
    });
    expect(dateMs((await players.row("stranger")).joinedAt)).toBe(fixture.clock.now());
    expect(await players.notices("stranger")).toEqual([
      { type: "room_join_approved", room_id: players.room },
    ]);
    expect(await join()).toBe("ok");
  });

  test("of a free room is being in it, without a word to anybody", async () => {
    const players = await cast({ join_type: "free" });
    expect(await players.call("stranger", "rooms.requestJoin")).toMatchObject({ status: "active" });
    expect(await players.notices("owner")).toEqual([]);
  });

  test("is free again for who was turned down, not for who is banned", async () => {
    const players = await cast();
    expect(await players.act("owner", "reject", "pending")).toBe("ok");
    expect(await players.notices("pending")).toMatchObject([{ type: "room_join_rejected" }]);
    expect(await players.call("pending", "rooms.requestJoin")).toMatchObject({ status: "pending" });
    expect(await players.act("owner", "ban", "pending")).toBe("ok");
    expect(await players.act("owner", "reject", "pending")).toBe("409 not_pending");
    expect(await outcome(players.call("pending", "rooms.requestJoin"))).toBe("403 banned");
  });

  test("is refused by a closed room and by one that costs", async () => {
    const players = await cast();
    const context = fixture.app.context();
    const target = { collection: "rooms", id: players.room };
    await fixture.records.update(context, target, { joinType: "paid_lifetime", price: 5 });
    const ask = () => outcome(players.call("stranger", "rooms.requestJoin"));
    expect(await ask()).toBe("400 payments_unavailable");
    expect(await players.act("owner", "approve", "pending")).toBe("400 payments_unavailable");
    await fixture.records.update(context, target, { joinType: "free" });
    await fixture.call("rooms.close", { room_id: players.room }, players.people.owner!);
    expect(await ask()).toBe("409 room_inactive");
    const unknown = { room_id: "nosuchroom12345" };
    const missing = fixture.call("rooms.requestJoin", unknown, players.people.stranger!);
    expect(await outcome(missing)).toBe("404 not_found");
  });

  test("shows in the room's view and among one's own rooms", async () => {
    const players = await cast();
    const seen = await players.call("pending", "rooms.view");
    expect(seen.membership).toMatchObject({ status: "pending", role: "participant" });
    expect((await players.call("stranger", "rooms.view")).membership).toBeNull();
    expect((await players.call("guest", "rooms.view")).membership).toBeNull();
    const mine = (role: string, input = {}) =>
      fixture.call("rooms.mine", input, players.caller(role));
    expect((await mine("pending")).items).toEqual([]);
    expect((await mine("pending", { status: "all" })).items).toMatchObject([
      { room_id: players.room, membership: { status: "pending" } },
    ]);
    expect(await mine("owner")).toMatchObject({
      totalItems: 1,
      items: [{ room_id: players.room, membership: { role: "owner" } }],
    });
    expect(await outcome(mine("superuser"))).toBe("401 unauthenticated");
  });
});

describe("the list of members", () => {
  test("has who belongs now, with names, page by page", async () => {
    const players = await cast();
    const past = "2020-01-01 00:00:00.000Z";
    const late = await fixture.person(`late${++people}`);
    await fixture.member(players.room, late, { expiresAt: past });
    const all = await players.call("participant", "rooms.members");
    expect(all.items.map(({ role, status }: Json) => [role, status])).toEqual([
      ["owner", "active"],
      ["admin", "active"],
      ["admin", "active"],
      ["participant", "active"],
      ["participant", "active"],
    ]);
    expect(all.items[0]).toEqual({
      member_id: expect.any(String),
      room_id: players.room,
      user_id: players.people.owner!.id,
      name: players.people.owner!.name,
      role: "owner",
      status: "active",
      joined_at: expect.any(String),
      expires_at: "",
    });
    const second = await players.call("owner", "rooms.members", { page: 2, perPage: 2 });
    expect(second).toMatchObject({ page: 2, perPage: 2, totalItems: 5, totalPages: 3 });
    const expired = await players.call("owner", "rooms.members", { status: "expired" });
    expect(expired.items).toMatchObject([{ user_id: late.id, status: "expired" }]);
    const one = { status: "all", user_id: players.people.banned!.id };
    const found = await players.call("admin", "rooms.members", one);
    expect(found.items).toMatchObject([{ status: "banned" }]);
  });
});

describe("a ban", () => {
  test("ends every device at once and says so", async () => {
    const players = await cast();
    const witness = await fixture.enter(players.room, players.people.owner!);
    const victim = players.people.participant!;
    const devices = [
      await fixture.enter(players.room, victim),
      await fixture.enter(players.room, victim),
    ];
    expect(await players.act("admin", "ban", "participant")).toBe("ok");
    expect(devices.map(({ peer }) => peer.closed)).toEqual([true, true]);
    const left = witness.events("participant_left").map(({ data }) => data.reason);
    expect(left).toEqual(["banned", "banned"]);
    expect(await outcome(devices[0]!.self())).toBe("401 invalid_token");
    expect(await players.notices("participant")).toMatchObject([{ type: "room_banned" }]);
    expect(await outcome(players.call("participant", "rooms.join"))).toBe("403 banned");
  });

  test("takes the power of an admin for good; approving lifts it", async () => {
    const players = await cast();
    expect(await players.act("owner", "ban", "admin")).toBe("ok");
    expect(await players.act("other admin", "approve", "admin")).toBe("ok");
    expect(await players.row("admin")).toMatchObject({ status: "active", role: "participant" });
    expect(await outcome(players.call("admin", "rooms.join"))).toBe("ok");
  });
});

describe("roles", () => {
  test("change for those inside at once, and the person is told", async () => {
    const players = await cast();
    const witness = await fixture.enter(players.room, players.people.owner!);
    await fixture.enter(players.room, players.people.participant!);
    const user_id = players.people.participant!.id;
    expect(await players.act("owner", "promote", "participant")).toBe("ok");
    expect(await players.act("owner", "promote", "participant")).toBe("ok");
    expect(witness.events("role_changed").map(({ data }) => data)).toEqual([
      { user_id, role: "admin" },
    ]);
    const { items } = await players.call("owner", "rooms.participants");
    expect(items).toMatchObject([{ role: "owner" }, { role: "admin" }]);
    expect(await players.act("owner", "demote", "participant")).toBe("ok");
    expect(witness.events("role_changed").at(-1).data).toEqual({ user_id, role: "participant" });
    expect(await players.notices("participant")).toEqual([
      { type: "promoted_to_room_admin", room_id: players.room },
    ]);
  });

  test("come along with ownership, which the old owner keeps an admin's part of", async () => {
    const players = await cast();
    const witness = await fixture.enter(players.room, players.people.owner!);
    const heir = players.people.participant!.id;
    const room = await players.call("owner", "rooms.transferOwnership", { new_owner_id: heir });
    expect(room.owner).toBe(heir);
    expect(await players.row("participant")).toMatchObject({ role: "owner", status: "active" });
    expect(await players.row("owner")).toMatchObject({ role: "admin", status: "active" });
    const changed = witness.events("role_changed").map(({ data }) => data);
    expect(changed).toEqual([
      { user_id: heir, role: "owner" },
      { user_id: players.people.owner!.id, role: "admin" },
    ]);
    expect(await players.notices("participant")).toEqual([
      { type: "ownership_transferred", room_id: players.room },
    ]);
    expect(await players.notices("owner")).toEqual([]);
    expect(await outcome(players.call("owner", "rooms.leave"))).toBe("ok");
  });

  const heirs: [who: string, expected: string][] = [
    ["stranger", "409 not_a_member"],
    ["pending", "409 not_a_member"],
    ["banned", "409 not_a_member"],
    ["owner", "ok"],
    ["admin", "ok"],
  ];
  test.each(heirs)("ownership goes to %s: %s", async (who, expected) => {
    const players = await cast();
    const input = { new_owner_id: players.people[who]!.id };
    const call = players.call("owner", "rooms.transferOwnership", input);
    expect(await outcome(call)).toBe(expected);
    const owner = expected === "ok" ? input.new_owner_id : players.people.owner!.id;
    expect((await players.call("guest", "rooms.view")).owner).toBe(owner);
  });
});

describe("settings", () => {
  test("change, count for the next join, and put nobody out", async () => {
    const players = await cast();
    const inside = await fixture.enter(players.room, players.people.owner!);
    await fixture.enter(players.room, players.people.admin!);
    const wish = { name: "Den", description: "d", max_participants: 1, join_type: "free" };
    expect(await players.call("owner", "rooms.configure", wish)).toMatchObject(wish);
    expect(inside.peer.closed).toBe(false);
    expect(await outcome(players.call("participant", "rooms.join"))).toBe("409 room_full");
    expect(await players.call("owner", "rooms.configure", { max_participants: 0 })).toMatchObject({
      name: "Den",
      max_participants: 0,
    });
    // Who waited for approval needs none any more.
    expect(await outcome(players.call("pending", "rooms.join"))).toBe("ok");
  });

  test("decide who hears of the room from then on", async () => {
    const players = await cast();
    const inside = await fixture.enter(players.room, players.people.owner!);
    fixture.facts.length = 0;
    await players.call("owner", "rooms.configure", { is_public: false });
    await inside.say("reaction", { type: "👏" });
    const owner = players.people.owner!.id;
    expect(fixture.facts.at(-1)?.audience).toEqual({ to: "users", ids: [owner] });
  });

  const refused: [input: Record<string, unknown>, expected: string][] = [
    [{ join_type: "paid_period" }, "400 payments_unavailable"],
    [{ join_type: "sometimes" }, "400 validation_failed"],
    [{ max_participants: -1 }, "400 validation_failed"],
    [{ room_type: "audio" }, "400 validation_failed"],
    [{ owner: "me" }, "400 validation_failed"],
    [{ name: "x".repeat(256) }, "400 validation_failed"],
  ];
  test.each(refused)("to %p are %s", async (input, expected) => {
    const players = await cast();
    expect(await outcome(players.call("owner", "rooms.configure", input))).toBe(expected);
  });
});

describe("two at once", () => {
  const all = (calls: Promise<unknown>[]) => Promise.all(calls.map(outcome));

  test("hand a room over to one of two", async () => {
    const players = await cast();
    const to = (who: string) =>
      players.call("owner", "rooms.transferOwnership", { new_owner_id: players.people[who]!.id });
    expect((await all([to("admin"), to("participant")])).sort()).toEqual(["403 forbidden", "ok"]);
    const { items } = await players.call("superuser", "rooms.members", { perPage: 100 });
    const owners = items.filter(({ role }: Json) => role === "owner");
    expect(owners).toHaveLength(1);
    expect((await players.call("guest", "rooms.view")).owner).toBe(owners[0].user_id);
  });

  test("ask from two devices for one membership and one notice", async () => {
    const players = await cast();
    const ask = () => players.call("stranger", "rooms.requestJoin");
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(new Set(answers.map(({ member_id }) => member_id)).size).toBe(1);
    expect(await players.notices("owner")).toHaveLength(1);
  });

  test("ban and approve: the later one stands, and is one of the two", async () => {
    const players = await cast();
    const member_id = (await players.row("pending")).id;
    const call = (name: string, who: string) =>
      fixture.call(`roomMembers.${name}`, { member_id }, players.caller(who));
    expect(await all([call("ban", "admin"), call("approve", "owner")])).toEqual(["ok", "ok"]);
    expect((await players.row("pending")).status).toBe("active");
    expect(await all([call("approve", "owner"), call("ban", "admin")])).toEqual(["ok", "ok"]);
    expect((await players.row("pending")).status).toBe("banned");
  });

  test("leave and ban: leaving does not take the ban along", async () => {
    const players = await cast();
    const member_id = (await players.row("participant")).id;
    const ban = fixture.call("roomMembers.ban", { member_id }, players.people.owner!);
    const leave = players.call("participant", "rooms.leave");
    expect(await all([ban, leave])).toEqual(["ok", "403 banned"]);
    expect((await players.row("participant")).status).toBe("banned");
  });

  test("demote and act: the second sees the first", async () => {
    const players = await cast();
    const demoted = (await players.row("admin")).id;
    const victim = (await players.row("participant")).id;
    const results = await all([
      fixture.call("roomMembers.demote", { member_id: demoted }, players.people.owner!),
      fixture.call("roomMembers.ban", { member_id: victim }, players.people.admin!),
    ]);
    expect(results).toEqual(["ok", "403 forbidden"]);
  });
});

describe("time that runs out", () => {
  const HOUR = 3_600_000;
  const at = (ms: number) => new Date(fixture.clock.now() + ms).toISOString().replace("T", " ");

  test("ends access at the moment, the stay and the row with the next sweep", async () => {
    const players = await cast();
    const { id } = await players.row("participant");
    const target = { collection: "roomMembers", id };
    const context = fixture.app.context();
    await fixture.records.update(context, target, { expiresAt: at(60_000) });
    const client = await fixture.enter(players.room, players.people.participant!);
    await fixture.clock.advance(60_000);
    const again = () => outcome(players.call("participant", "rooms.join"));
    expect(await again()).toBe("403 membership_expired");
    expect((await players.call("participant", "rooms.view")).membership.status).toBe("expired");
    expect((await players.row("participant")).status).toBe("active");
    await fixture.clock.advance(HOUR);
    expect((await players.row("participant")).status).toBe("expired");
    expect(client.peer.closed).toBe(true);
    expect(await players.notices("participant")).toEqual([
      { type: "room_membership_expired", room_id: players.room },
    ]);
    expect(await again()).toBe("403 membership_expired");
    expect(await players.call("participant", "rooms.requestJoin")).toMatchObject({
      status: "pending",
    });
  });

  test("of many is marked in one sweep, and of nobody else", async () => {
    const players = await cast();
    for (let i = 0; i < 120; i++) {
      const person = await fixture.person(`crowd${i}of${people}`);
      await fixture.member(players.room, person, { expiresAt: at(i < 110 ? 1_000 : 10 * HOUR) });
    }
    await fixture.clock.advance(HOUR + 1_000);
    const count = (status: string) =>
      fixture.records.count(fixture.app.context(), "roomMembers", { room: players.room, status });
    expect(await count("expired")).toBe(110);
    expect(await count("active")).toBe(5 + 10);
  });

  test("while the server was off is marked at its start", async () => {
    const players = await roomsFixture();
    const owner = await players.person("Olga");
    const member = await players.person("Mia");
    const room = await players.room(owner, { room_type: "data" });
    await players.member(room, member, { expiresAt: "2020-01-01 00:00:00.000Z" });
    const status = async ({ records, app }: RoomsFixture) =>
      (await records.find(app.context(), "roomMembers", { room, user: member.id }))?.status;
    expect(await status(players)).toBe("active");
    await using next = await players.restart();
    expect(await status(next)).toBe("expired");
  });
});
