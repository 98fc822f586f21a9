/**
 * The write rings of memberships: a room keeps its one owner whoever writes, and every change of a
 * membership has its facts and its notifications, whichever way it came.
 */

import { fieldErrors } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { userIdOf } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { HookHandler, Hooks } from "../../../core/hooks.ts";
import { USERS } from "../../auth/index.ts";
import type { NoticesService } from "../../notices/index.ts";
import type { RecordEvent, RecordsService } from "../../records/index.ts";
import { audienceOf, type MembershipEnd, membershipEnded, roleChanged } from "../events.ts";
import { type Member, ROOM_MEMBERS, ROOMS, type Room } from "../schema.ts";
import { readMember, readRoom } from "../store.ts";
import { ownerMustTransfer } from "./member-actions.ts";
import { isMember } from "./rights.ts";

export interface RingParts {
  readonly records: RecordsService;
  readonly notices: NoticesService;
}

interface Change {
  readonly room: Room;
  readonly before: Member | undefined;
  readonly after: Member;
}

export class MemberRings {
  readonly #records: RecordsService;
  readonly #notices: NoticesService;

  constructor({ records, notices }: RingParts) {
    this.#records = records;
    this.#notices = notices;
  }

  /** Returns what takes the rings off again. */
  bind(hooks: Hooks): () => void {
    const unbind = [
      hooks.bind(`record.create:${ROOM_MEMBERS}`, this.#create),
      hooks.bind(`record.update:${ROOM_MEMBERS}`, this.#update),
      hooks.bind(`record.delete:${ROOM_MEMBERS}`, this.#delete),
    ];
    return () => {
      for (const take of unbind) take();
    };
  }

  readonly #create: HookHandler<RecordEvent> = async (event, next) => {
    await next();
    await this.#settle(event, undefined);
  };

  readonly #update: HookHandler<RecordEvent> = async (event, next) => {
    const before = event.original && readMember(event.original);
    assertSamePlace(event);
    // A ban that is lifted gives the membership back, and no power over others.
    const isDemoted = event.record.status === "banned" && event.record.role === "admin";
    if (isDemoted) event.record = { ...event.record, role: "participant" };
    await next();
    await this.#settle(event, before);
  };

  readonly #delete: HookHandler<RecordEvent> = async (event, next) => {
    const member = readMember(event.record);
    if ((await this.#room(event.context, member.room))?.owner === member.user) {
      // Gone with the room or the user is another matter than leaving a room without its owner.
      if (await this.#records.find(event.context, USERS, member.user)) throw ownerMustTransfer();
    }
    await next();
    const isOwnAct = userIdOf(event.context.caller) === member.user;
    emitEnd(event.context, member, isOwnAct ? "left" : "membership_ended");
  };

  async #settle(event: RecordEvent, before: Member | undefined): Promise<void> {
    const { context } = event;
    const after = readMember(event.record);
    const room = await this.#room(context, after.room);
    if (!room) return;
    assertOneOwner(room, after);
    const change = { room, before, after };
    emitFacts(context, change);
    await this.#tell(context, change);
  }

  async #tell(context: Context, { room, before, after }: Change): Promise<void> {
    const type = noticeOf(before, after);
    const data = { room_id: room.id };
    if (type) await this.#notices.notify(context, { user: after.user, type, data });
    if (after.status !== "pending" || before?.status === "pending") return;
    for (const user of await this.#deciders(context, room)) {
      const request = { user_id: after.user, room_id: room.id };
      await this.#notices.notify(context, { user, type: "join_request", data: request });
    }
  }

  /** The owner and the admins, as many as are worth telling. */
  async #deciders(context: Context, room: Room): Promise<ReadonlySet<string>> {
    const where = { room: room.id, role: "admin", status: "active" };
    const page = { where, limit: LIMITS.roomDecidersMax };
    const admins = (await this.#records.list(context, ROOM_MEMBERS, page)).map(readMember);
    const nowMs = context.clock.now();
    const active = admins.filter((admin) => isMember(admin, nowMs)).map(({ user }) => user);
    return new Set(room.owner ? [room.owner, ...active] : active);
  }

  async #room(context: Context, id: string): Promise<Room | undefined> {
    const record = await this.#records.find(context, ROOMS, id);
    return record && readRoom(record);
  }
}

/** Error: 400 with the fields at fault. */
function assertSamePlace({ record, original }: RecordEvent): void {
  const moved = (["room", "user"] as const).filter((name) => record[name] !== original?.[name]);
  if (moved.length === 0) return;
  const error = { code: "validation_not_writable", message: "This cannot be changed." };
  throw fieldErrors(Object.fromEntries(moved.map((name) => [name, error])));
}

/** Error: 409 `owner_must_transfer`. */
function assertOneOwner(room: Room, member: Member): void {
  const isOwner = room.owner !== "" && room.owner === member.user;
  if (isOwner !== (member.role === "owner")) throw ownerMustTransfer();
  const lasts = member.status === "active" && member.expiresAtMs === undefined;
  if (isOwner && !lasts) throw ownerMustTransfer();
}

function emitFacts(context: Context, { room, before, after }: Change): void {
  const nowMs = context.clock.now();
  if (!isMember(after, nowMs)) {
    emitEnd(context, after, after.status === "banned" ? "banned" : "membership_ended");
  } else if (before && before.role !== after.role) {
    const audience = audienceOf({
      isPublic: room.isPublic,
      userIds: [after.user, ...(room.owner ? [room.owner] : [])],
    });
    const payload = { room_id: room.id, user_id: after.user, role: after.role };
    context.emit(roleChanged(payload, audience));
  }
}

function emitEnd(context: Context, { room, user }: Member, reason: MembershipEnd): void {
  context.emit(membershipEnded({ room_id: room, user_id: user, reason }));
}

/** What the member is told; undefined: nothing. */
function noticeOf(before: Member | undefined, after: Member): string | undefined {
  if (!before || before.status !== after.status) {
    switch (after.status) {
      case "active":
        return before && "room_join_approved";
      case "rejected":
        return "room_join_rejected";
      case "banned":
        return "room_banned";
      case "expired":
        return "room_membership_expired";
      case "pending":
        return undefined;
    }
  }
  if (before.role === after.role || after.status !== "active") return undefined;
  // The one who had the room and the one who has it now.
  if (before.role === "owner" || after.role === "owner") return "ownership_transferred";
  return after.role === "admin" ? "promoted_to_room_admin" : undefined;
}
