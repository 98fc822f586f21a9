/**
 * The write rings of rooms and memberships: defaults and invariants that hold whoever writes, and
 * the facts that live rooms act on.
 */

import { fieldErrors } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { HookHandler, Hooks } from "../../../core/hooks.ts";
import { type RecordEvent, type RecordsService, storedDate } from "../../records/index.ts";
import { audienceOf, type CloseReason, membershipEnded, roomFact } from "../events.ts";
import { ROOM_MEMBERS, ROOMS, type Room } from "../schema.ts";
import { readMember, readRoom } from "../store.ts";
import { isMember } from "./rights.ts";

type Ring = HookHandler<RecordEvent>;

/** Returns what takes the rings off again. */
export function bindRings(hooks: Hooks, records: RecordsService): () => void {
  const unbind = [
    hooks.bind(`record.create:${ROOMS}`, createRoom(records)),
    hooks.bind(`record.update:${ROOMS}`, updateRoom),
    hooks.bind(`record.delete:${ROOMS}`, deleteRoom(records)),
    hooks.bind(`record.update:${ROOM_MEMBERS}`, updateMember),
    hooks.bind(`record.delete:${ROOM_MEMBERS}`, deleteMember),
  ];
  return () => {
    for (const take of unbind) take();
  };
}

/** Fills in the defaults; the owner of a room is its first member. */
function createRoom(records: RecordsService): Ring {
  return async (event, next) => {
    const { record, given } = event;
    event.record = {
      ...record,
      isActive: given.has("isActive") ? record.isActive : true,
      isPublic: given.has("isPublic") ? record.isPublic : true,
      joinType: record.joinType || "free",
      creator: record.creator || record.owner || "",
    };
    checkNumbers(event);
    await next();
    const room = readRoom(event.record);
    const { context } = event;
    if (room.owner) {
      await records.create(context, ROOM_MEMBERS, {
        room: room.id,
        user: room.owner,
        role: "owner",
        status: "active",
        joinedAt: storedDate(context.clock.now()),
      });
    }
    const { id: room_id, name, owner, roomType: room_type } = room;
    const payload = { room_id, room_type, name, owner };
    context.emit(roomFact("room_created", payload, audience(room)));
  };
}

const updateRoom: Ring = async (event, next) => {
  checkNumbers(event);
  await next();
  const wasActive = event.original?.isActive === true;
  if (wasActive && event.record.isActive !== true) emitClosed(event, "closed");
};

/** Its memberships go with a room. */
function deleteRoom(records: RecordsService): Ring {
  return async (event, next) => {
    const { context, record } = event;
    if (record.isActive === true) emitClosed(event, "deleted");
    for (;;) {
      const where = { room: record.id };
      const page = { where, limit: LIMITS.readPageMax };
      const members = await records.list(context, ROOM_MEMBERS, page);
      if (members.length === 0) break;
      for (const member of members) await records.delete(context, ROOM_MEMBERS, member.id);
    }
    await next();
  };
}

const updateMember: Ring = async (event, next) => {
  await next();
  const nowMs = event.context.clock.now();
  if (!isMember(readMember(event.record), nowMs)) emitMembershipEnded(event);
};

const deleteMember: Ring = async (event, next) => {
  await next();
  emitMembershipEnded(event);
};

function emitClosed({ context, record }: RecordEvent, reason: CloseReason): void {
  const room = readRoom(record);
  context.emit(roomFact("room_closed", { room_id: room.id, reason }, audience(room)));
}

function emitMembershipEnded({ context, record }: RecordEvent): void {
  const { room, user } = readMember(record);
  context.emit(membershipEnded({ room_id: room, user_id: user }));
}

function audience(room: Room) {
  return audienceOf({ isPublic: room.isPublic, userIds: room.owner ? [room.owner] : [] });
}

const NOT_NEGATIVE = ["price", "periodDays", "maxParticipants"] as const;

function checkNumbers({ record }: RecordEvent): void {
  const negative = NOT_NEGATIVE.filter((name) => Number(record[name] ?? 0) < 0);
  if (negative.length === 0) return;
  const error = {
    code: "validation_min_greater_equal_than_required",
    message: "Must be no less than 0.",
    params: { threshold: 0 },
  };
  throw fieldErrors(Object.fromEntries(negative.map((name) => [name, error])));
}
