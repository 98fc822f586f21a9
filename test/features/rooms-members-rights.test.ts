/** The table of rights in full, and the invariants that hold whoever writes. */

import { describe, expect, test } from "bun:test";
import type { Caller } from "../../src/core/access.ts";
import { castIn } from "./rooms-cast.ts";
import { outcome, sharedRooms } from "./rooms-fixture.ts";

const { fixture } = await sharedRooms();
let people = 0;

const cast = (input?: Record<string, unknown>) => castIn(fixture, input);

const ACTORS = ["owner", "admin", "participant", "pending", "stranger", "superuser", "guest"];
const TARGETS = ["owner", "other admin", "other participant", "pending", "rejected", "banned"];

describe("the table of rights", () => {
  const forbidden = "403 forbidden";
  const owned = "409 owner_must_transfer";
  /** What comes of it for those who may. */
  const results: Record<string, Record<string, string>> = {
    approve: { owner: owned },
    reject: {
      owner: owned,
      "other admin": "409 not_pending",
      "other participant": "409 not_pending",
      banned: "409 not_pending",
    },
    ban: { owner: owned },
    promote: {
      owner: owned,
      pending: "409 not_a_member",
      rejected: "409 not_a_member",
      banned: "409 not_a_member",
    },
    demote: {
      owner: owned,
      pending: "409 not_a_member",
      rejected: "409 not_a_member",
      banned: "409 not_a_member",
    },
  };
  const expectation = (actor: string, action: string, target: string): string => {
    if (actor === "guest") return "401 unauthenticated";
    const allowed = results[action]?.[target] ?? "ok";
    if (actor === "owner" || actor === "superuser") return allowed;
    if (actor !== "admin" || action === "promote" || action === "demote") return forbidden;
    return target === "owner" || target === "other admin" ? forbidden : allowed;
  };
  const rows = Object.keys(results).flatMap((action) =>
    ACTORS.flatMap((actor) =>
      TARGETS.filter((target) => target !== actor).map(
        (target) => [actor, action, target, expectation(actor, action, target)] as const,
      ),
    ),
  );
  test.each(rows)("%s: %s %s → %s", async (actor, action, target, expected) => {
    const players = await cast();
    const before = await players.row(target);
    expect(await players.act(actor, action, target)).toBe(expected);
    if (expected !== "ok") expect(await players.row(target)).toEqual(before);
  });

  const own: [action: string, byActor: Record<string, string>][] = [
    ["rooms.configure", { owner: "ok", superuser: "ok" }],
    ["rooms.transferOwnership", { owner: "ok", superuser: "ok" }],
    [
      "rooms.leave",
      {
        owner: owned,
        admin: "ok",
        participant: "ok",
        pending: "ok",
        rejected: "ok",
        banned: "403 banned",
        stranger: "404 membership_not_found",
        superuser: "404 membership_not_found",
      },
    ],
    [
      "rooms.requestJoin",
      {
        owner: "ok",
        admin: "ok",
        participant: "ok",
        pending: "ok",
        rejected: "ok",
        stranger: "ok",
        banned: "403 banned",
        superuser: "401 unauthenticated",
      },
    ],
    [
      "rooms.members",
      {
        owner: "ok",
        admin: "ok",
        participant: "ok",
        superuser: "ok",
        pending: "403 membership_required",
        rejected: "403 membership_required",
        banned: "403 membership_required",
        stranger: "403 membership_required",
      },
    ],
  ];
  const ownRows = own.flatMap(([action, by]) =>
    [...ACTORS, "rejected", "banned"].map((actor) => {
      const expected = actor === "guest" ? "401 unauthenticated" : (by[actor] ?? forbidden);
      return [actor, action, expected] as const;
    }),
  );
  test.each(ownRows)("%s: %s → %s", async (actor, action, expected) => {
    const players = await cast();
    const heir = players.people["other participant"]!.id;
    const input = action === "rooms.transferOwnership" ? { new_owner_id: heir } : {};
    expect(await outcome(players.call(actor, action, input))).toBe(expected);
  });

  const lists: [actor: string, status: string, expected: string][] = [
    ["owner", "pending", "ok"],
    ["admin", "banned", "ok"],
    ["superuser", "all", "ok"],
    ["participant", "pending", forbidden],
    ["participant", "all", forbidden],
  ];
  test.each(lists)("%s lists members that are %s: %s", async (actor, status, expected) => {
    const players = await cast();
    expect(await outcome(players.call(actor, "rooms.members", { status }))).toBe(expected);
  });

  test("nobody acts in a private room they cannot see", async () => {
    const players = await cast({ is_public: false });
    for (const action of Object.keys(results)) {
      expect(await players.act("stranger", action, "participant")).toBe("404 not_found");
    }
    for (const name of ["rooms.members", "rooms.configure"]) {
      expect(await outcome(players.call("stranger", name))).toBe("404 not_found");
    }
    expect(await players.act("owner", "ban", "stranger")).toBe("404 membership_not_found");
  });

  test("rights count as of now: who was demoted has them no more", async () => {
    const players = await cast();
    expect(await players.act("owner", "demote", "admin")).toBe("ok");
    expect(await players.act("admin", "ban", "other participant")).toBe(forbidden);
    expect(await players.act("owner", "promote", "participant")).toBe("ok");
    expect(await players.act("participant", "ban", "other participant")).toBe("ok");
  });
});

describe("whoever writes the rows", () => {
  const patch = (collection: string, id: string, body: unknown) =>
    outcome(fixture.app.call("records.update", { collection, id, body }, fixture.root()));

  const ownerRows: [values: Record<string, unknown>, expected: string][] = [
    [{ role: "participant" }, "409 owner_must_transfer"],
    [{ status: "banned" }, "409 owner_must_transfer"],
    [{ expiresAt: "2030-01-01 00:00:00.000Z" }, "409 owner_must_transfer"],
    [{ permissions: { publish: ["audio"] } }, "ok"],
  ];
  test.each(ownerRows)("the owner's own membership with %p: %s", async (values, expected) => {
    const players = await cast();
    const { id } = await players.row("owner");
    expect(await patch("roomMembers", id, values)).toBe(expected);
  });

  test("nobody becomes a second owner, moves to another room, or to another person", async () => {
    const players = await cast();
    const { id } = await players.row("participant");
    expect(await patch("roomMembers", id, { role: "owner" })).toBe("409 owner_must_transfer");
    const other = await cast();
    expect(await patch("roomMembers", id, { room: other.room })).toBe("400 validation_failed");
    const user = players.people.stranger!.id;
    expect(await patch("roomMembers", id, { user })).toBe("400 validation_failed");
    const row = { room: players.room, user, role: "owner", status: "active" };
    const made = fixture.app.call("records.create", { collection: "roomMembers", body: row });
    expect(await outcome(made)).toBe("409 owner_must_transfer");
  });

  test("a room does not lose its owner, nor the owner the room", async () => {
    const players = await cast();
    const { id } = await players.row("owner");
    const drop = () => fixture.records.delete(fixture.app.context(), "roomMembers", id);
    expect(await outcome(drop())).toBe("409 owner_must_transfer");
    expect(await patch("rooms", players.room, { owner: "" })).toBe("409 owner_must_transfer");
    const stranger = players.people.stranger!.id;
    expect(await patch("rooms", players.room, { owner: stranger })).toBe("409 not_a_member");
    const heir = players.people.participant!.id;
    expect(await patch("rooms", players.room, { owner: heir })).toBe("ok");
    expect(await players.row("participant")).toMatchObject({ role: "owner" });
    expect(await players.row("owner")).toMatchObject({ role: "admin" });
  });

  test("a deleted account leaves its room without an owner, and its memberships go", async () => {
    const players = await cast();
    await fixture.records.delete(fixture.app.context(), "users", players.people.owner!.id);
    expect((await players.call("superuser", "rooms.view")).owner).toBe("");
    expect(await players.row("owner")).toBeUndefined();
    expect(await players.act("admin", "ban", "participant")).toBe("ok");
  });

  test("a deleted room takes its memberships along", async () => {
    const players = await cast();
    await fixture.records.delete(fixture.app.context(), "rooms", players.room);
    const where = { room: players.room };
    expect(await fixture.records.count(fixture.app.context(), "roomMembers", where)).toBe(0);
  });

  test("a user does not make a paid room", async () => {
    const players = await cast();
    const body = { roomType: "data", owner: players.people.owner!.id, joinType: "paid_period" };
    const make = (caller: Caller) =>
      outcome(fixture.app.call("records.create", { collection: "rooms", body }, caller));
    expect(await make(players.people.owner!)).toBe("400 payments_unavailable");
    expect(await make(fixture.root())).toBe("ok");
  });
});

describe("hostile input", () => {
  const rows: [name: string, input: unknown][] = [
    ["rooms.requestJoin", {}],
    ["rooms.requestJoin", { room_id: "x".repeat(65) }],
    ["rooms.requestJoin", { room_id: ["a"] }],
    ["rooms.transferOwnership", { room_id: "a" }],
    ["rooms.transferOwnership", { room_id: "a", new_owner_id: { $ne: "" } }],
    ["rooms.members", { room_id: "a", status: "' OR 1=1" }],
    ["rooms.members", { room_id: "a", page: "1" }],
    ["rooms.configure", { room_id: "a", isTemporary: true }],
    ["roomMembers.ban", { member_id: "" }],
    ["roomMembers.approve", { member_id: "a", status: "active", role: "owner" }],
    ["rooms.mine", { user_id: "somebody" }],
  ];
  test.each(rows)("%s with %p is a 400", async (name, input) => {
    const caller = await fixture.person(`hostile${++people}`);
    expect(await outcome(fixture.call(name, input, caller))).toBe("400 validation_failed");
  });

  test("requests are limited by the minute", async () => {
    const players = await cast();
    const ask = () => outcome(players.call("stranger", "rooms.requestJoin"));
    const answers = await Promise.all(Array.from({ length: 21 }, ask));
    expect(answers.filter((answer) => answer === "429 rate_limited")).toHaveLength(1);
  });
});
