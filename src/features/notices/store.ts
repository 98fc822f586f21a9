/** Notifications as stored: typed rows, and the queries no equality can express. */

import type { Context } from "../../core/context.ts";
import type { SqlRow } from "../../infra/db/database.ts";
import { limitTo } from "../../infra/db/limit.ts";
import type { RecordData, RecordsService } from "../records/index.ts";
import { NOTIFICATIONS, type StoredNotice } from "./schema.ts";

export function readNotice(record: RecordData): StoredNotice {
  const { data } = record;
  return {
    id: record.id,
    user: String(record.user),
    type: String(record.type),
    data: typeof data === "object" && data !== null ? { ...data } : {},
    readAt: String(record.readAt),
    created: String(record.created),
  };
}

export interface NoticePage {
  readonly user: string;
  readonly unreadOnly: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** Newest first; `unread` counts all of the person's, whatever the page. */
export async function listNotices(
  records: RecordsService,
  context: Context,
  { user, unreadOnly, limit, offset }: NoticePage,
): Promise<{ notices: StoredNotice[]; total: number; unread: number }> {
  const counted = await context.db.get<{ total: number; unread: number }>(
    "SELECT count(*) AS total, coalesce(sum(readAt = ''), 0) AS unread FROM notifications WHERE user = ?",
    user,
  );
  const { total = 0, unread = 0 } = counted ?? {};
  const rows = await context.db.all<SqlRow>(
    `SELECT * FROM notifications
      WHERE user = ?${unreadOnly ? " AND readAt = ''" : ""}
      ORDER BY id DESC ${limitTo(limit)} OFFSET ?`,
    user,
    offset,
  );
  const notices = rows.map((row) => readNotice(records.decode(NOTIFICATIONS, row)));
  return { notices, total: unreadOnly ? unread : total, unread };
}

/** Ids of the oldest ones behind the newest `keep`; at most `limit` of them. */
export async function surplusNotices(
  context: Context,
  user: string,
  { keep, limit }: { readonly keep: number; readonly limit: number },
): Promise<string[]> {
  const rows = await context.db.all<{ id: string }>(
    `SELECT id FROM notifications WHERE user = ? ORDER BY id DESC ${limitTo(limit)} OFFSET ?`,
    user,
    keep,
  );
  return rows.map(({ id }) => id);
}
