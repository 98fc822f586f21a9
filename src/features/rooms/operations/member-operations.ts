/** Belonging to a room: asked for, decided, listed, handed over, ended. */

import { type Static, Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import { MEMBER_ROLES, MEMBER_STATUSES } from "../schema.ts";
import { MEMBER_ACTIONS, type MemberAction } from "../service/member-actions.ts";
import type { MembershipsService } from "../service/memberships-service.ts";
import { isMember } from "../service/rights.ts";
import type { MemberEntry } from "../store.ts";
import {
  Done,
  done,
  Id,
  oneOf,
  PageQuery,
  PageShape,
  pageOf,
  RoomPath,
  RoomShape,
  roomData,
  strict,
} from "./shapes.ts";

const PER_PAGE = 30;

const Status = oneOf(MEMBER_STATUSES);
const StatusQuery = Type.Optional(oneOf([...MEMBER_STATUSES, "all"]));

export const MemberShape = Type.Object({
  member_id: Type.String(),
  room_id: Type.String(),
  user_id: Type.String(),
  /** Of the account; may be empty. */
  name: Type.String(),
  role: oneOf(MEMBER_ROLES),
  status: Status,
  /** Empty: not yet. */
  joined_at: Type.String(),
  /** Empty: never. */
  expires_at: Type.String(),
});

export function memberOperations(memberships: MembershipsService): Operation[] {
  return [
    requestOperation(memberships),
    ...MEMBER_ACTIONS.map((action) => actOperation(memberships, action)),
    transferOperation(memberships),
    leaveOperation(memberships),
    listOperation(memberships),
    mineOperation(memberships),
  ];
}

function requestOperation(memberships: MembershipsService): Operation {
  return defineOperation({
    name: "rooms.requestJoin",
    kind: "write",
    summary: "Asks to become a member of a room",
    input: Type.Object(RoomPath, strict),
    output: Type.Object({ member_id: Type.String(), status: Status }),
    access: "signed_in",
    limit: { name: "rooms.requestJoin", count: LIMITS.roomRequestsPerMinute, windowMs: 60_000 },
    errors: ["not_found", "room_inactive", "banned", "payments_unavailable"],
    rest: [{ method: "POST", path: "/api/rooms/:room_id/join-request" }],
    async run(context, input) {
      const { id, status } = await memberships.request(context, input.room_id);
      return { member_id: id, status };
    },
  });
}

const ACTIONS: Readonly<Record<MemberAction, { summary: string; errors: readonly string[] }>> = {
  approve: {
    summary: "Lets somebody in who asked, was rejected, ran out, or was banned",
    errors: ["payments_unavailable"],
  },
  reject: { summary: "Turns a request down; one may ask again", errors: ["not_pending"] },
  ban: { summary: "Shuts a member out until approved again", errors: [] },
  promote: { summary: "Makes a member an admin", errors: ["not_a_member"] },
  demote: { summary: "Makes an admin a participant", errors: ["not_a_member"] },
};

function actOperation(memberships: MembershipsService, action: MemberAction): Operation {
  const { summary, errors } = ACTIONS[action];
  return defineOperation({
    name: `roomMembers.${action}`,
    kind: "write",
    summary,
    input: Type.Object({ member_id: Id }, strict),
    output: Type.Object({ member_id: Type.String(), role: oneOf(MEMBER_ROLES), status: Status }),
    access: "signed_in",
    errors: ["membership_not_found", "forbidden", "owner_must_transfer", ...errors],
    rest: [{ method: "POST", path: `/api/room-members/:member_id/${action}` }],
    async run(context, input) {
      const { id, role, status } = await memberships.act(context, input.member_id, action);
      return { member_id: id, role, status };
    },
  });
}

function transferOperation(memberships: MembershipsService): Operation {
  return defineOperation({
    name: "rooms.transferOwnership",
    kind: "write",
    summary: "Hands a room over to one of its members; the owner before stays as an admin",
    input: Type.Object({ ...RoomPath, new_owner_id: Id }, strict),
    output: RoomShape,
    access: "signed_in",
    errors: ["not_found", "forbidden", "not_a_member"],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [{ method: "POST", path: "/api/rooms/:room_id/transfer-ownership" }],
    run: async (context, input) =>
      roomData(await memberships.transfer(context, input.room_id, input.new_owner_id)),
  });
}

function leaveOperation(memberships: MembershipsService): Operation {
  return defineOperation({
    name: "rooms.leave",
    kind: "write",
    summary: "Ends one's membership of a room, or takes back the request for it",
    input: Type.Object(RoomPath, strict),
    output: Done,
    access: "signed_in",
    errors: ["not_found", "owner_must_transfer", "banned", "membership_not_found"],
    rest: [{ method: "POST", path: "/api/rooms/:room_id/leave" }],
    async run(context, input) {
      await memberships.leave(context, input.room_id);
      return done;
    },
  });
}

function listOperation(memberships: MembershipsService): Operation {
  return defineOperation({
    name: "rooms.members",
    kind: "read",
    summary: "Who belongs to a room; other statuses than active are for the owner and admins",
    input: Type.Object(
      { ...RoomPath, status: StatusQuery, user_id: Type.Optional(Id), ...PageQuery },
      strict,
    ),
    output: Type.Object({ items: Type.Array(MemberShape), ...PageShape }),
    access: "signed_in",
    errors: ["not_found", "membership_required", "forbidden"],
    rest: [{ method: "GET", path: "/api/rooms/:room_id/members" }],
    async run(context, input) {
      const { items, ...page } = await memberships.list(context, {
        ...pageOf(input, PER_PAGE),
        roomId: input.room_id,
        status: statusOf(input.status),
        userId: input.user_id,
      });
      return { items: items.map((entry) => memberData(context, entry)), ...page };
    },
  });
}

function mineOperation(memberships: MembershipsService): Operation {
  return defineOperation({
    name: "rooms.mine",
    kind: "read",
    summary: "The rooms one belongs to",
    input: Type.Object({ status: StatusQuery, ...PageQuery }, strict),
    output: Type.Object({
      items: Type.Array(Type.Composite([RoomShape, Type.Object({ membership: MemberShape })])),
      ...PageShape,
    }),
    access: "signed_in",
    errors: [],
    rest: [{ method: "GET", path: "/api/user/rooms" }],
    async run(context, input) {
      const { items, ...page } = await memberships.mine(context, {
        ...pageOf(input, PER_PAGE),
        status: statusOf(input.status),
      });
      const rooms = items.map(({ entry, view }) => ({
        ...roomData(view),
        membership: memberData(context, entry),
      }));
      return { items: rooms, ...page };
    },
  });
}

/** Active where nothing is said. */
function statusOf(given: Static<typeof StatusQuery> = "active") {
  return given === "all" ? undefined : given;
}

/** A membership whose time ran out shows as that before the clean-up has come to it. */
export function memberData(context: Context, entry: MemberEntry): Static<typeof MemberShape> {
  const { member, name, joinedAt, expiresAt } = entry;
  const isOver = member.status === "active" && !isMember(member, context.clock.now());
  return {
    member_id: member.id,
    room_id: member.room,
    user_id: member.user,
    name,
    role: member.role,
    status: isOver ? "expired" : member.status,
    joined_at: joinedAt,
    expires_at: expiresAt,
  };
}
