/**
 * Belonging to a room: asking, deciding, rising, handing over, leaving. Every change is decided
 * inside the write transaction, on what is stored then: of two at once the second sees the first.
 */

import { fail } from "../../../base/errors.ts";
import { unauthenticated } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import { type RecordsService, storedDate, type Values } from "../../records/index.ts";
import { type Member, type MemberStatus, ROOM_MEMBERS, ROOMS, type Room } from "../schema.ts";
import { findMember, listMembers, type MemberEntry, readMember } from "../store.ts";
import {
  banned,
  type MemberAction,
  memberChange,
  ownerMustTransfer,
  requestOutcome,
  requireAction,
  requireOwner,
} from "./member-actions.ts";
import { userIn, userOf } from "./rights.ts";
import type { PageInput, RoomsService, RoomView } from "./rooms-service.ts";

export interface MembersInput extends PageInput {
  readonly roomId: string;
  readonly status: MemberStatus | undefined;
  /** Of this user only. */
  readonly userId?: string | undefined;
}

export interface MembershipsPart {
  readonly rooms: RoomsService;
  readonly records: RecordsService;
}

export class MembershipsService {
  readonly #rooms: RoomsService;
  readonly #records: RecordsService;

  constructor({ rooms, records }: MembershipsPart) {
    this.#rooms = rooms;
    this.#records = records;
  }

  /**
   * Asks for the caller's membership; asking again changes nothing. A free room gives it at once.
   * Errors: 401, 404, those of `requestOutcome`.
   */
  request(context: Context, roomId: string): Promise<Member> {
    const userId = userOf(context.caller);
    if (userId === null) throw unauthenticated();
    return context.transaction(async () => {
      const room = await this.#rooms.find(context, roomId);
      const member = await this.#find(context, room, userId);
      const outcome = requestOutcome(room, { userId, member }, context.clock.now());
      if (member && outcome === "keep") return member;
      const isIn = outcome === "active";
      const joinedAt = isIn ? storedDate(context.clock.now()) : "";
      const values = { status: outcome, expiresAt: "", approvedBy: "", joinedAt };
      if (member) return this.#write(context, member.id, values);
      const role = room.owner === userId ? "owner" : "participant";
      const row = { ...values, room: room.id, user: userId, role };
      return readMember(await this.#records.create(context, ROOM_MEMBERS, row));
    });
  }

  /**
   * Errors: 404 `membership_not_found`, or for a room one may not see; those of `requireAction` and
   * `memberChange`.
   */
  act(context: Context, memberId: string, action: MemberAction): Promise<Member> {
    return context.transaction(async () => {
      const record = await this.#records.find(context, ROOM_MEMBERS, memberId);
      if (!record) throw noMembership();
      const member = readMember(record);
      const room = await this.#rooms.visible(context, member.room);
      const actor = await this.#rooms.actor(context, room, context.caller);
      requireAction(actor, action, room.owner === member.user ? "owner" : member.role);
      const nowMs = context.clock.now();
      const change = memberChange(action, { room, member }, nowMs);
      if (!change) return member;
      const welcome = {
        expiresAt: "",
        joinedAt: storedDate(nowMs),
        approvedBy: userOf(context.caller) ?? "",
      };
      const values = change.status === "active" ? { ...change, ...welcome } : { ...change };
      return this.#write(context, member.id, values);
    });
  }

  /** Errors: 404, 403 `forbidden`, 409 `not_a_member` for a new owner who is none. */
  transfer(context: Context, roomId: string, newOwnerId: string): Promise<RoomView> {
    return context.transaction(async () => {
      const room = await this.#rooms.visible(context, roomId);
      requireOwner(await this.#rooms.actor(context, room, context.caller));
      if (room.owner !== newOwnerId) {
        const target = { collection: ROOMS, id: room.id };
        await this.#records.update(context, target, { owner: newOwnerId });
      }
      return this.#rooms.view(context, room.id);
    });
  }

  /**
   * Ends one's membership, or takes back the request for it, and one's participations. Errors: 409
   * `owner_must_transfer`, 403 `banned` (leaving must not lift a ban), 404 `membership_not_found`.
   */
  async leave(context: Context, roomId: string): Promise<void> {
    const wasMember = await context.transaction(async () => {
      const room = await this.#rooms.find(context, roomId);
      const userId = userIn(room.id, context.caller);
      if (userId === null) throw noMembership();
      if (room.owner === userId) throw ownerMustTransfer();
      const member = await this.#find(context, room, userId);
      if (member?.status === "banned") throw banned();
      if (member) await this.#records.delete(context, ROOM_MEMBERS, member.id);
      return member !== undefined;
    });
    if (!wasMember) throw noMembership();
  }

  /**
   * Members see who the members are; who asked, was refused, banned or ran out is for the owner and
   * the admins. Errors: 404, 403 `membership_required`, `forbidden`.
   */
  async list(context: Context, input: MembersInput) {
    const room = await this.#rooms.visible(context, input.roomId);
    const actor = await this.#rooms.actor(context, room, context.caller);
    if (actor === "none") {
      throw fail.forbidden("membership_required", "Only members see who belongs to a room.");
    }
    if (actor === "participant" && input.status !== "active") {
      throw fail.forbidden("forbidden", "Only the room's owner and admins see this list.");
    }
    const { status, userId } = input;
    const filter = { room: room.id, status, ...(userId === undefined ? {} : { user: userId }) };
    return this.#page(context, filter, input);
  }

  /** The caller's own memberships, with their rooms. Error: 401. */
  async mine(context: Context, input: PageInput & { readonly status: MemberStatus | undefined }) {
    const user = userOf(context.caller);
    if (user === null) throw unauthenticated();
    const { items, ...page } = await this.#page(context, { user, status: input.status }, input);
    const entries: { entry: MemberEntry; view: RoomView }[] = [];
    for (const entry of items) {
      const room = await this.#rooms.find(context, entry.member.room);
      entries.push({ entry, view: this.#rooms.show(room) });
    }
    return { items: entries, ...page };
  }

  /** The caller's own membership of a room, whatever became of it. */
  async own(context: Context, roomId: string): Promise<MemberEntry | undefined> {
    const user = userIn(roomId, context.caller);
    if (user === null) return undefined;
    const page = { room: roomId, user, limit: 1, offset: 0 };
    return (await listMembers(this.#records, context, page)).entries[0];
  }

  async #page(
    context: Context,
    filter: {
      readonly room?: string;
      readonly user?: string;
      readonly status: MemberStatus | undefined;
    },
    { page, perPage }: PageInput,
  ) {
    const slice = { ...filter, limit: perPage, offset: (page - 1) * perPage };
    const { entries, total } = await listMembers(this.#records, context, slice);
    const totalPages = Math.ceil(total / perPage);
    return { items: entries, page, perPage, totalItems: total, totalPages };
  }

  #find(context: Context, room: Room, user: string): Promise<Member | undefined> {
    return findMember(this.#records, context, { room: room.id, user });
  }

  async #write(context: Context, id: string, values: Values): Promise<Member> {
    const target = { collection: ROOM_MEMBERS, id };
    return readMember(await this.#records.update(context, target, values));
  }
}

function noMembership() {
  return fail.not_found("membership_not_found", "There is no such membership of the room.");
}
