/** Rooms and memberships as stored: typed rows, and the query no equality can express. */

import type { Context } from "../../core/context.ts";
import type { SqlRow, SqlValue } from "../../infra/db/database.ts";
import { limitTo } from "../../infra/db/limit.ts";
import type { Source } from "../../tools/sdp/sections.ts";
import { USERS } from "../auth/index.ts";
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
    `SELECT * FROM rooms WHERE ${sql} ORDER BY id DESC ${limitTo(page.limit)} OFFSET ?`,
    ...values,
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

/** A membership as lists show it. */
export interface MemberEntry {
  readonly member: Member;
  /** Of the account; empty where it has none. */
  readonly name: string;
  readonly joinedAt: string;
  readonly expiresAt: string;
}

export interface MemberPage {
  readonly room?: string;
  readonly user?: string;
  /** Undefined: all of them. */
  readonly status?: MemberStatus | undefined;
  readonly limit: number;
  readonly offset: number;
}

/**
 * The owner, the admins, the others, each in the order in which they came. A membership whose time
 * ran out counts as expired already.
 */
export async function listMembers(
  records: RecordsService,
  context: Context,
  page: MemberPage,
): Promise<{ entries: MemberEntry[]; total: number }> {
  const { sql, values } = memberConditions(page, storedDate(context.clock.now()));
  const counted = await context.db.get<{ total: number }>(
    `SELECT count(*) AS total FROM roomMembers WHERE ${sql}`,
    ...values,
  );
  const rows = await context.db.all<SqlRow>(
    `SELECT * FROM roomMembers WHERE ${sql}
      ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 ELSE 2 END, id
      ${limitTo(page.limit)} OFFSET ?`,
    ...values,
    page.offset,
  );
  const found = rows.map((row) => records.decode(ROOM_MEMBERS, row));
  const names = await namesOf(
    records,
    context,
    found.map(({ user }) => String(user)),
  );
  const entries = found.map((record) => ({
    member: readMember(record),
    name: names.get(String(record.user)) ?? "",
    joinedAt: String(record.joinedAt),
    expiresAt: String(record.expiresAt),
  }));
  return { entries, total: counted?.total ?? 0 };
}

/** Both relations are indexed, so that neither list reads through the others' rows. */
function memberConditions(
  { room, user, status }: MemberPage,
  now: string,
): { sql: string; values: SqlValue[] } {
  const lasting = "(expiresAt = '' OR expiresAt > ?)";
  const terms: [sql: string, ...values: SqlValue[]][] = [];
  if (room !== undefined) terms.push(["room = ?", room]);
  if (user !== undefined) terms.push(["user = ?", user]);
  if (status === "active") terms.push([`status = 'active' AND ${lasting}`, now]);
  else if (status === "expired") {
    terms.push([`(status = 'expired' OR (status = 'active' AND NOT ${lasting}))`, now]);
  } else if (status !== undefined) terms.push(["status = ?", status]);
  return {
    sql: terms.map(([sql]) => sql).join(" AND ") || "TRUE",
    values: terms.flatMap(([, ...values]) => values),
  };
}

async function namesOf(
  records: RecordsService,
  context: Context,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await context.db.all<SqlRow>(
    "SELECT * FROM users WHERE id IN (SELECT value FROM json_each(?))",
    JSON.stringify(ids),
  );
  const people = rows.map((row) => records.decode(USERS, row));
  // An operator's own users may have no such field.
  return new Map(people.map(({ id, name }) => [id, typeof name === "string" ? name : ""]));
}

/** Active memberships whose time ran out, by their own index. */
export async function overdueMembers(context: Context, limit: number): Promise<string[]> {
  const rows = await context.db.all<{ id: string }>(
    `SELECT id FROM roomMembers
      WHERE status = 'active' AND expiresAt != '' AND expiresAt <= ? AND role != 'owner'
      ${limitTo(limit)}`,
    storedDate(context.clock.now()),
  );
  return rows.map(({ id }) => id);
}
