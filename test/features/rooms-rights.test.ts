/** Who may do what to whom: every row of the table of rights, and what a refusal says. */

import { describe, expect, test } from "bun:test";
import type { Caller, UserCaller } from "../../src/core/access.ts";
import { GUEST, outcome, sharedRooms, type TestClient } from "./rooms-fixture.ts";

const { fixture } = await sharedRooms();

type Role = "owner" | "admin" | "participant" | "stranger" | "guest" | "superuser";

/** A room with one of each, and a second admin and participant to act upon. */
class Cast {
  readonly room: string;
  readonly people: Readonly<Record<string, UserCaller>>;

  constructor(room: string, people: Record<string, UserCaller>) {
    this.room = room;
    this.people = people;
  }

  caller(role: string): Caller {
    if (role === "guest") return GUEST;
    return role === "superuser" ? fixture.root() : this.people[role]!;
  }

  join(role: string): Promise<TestClient> {
    return fixture.join(this.room, this.caller(role));
  }
}

let casts = 0;

async function cast(input: Record<string, unknown> = {}): Promise<Cast> {
  casts += 1;
  const person = (name: string) => fixture.person(`${name}${casts}`);
  const owner = await person("owner");
  const room = await fixture.room(owner, { room_type: "data", ...input });
  const people: Record<string, UserCaller> = { owner, stranger: await person("stranger") };
  for (const role of ["admin", "participant"] as const) {
    for (const name of [role, `other ${role}`]) {
      people[name] = await person(name.replace(" ", ""));
      await fixture.member(room, people[name]!, { role });
    }
  }
  return new Cast(room, people);
}

describe("removing another", () => {
  const forbidden = "403 forbidden";
  const rows: [actor: Role, target: string, expected: string][] = [
    ["owner", "other admin", "ok"],
    ["owner", "other participant", "ok"],
    ["owner", "guest", "ok"],
    ["admin", "other participant", "ok"],
    ["admin", "guest", "ok"],
    ["admin", "other admin", forbidden],
    ["admin", "owner", forbidden],
    ["participant", "owner", forbidden],
    ["participant", "admin", forbidden],
    ["participant", "other participant", forbidden],
    ["participant", "guest", forbidden],
    ["stranger", "participant", forbidden],
    ["guest", "participant", "401 unauthenticated"],
    ["superuser", "owner", "ok"],
    ["superuser", "admin", "ok"],
    ["superuser", "participant", "ok"],
  ];
  test.each(rows)("%s removes %s: %s", async (actor, target, expected) => {
    const players = await cast();
    const victim = await players.join(target);
    const call = fixture.call("rooms.hangUp", victim.place, players.caller(actor));
    expect(await outcome(call)).toBe(expected);
    expect(victim.peer.closed).toBe(expected === "ok");
  });

  test("the participant's token stands for its user, in its own room only", async () => {
    const here = await cast();
    const admin = await (await here.join("admin")).self();
    const victim = await here.join("other participant");
    const elsewhere = await fixture.room(here.people.admin!, { room_type: "data" });
    const guest = await fixture.join(elsewhere, GUEST);
    expect(await outcome(fixture.call("rooms.hangUp", guest.place, admin))).toBe("403 forbidden");
    expect(await outcome(fixture.call("rooms.hangUp", victim.place, admin))).toBe("ok");
  });

  test("roles count as they are now, not as of the join", async () => {
    const { room, people } = await cast();
    const victim = await fixture.join(room, people.participant!);
    const where = { room, user: people.participant!.id };
    const context = fixture.app.context();
    const row = await fixture.records.find(context, "roomMembers", where);
    const target = { collection: "roomMembers", id: row!.id };
    await fixture.records.update(context, target, { role: "admin" });
    const call = fixture.call("rooms.hangUp", victim.place, people.admin!);
    expect(await outcome(call)).toBe("403 forbidden");
  });
});

describe("acting as a participant", () => {
  const rows: [actor: Role | "itself" | "another device", expected: string][] = [
    ["itself", "ok"],
    ["participant", "ok"],
    ["another device", "403 forbidden"],
    ["owner", "403 forbidden"],
    ["superuser", "403 forbidden"],
    ["guest", "401 unauthenticated"],
  ];
  test.each(rows)("the signalling of a participant opens for %s: %s", async (actor, expected) => {
    const players = await cast();
    const client = await players.join("participant");
    const caller = async () => {
      if (actor === "itself") return client.self();
      if (actor === "another device") return (await players.join("participant")).self();
      return players.caller(actor);
    };
    expect(await outcome(client.signal(await caller()))).toBe(expected);
  });

  test("an unknown participant is 404, a token of nobody 401", async () => {
    const players = await cast();
    const client = await players.join("participant");
    const place = { ...client.place, participant_id: "nobody" };
    const self = await client.self();
    const answer = fixture.call("rooms.answer", { ...place, sdp: "v=0" }, self);
    expect(await outcome(answer)).toBe("404 participant_not_found");
    await client.hangUp();
    expect(await outcome(client.self())).toBe("401 invalid_token");
    const { kernel } = fixture.app;
    const unknown = kernel.authenticate(`pt_${"x".repeat(43)}`, { ip: "192.0.2.9" });
    expect(await outcome(unknown)).toBe("401 invalid_token");
  });

  test("a participant's token opens nothing but its room", async () => {
    const players = await cast();
    const self = await (await players.join("participant")).self();
    const create = fixture.call("rooms.create", { room_type: "data" }, self);
    expect(await outcome(create)).toBe("401 unauthenticated");
    const join = fixture.call("rooms.join", { room_id: players.room }, self);
    expect(await outcome(join)).toBe("401 unauthenticated");
    const leave = fixture.call("rooms.leave", { room_id: players.room }, self);
    expect(await outcome(leave)).toBe("401 unauthenticated");
    const own = await fixture.room(players.people.participant!, { is_public: false });
    expect(await outcome(fixture.call("rooms.view", { room_id: own }, self))).toBe("404 not_found");
  });
});

describe("closing", () => {
  const rows: [actor: Role, expected: string, ofPrivate: string][] = [
    ["owner", "ok", "ok"],
    ["superuser", "ok", "ok"],
    ["admin", "403 forbidden", "403 forbidden"],
    ["participant", "403 forbidden", "403 forbidden"],
    ["stranger", "403 forbidden", "404 not_found"],
    ["guest", "401 unauthenticated", "401 unauthenticated"],
  ];
  test.each(rows)("%s closes a room: %s, a private one: %s", async (actor, open, hidden) => {
    for (const [is_public, expected] of [[true, open] as const, [false, hidden] as const]) {
      const players = await cast({ is_public });
      const call = fixture.call("rooms.close", { room_id: players.room }, players.caller(actor));
      expect(await outcome(call)).toBe(expected);
    }
  });

  test("a closed room stays closed and on record", async () => {
    const { room, people } = await cast();
    const close = () => outcome(fixture.call("rooms.close", { room_id: room }, people.owner!));
    expect(await close()).toBe("ok");
    expect(await close()).toBe("409 room_inactive");
    const seen = await fixture.call("rooms.view", { room_id: room }, people.owner!);
    expect(seen).toMatchObject({ is_active: false, participants: 0 });
  });
});

describe("leaving for good", () => {
  const rows: [actor: Role, expected: string][] = [
    ["owner", "409 owner_must_transfer"],
    ["admin", "ok"],
    ["participant", "ok"],
    ["stranger", "404 membership_not_found"],
    ["superuser", "404 membership_not_found"],
    ["guest", "401 unauthenticated"],
  ];
  test.each(rows)("%s leaves: %s", async (actor, expected) => {
    const players = await cast();
    const call = fixture.call("rooms.leave", { room_id: players.room }, players.caller(actor));
    expect(await outcome(call)).toBe(expected);
  });

  test("ends the membership and every device", async () => {
    const { room, people } = await cast();
    const devices = [
      await fixture.join(room, people.participant!),
      await fixture.join(room, people.participant!),
    ];
    await fixture.call("rooms.leave", { room_id: room }, people.participant!);
    expect(devices.map(({ peer }) => peer.closed)).toEqual([true, true]);
    const where = { room, user: people.participant!.id };
    const left = await fixture.records.find(fixture.app.context(), "roomMembers", where);
    expect(left).toBeUndefined();
  });

  test("does not lift a ban", async () => {
    const { room, people } = await cast();
    await fixture.member(room, people.stranger!, { status: "banned" });
    const call = () => outcome(fixture.call("rooms.leave", { room_id: room }, people.stranger!));
    expect(await call()).toBe("403 banned");
  });
});

describe("seeing", () => {
  const rows: [actor: Role, sees: boolean][] = [
    ["owner", true],
    ["admin", true],
    ["participant", true],
    ["superuser", true],
    ["stranger", false],
    ["guest", false],
  ];
  test.each(rows)("%s sees a private room and who is in it: %p", async (actor, sees) => {
    const players = await cast({ is_public: false });
    const caller = players.caller(actor);
    const expected = sees ? "ok" : "404 not_found";
    for (const name of ["rooms.view", "rooms.participants"]) {
      expect(await outcome(fixture.call(name, { room_id: players.room }, caller))).toBe(expected);
    }
    const listed = await fixture.call("rooms.list", { perPage: 1000 }, caller);
    const ids = listed.items.map((room: { room_id: string }) => room.room_id);
    expect(ids.includes(players.room)).toBe(sees);
  });
});
