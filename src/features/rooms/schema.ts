/** The collections of rooms: what a room is, and who belongs to it. */

import { crc32 } from "../../tools/crc32.ts";
import type { Source } from "../../tools/sdp/sections.ts";
import { USERS_ID } from "../auth/index.ts";
import { type CollectionDefinition, fields, timestamps } from "../records/index.ts";

export const ROOMS = "rooms";
export const ROOM_MEMBERS = "roomMembers";

export const ROOM_TYPES = ["audio", "video", "data"] as const;
export type RoomType = (typeof ROOM_TYPES)[number];

/**
 * How one becomes a member. free: at once. require_approval: when an owner or admin agrees.
 * paid_period, paid_lifetime: when it is paid.
 */
export const JOIN_TYPES = ["free", "require_approval", "paid_period", "paid_lifetime"] as const;
export type JoinType = (typeof JOIN_TYPES)[number];

export const MEMBER_ROLES = ["owner", "admin", "participant"] as const;
export type MemberRole = (typeof MEMBER_ROLES)[number];

export const MEMBER_STATUSES = ["pending", "active", "rejected", "banned", "expired"] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

/** A stored room. */
export interface Room {
  readonly id: string;
  readonly roomType: RoomType;
  readonly name: string;
  readonly description: string;
  /** A users id; empty: nobody owns it. */
  readonly owner: string;
  readonly joinType: JoinType;
  readonly price: number;
  readonly periodDays: number;
  /** 0: the server's bound. */
  readonly maxParticipants: number;
  readonly isActive: boolean;
  readonly isPublic: boolean;
  /** Made by a guest: removed when it stood empty. */
  readonly isTemporary: boolean;
  readonly created: string;
  readonly updated: string;
}

/** A stored membership. */
export interface Member {
  readonly id: string;
  readonly room: string;
  readonly user: string;
  readonly role: MemberRole;
  readonly status: MemberStatus;
  /** Milliseconds since the epoch; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** What the member may publish; undefined: all that the room carries. */
  readonly publish: readonly Source[] | undefined;
}

/** What each type of room carries beside the data channel. */
export const ROOM_SOURCES: Readonly<Record<RoomType, readonly Source[]>> = {
  audio: ["audio"],
  video: ["audio", "video", "screen"],
  data: [],
};

/** Relations need the id before the collection is there; it is the one it gets by its name. */
const ROOMS_ID = `pbc_${crc32("baserooms")}`;

const SIGNED_IN = "@request.auth.id != ''";

/** Several conditions on one relation with `?=` hold for the same related row. */
function membershipOf(relation: string): string {
  const member = `${relation}roomMembers_via_room`;
  return [
    `${member}.user ?= @request.auth.id`,
    `${member}.status ?= 'active'`,
    `(${member}.expiresAt ?= '' || ${member}.expiresAt ?> @now)`,
  ].join(" && ");
}

const SEES_ROOM = `isPublic = true || (${SIGNED_IN} && (owner = @request.auth.id || (${membershipOf("")})))`;
const OWNS_ROOM = `${SIGNED_IN} && owner = @request.auth.id`;
const ADMINISTERS = `${membershipOf("room.")} && room.roomMembers_via_room.role ?= 'admin'`;
const SEES_MEMBER = `${SIGNED_IN} && (user = @request.auth.id || room.owner = @request.auth.id || (${ADMINISTERS}))`;

/** For the memberships that run out: few among many. */
export const EXPIRY_INDEX =
  "CREATE INDEX `idx_roomMembers_expiry` ON `roomMembers` (`expiresAt`) " +
  "WHERE `status` = 'active' AND `expiresAt` != ''";

export function roomsCollections(): CollectionDefinition[] {
  return [roomsCollection(), roomMembersCollection()];
}

function roomsCollection(): CollectionDefinition {
  return {
    id: ROOMS_ID,
    name: ROOMS,
    listRule: SEES_ROOM,
    viewRule: SEES_ROOM,
    createRule: OWNS_ROOM,
    // Ownership moves with the memberships, which this door would leave behind.
    updateRule: `${OWNS_ROOM} && @request.body.owner:changed = false`,
    deleteRule: OWNS_ROOM,
    fields: [
      fields.id(),
      fields.select("roomType", ROOM_TYPES, { required: true }),
      fields.text("name", { max: 255 }),
      fields.text("description", { max: 5_000 }),
      fields.relation("owner", USERS_ID),
      fields.relation("creator", USERS_ID),
      fields.select("joinType", JOIN_TYPES),
      fields.number("price", { min: 0 }),
      fields.number("periodDays", { min: 0, onlyInt: true }),
      fields.number("maxParticipants", { min: 0, onlyInt: true }),
      fields.bool("isActive"),
      fields.bool("isPublic"),
      fields.bool("isTemporary", { hidden: true }),
      ...timestamps(),
    ],
    indexes: [
      "CREATE INDEX `idx_rooms_owner` ON `rooms` (`owner`)",
      "CREATE INDEX `idx_rooms_temporary` ON `rooms` (`isTemporary`) WHERE `isTemporary` = TRUE",
    ],
  };
}

function roomMembersCollection(): CollectionDefinition {
  return {
    name: ROOM_MEMBERS,
    listRule: SEES_MEMBER,
    viewRule: SEES_MEMBER,
    fields: [
      fields.id(),
      fields.relation("room", ROOMS_ID, { required: true, cascadeDelete: true }),
      fields.relation("user", USERS_ID, { required: true, cascadeDelete: true }),
      fields.select("role", MEMBER_ROLES, { required: true }),
      fields.select("status", MEMBER_STATUSES, { required: true }),
      fields.date("expiresAt"),
      fields.number("paidAmount", { min: 0 }),
      fields.date("joinedAt"),
      fields.relation("approvedBy", USERS_ID),
      fields.json("permissions"),
      ...timestamps(),
    ],
    indexes: [
      "CREATE UNIQUE INDEX `idx_roomMembers_room_user` ON `roomMembers` (`room`, `user`)",
      "CREATE INDEX `idx_roomMembers_user` ON `roomMembers` (`user`)",
      EXPIRY_INDEX,
    ],
  };
}
