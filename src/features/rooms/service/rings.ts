/**
 * The write rings of rooms: defaults and invariants that hold whoever writes, and the facts that
 * live rooms act on.
 */

import { fieldErrors } from "../../../base/errors.ts";
import { isPrivileged } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { HookHandler, Hooks } from "../../../core/hooks.ts";
import { USERS } from "../../auth/index.ts";
import {
  type RecordEvent,
  type RecordsService,
  storedDate,
  type Values,
} from "../../records/index.ts";
import { audienceOf, type CloseReason, roomFact } from "../events.ts";
import type { LiveRooms } from "../runtime/live-rooms.ts";
import { ROOM_MEMBERS, ROOMS, type Room } from "../schema.ts";
import { findMember, readRoom } from "../store.ts";
import { isPaid, notAMember, ownerMustTransfer, paymentsUnavailable } from "./member-actions.ts";
import { isMember } from "./rights.ts";

type Ring = HookHandler<RecordEvent>;

export interface RoomRingParts {
  readonly records: RecordsService;
  readonly live: LiveRooms;
}

/** Returns what takes the rings off again. */
export function bindRoomRings(hooks: Hooks, { records, live }: RoomRingParts): () => void {
  const unbind = [
    hooks.bind(`record.create:${ROOMS}`, createRoom(records)),
    hooks.bind(`record.update:${ROOMS}`, updateRoom(records, live)),
    hooks.bind(`record.delete:${ROOMS}`, deleteRoom),
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
      isActive: given.includes("isActive") ? record.isActive : true,
      isPublic: given.includes("isPublic") ? record.isPublic : true,
      joinType: record.joinType || "free",
      creator: record.creator || record.owner || "",
    };
    checkNumbers(event);
    checkJoinType(event);
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

/** Ownership takes its memberships along; those inside a live room see it as it is now. */
function updateRoom(records: RecordsService, live: LiveRooms): Ring {
  return async (event, next) => {
    checkNumbers(event);
    checkJoinType(event);
    await next();
    const { context, original } = event;
    const before = original && readRoom(original);
    const after = readRoom(event.record);
    if (before && before.owner !== after.owner) {
      await handOver(records, context, { before, after });
    }
    if (before?.isActive && !after.isActive) emitClosed(event, "closed");
    context.afterCommit(() => live.update(after));
  };
}

/**
 * The new owner must be an active member; the old one stays as an admin. A room that loses its
 * owner with the account has none from then on. Errors: 409 `not_a_member`, `owner_must_transfer`.
 */
async function handOver(
  records: RecordsService,
  context: Context,
  { before, after }: { readonly before: Room; readonly after: Room },
): Promise<void> {
  const member = (user: string) => findMember(records, context, { room: after.id, user });
  const write = (id: string, values: Values) =>
    records.update(context, { collection: ROOM_MEMBERS, id }, values);
  const previous = before.owner ? await member(before.owner) : undefined;
  if (after.owner) {
    const next = await member(after.owner);
    if (!next || !isMember(next, context.clock.now())) throw notAMember();
    await write(next.id, { role: "owner", expiresAt: "" });
  } else if (await records.find(context, USERS, before.owner)) throw ownerMustTransfer();
  if (previous) await write(previous.id, { role: "admin" });
}

/** Its memberships go with a room: their relation says so. */
const deleteRoom: Ring = async (event, next) => {
  if (event.record.isActive === true) emitClosed(event, "deleted");
  await next();
};

function emitClosed({ context, record }: RecordEvent, reason: CloseReason): void {
  const room = readRoom(record);
  context.emit(roomFact("room_closed", { room_id: room.id, reason }, audience(room)));
}

function audience(room: Room) {
  return audienceOf({ isPublic: room.isPublic, userIds: room.owner ? [room.owner] : [] });
}

/** Until there are payments only those above all rules may write a paid room down. */
function checkJoinType({ context, record, original }: RecordEvent): void {
  const { joinType } = readRoom(record);
  if (!isPaid(joinType) || joinType === original?.joinType) return;
  if (!isPrivileged(context.caller)) throw paymentsUnavailable();
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
