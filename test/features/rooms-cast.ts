/** The people of a room's story: one of each role and status. */

import type { Caller, UserCaller } from "../../src/core/access.ts";
import { GUEST, type Json, outcome, type RoomsFixture } from "./rooms-fixture.ts";

/** A room with one of each kind, and another admin and participant to act upon. */
export class Cast {
  readonly #fixture: RoomsFixture;
  readonly room: string;
  readonly people: Readonly<Record<string, UserCaller>>;

  constructor(fixture: RoomsFixture, room: string, people: Record<string, UserCaller>) {
    this.#fixture = fixture;
    this.room = room;
    this.people = people;
  }

  caller(role: string): Caller {
    if (role === "guest") return GUEST;
    return role === "superuser" ? this.#fixture.root() : this.people[role]!;
  }

  async row(role: string): Promise<Json> {
    const where = { room: this.room, user: this.people[role]!.id };
    return this.#fixture.records.find(this.#fixture.app.context(), "roomMembers", where);
  }

  async act(actor: string, action: string, target: string): Promise<string> {
    const member_id = (await this.row(target))?.id ?? "nobodynobody123";
    return outcome(this.#fixture.call(`roomMembers.${action}`, { member_id }, this.caller(actor)));
  }

  call(actor: string, name: string, input: Record<string, unknown> = {}): Promise<Json> {
    return this.#fixture.call(name, { room_id: this.room, ...input }, this.caller(actor));
  }

  async notices(role: string): Promise<Json[]> {
    const { items } = await this.#fixture.call("notices.list", {}, this.caller(role));
    return items.map(({ type, data }: Json) => ({ type, ...data })).reverse();
  }
}

let casts = 0;

export async function castIn(
  fixture: RoomsFixture,
  input: Record<string, unknown> = {},
): Promise<Cast> {
  // Rooms made and requests for them are limited by the minute.
  await fixture.clock.advance(10_000);
  casts += 1;
  const people: Record<string, UserCaller> = {};
  const enlist = async (name: string) => {
    people[name] = await fixture.person(`${name.replace(" ", "")}${casts}`);
    return people[name];
  };
  const asked = { room_type: "data", join_type: "require_approval", ...input };
  const room = await fixture.room(await enlist("owner"), asked);
  await enlist("stranger");
  for (const role of ["admin", "participant"]) {
    await fixture.member(room, await enlist(role), { role });
    await fixture.member(room, await enlist(`other ${role}`), { role });
  }
  for (const status of ["pending", "rejected", "banned"]) {
    await fixture.member(room, await enlist(status), { status });
  }
  for (const user of Object.values(people)) {
    for (const { notification_id } of (await fixture.call("notices.list", {}, user)).items) {
      await fixture.call("notices.delete", { notification_id }, user);
    }
  }
  return new Cast(fixture, room, people);
}
