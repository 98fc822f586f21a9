/** Rooms and memberships as stored: typed rows, and the query no equality can express. */

import type { Context } from "../../core/context.ts";
import type { SqlRow, SqlValue } from "../../infra/db/database.ts";
import type { Source } from "../../tools/sdp/sections.ts";
import { dateMs, type RecordData, type RecordsService, storedDate } from "../records/index.ts";
import {
  type JoinType,
  type Member,
  type MemberRole,
  type MemberStatus,
  ROOM_MEMBERS,
  ROOMS,
  type Room,
  type RoomType,
} from "./schema.ts";

export function readRoom(record: RecordData): Room {
  return {
    id: record.id,
    roomType: record.roomType as RoomType,
    name: String(record.name),
    description: String(record.description),
    owner: String(record.owner),
    joinType: record.joinType as JoinType,
    price: Number(record.price),
    periodDays: Number(record.periodDays),
    maxParticipants: Number(record.maxParticipants),
    isActive: record.isActive === true,
    isPublic: record.isPublic === true,
    isTemporary: record.isTemporary === true,
    created: String(record.created),
    updated: String(record.updated),
  };
}

export function readMember(record: RecordData): Member {
  return {
    id: record.id,
    room: String(record.room),
    user: String(record.user),
    role: record.role as MemberRole,
    status: record.status as MemberStatus,
    expiresAtMs: dateMs(record.expiresAt),
    publish: readPublish(record.permissions),
  };
}

/** `permissions: {publish: ["audio"]}`; anything else restricts nothing. */
function readPublish(permissions: unknown): readonly Source[] | undefined {
  if (typeof permissions !== "object" || permissions === null) return undefined;
  const publish = "publish" in permissions ? permissions.publish : undefined;
  return Array.isArray(publish) ? (publish as Source[]) : undefined;
}

export async function findMember(
  records: RecordsService,
  context: Context,
  where: { readonly room: string; readonly user: string },
): Promise<Member | undefined> {
  const record = await records.find(context, ROOM_MEMBERS, where);
  return record && readMember(record);
}

/** Whose list it is: a superuser's (all), a user's, a guest's (null). */
export type Viewer = "all" | { readonly userId: string } | null;

export interface RoomPage {
  readonly viewer: Viewer;
  readonly limit: number;
  readonly offset: number;
}

/** Newest first. */
export async function listRooms(
  records: RecordsService,
  context: Context,
  page: RoomPage,
): Promise<{ rooms: Room[]; total: number }> {
  const { sql, values } = visibleTo(page.viewer, storedDate(context.clock.now()));
  const counted = await context.db.get<{ total: number }>(
    `SELECT count(*) AS total FROM rooms WHERE ${sql}`,
    ...values,
  );
  // Goes down the primary key, whose order is that of creation, and stops when the page is full.
  // It and the count scan the rooms: there are thousands of them, not millions.
  const rows = await context.db.all<SqlRow>(
    `SELECT * FROM rooms WHERE ${sql} ORDER BY id DESC LIMIT ? OFFSET ?`,
    ...values,
    page.limit,
    page.offset,
  );
  const rooms = rows.map((row) => readRoom(records.decode(ROOMS, row)));
  return { rooms, total: counted?.total ?? 0 };
}

function visibleTo(viewer: Viewer, now: string): { sql: string; values: SqlValue[] } {
  if (viewer === "all") return { sql: "TRUE", values: [] };
  const open = "(isPublic = TRUE AND isActive = TRUE)";
  if (viewer === null) return { sql: open, values: [] };
  const { userId } = viewer;
  return {
    sql: `(${open} OR owner = ? OR id IN (
        SELECT room FROM roomMembers
         WHERE user = ? AND status = 'active' AND (expiresAt = '' OR expiresAt > ?)))`,
    values: [userId, userId, now],
  };
}
