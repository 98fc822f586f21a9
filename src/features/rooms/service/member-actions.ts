/**
 * What owners and admins do to memberships, as values: who may do it to whom, and what becomes of
 * the membership. Nothing is read or written here.
 */

import { type AppError, fail } from "../../../base/errors.ts";
import type { JoinType, Member, MemberRole, MemberStatus, Room } from "../schema.ts";
import { type Actor, isMember } from "./rights.ts";

export const MEMBER_ACTIONS = ["approve", "reject", "ban", "promote", "demote"] as const;
export type MemberAction = (typeof MEMBER_ACTIONS)[number];

/** What an action changes of a membership. */
export interface MemberChange {
  readonly status?: MemberStatus;
  readonly role?: MemberRole;
}

/** Who may only be acted on by the owner. */
type Target = MemberRole;

/**
 * Approve, reject, ban, mute and kick are for the owner and, towards participants, for admins; the
 * rest is the owner's. Superusers may all of it. Error: 403 `forbidden`.
 */
export function requireAction(
  actor: Actor,
  action: MemberAction | "mute" | "kick",
  target: Target,
): void {
  if (actor === "superuser" || actor === "owner") return;
  if (action === "promote" || action === "demote") throw ownersOnly();
  if (actor !== "admin") {
    throw fail.forbidden("forbidden", "Only the room's owner and admins may do this to others.");
  }
  if (target !== "participant") {
    throw fail.forbidden("forbidden", "An admin may not act on the owner or another admin.");
  }
}

/** Error: 403 `forbidden`. */
export function requireOwner(actor: Actor): void {
  if (actor !== "superuser" && actor !== "owner") throw ownersOnly();
}

/**
 * Undefined: it is so already. Errors: 409 `not_pending`, `not_a_member`, `owner_must_transfer` for
 * the owner's own membership, 400 `payments_unavailable`.
 */
export function memberChange(
  action: MemberAction,
  { room, member }: { readonly room: Room; readonly member: Member },
  nowMs: number,
): MemberChange | undefined {
  if (room.owner === member.user) throw ownerMustTransfer();
  const active = isMember(member, nowMs);
  switch (action) {
    case "approve":
      if (active) return undefined;
      if (isPaid(room.joinType)) throw paymentsUnavailable();
      return { status: "active" };
    case "reject":
      if (member.status === "rejected") return undefined;
      // Rejecting one who is banned would let them ask again.
      if (member.status === "pending") return { status: "rejected" };
      throw fail.conflict("not_pending", "This membership waits for no decision.");
    case "ban":
      return member.status === "banned" ? undefined : { status: "banned" };
    case "promote":
    case "demote": {
      if (!active) throw notAMember();
      const role = action === "promote" ? "admin" : "participant";
      return member.role === role ? undefined : { role };
    }
  }
}

/**
 * What asking to join does. keep: the membership says all already. Errors: 409 `room_inactive`, 403
 * `banned`, 400 `payments_unavailable`.
 */
export function requestOutcome(
  room: Room,
  { userId, member }: { readonly userId: string; readonly member: Member | undefined },
  nowMs: number,
): "keep" | "active" | "pending" {
  if (!room.isActive) throw inactive();
  if (member?.status === "banned") throw banned();
  if (isMember(member, nowMs)) return "keep";
  if (room.owner === userId || room.joinType === "free") return "active";
  if (isPaid(room.joinType)) throw paymentsUnavailable();
  return member?.status === "pending" ? "keep" : "pending";
}

export function isPaid(joinType: JoinType): boolean {
  return joinType === "paid_period" || joinType === "paid_lifetime";
}

export function inactive(): AppError {
  return fail.conflict("room_inactive", "The room is closed.");
}

export function banned(): AppError {
  return fail.forbidden("banned", "You are banned from this room.");
}

export function notAMember(): AppError {
  return fail.conflict("not_a_member", "This takes an active member of the room.");
}

export function ownerMustTransfer(): AppError {
  const message = "A room has one owner, who hands it over before anything else changes that.";
  return fail.conflict("owner_must_transfer", message);
}

export function paymentsUnavailable(): AppError {
  return fail.invalid("payments_unavailable", "This server takes no payments yet.");
}

function ownersOnly(): AppError {
  return fail.forbidden("forbidden", "Only the room's owner may do this.");
}
