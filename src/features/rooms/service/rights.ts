/** Who may see a room, be in it, and act on others there. */

import { type AppError, fail } from "../../../base/errors.ts";
import { type Caller, isPrivileged, unauthenticated } from "../../../core/access.ts";
import { USERS } from "../../auth/index.ts";
import type { Member, MemberRole, Room } from "../schema.ts";
import type { Viewer } from "../store.ts";

/** What a caller is to a room. */
export type Actor = "superuser" | MemberRole | "none";

/** The users id of somebody signed in as one. */
export function userOf(caller: Caller): string | null {
  return caller.kind === "user" && caller.collection === USERS ? caller.id : null;
}

/**
 * The users id a call counts for in a room: a participant's token speaks for its user in its own
 * room only. Null: a guest, a superuser, or an account of another collection.
 */
export function userIn(roomId: string, caller: Caller): string | null {
  if (caller.kind !== "participant") return userOf(caller);
  return caller.roomId === roomId ? caller.userId : null;
}

/** Whose list of rooms a call gets. */
export function viewerOf(caller: Caller): Viewer {
  if (isPrivileged(caller)) return "all";
  const userId = userOf(caller);
  return userId === null ? null : { userId };
}

/** Whether a membership lets its user in at this moment, whatever the clean-up has done so far. */
export function isMember(member: Member | undefined, nowMs: number): boolean {
  if (member?.status !== "active") return false;
  return member.expiresAtMs === undefined || member.expiresAtMs > nowMs;
}

/** The room's owner is who the room names; memberships know admins and participants. */
export function roleIn(
  room: Room,
  { userId, member }: { readonly userId: string | null; readonly member: Member | undefined },
  nowMs: number,
): MemberRole | undefined {
  if (userId !== null && room.owner === userId) return "owner";
  if (!isMember(member, nowMs)) return undefined;
  return member?.role === "admin" ? "admin" : "participant";
}

/**
 * What a join does to the membership. none: the caller is in as it is (a member, a superuser, a
 * guest of a public free room). make, activate: it becomes an active one.
 */
export type Admission = "none" | "make" | "activate";

/**
 * Errors: 403 `banned`, `membership_required`, `membership_pending`, `membership_expired`, 402
 * `payment_required`; 401 for an account that is no user's.
 */
export function admission(
  room: Room,
  joining: { readonly caller: Caller; readonly member: Member | undefined },
  nowMs: number,
): Admission {
  const { caller, member } = joining;
  if (isPrivileged(caller)) return "none";
  const userId = userIn(room.id, caller);
  if (caller.kind === "user" && userId === null) throw unauthenticated();
  if (userId === null) {
    if (room.isPublic && room.joinType === "free") return "none";
    throw refusal("membership_required");
  }
  if (member?.status === "banned") throw refusal("banned");
  if (isMember(member, nowMs)) return "none";
  if (room.owner === userId || room.joinType === "free") return member ? "activate" : "make";
  throw whyNot(room, member);
}

function whyNot(room: Room, member: Member | undefined): AppError {
  switch (member?.status) {
    case "pending":
      return room.joinType === "require_approval"
        ? refusal("membership_pending")
        : fail.payment("payment_required", "The room opens once the membership is paid.");
    case "active":
    case "expired":
      return refusal("membership_expired");
    default:
      return refusal("membership_required");
  }
}

const REFUSALS = {
  banned: "You are banned from this room.",
  membership_required: "Only members may join this room.",
  membership_pending: "Your membership of this room is not approved yet.",
  membership_expired: "Your membership of this room has expired.",
} as const;

function refusal(code: keyof typeof REFUSALS): AppError {
  return fail.forbidden(code, REFUSALS[code]);
}
