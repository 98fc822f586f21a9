/** One's own notifications: listed, marked as read, deleted. */

import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../base/limits.ts";
import { defineOperation, type Operation } from "../../core/operation.ts";
import type { StoredNotice } from "./schema.ts";
import type { NoticesService } from "./service.ts";

const strict = { additionalProperties: false };
const Id = Type.String({ minLength: 1, maxLength: 64 });
const PER_PAGE = 30;

const NoticeShape = Type.Object({
  notification_id: Type.String(),
  type: Type.String(),
  data: Type.Record(Type.String(), Type.Unknown()),
  /** Empty: not read yet. */
  read_at: Type.String(),
  created: Type.String(),
});

export function noticesOperations(notices: NoticesService): Operation[] {
  return [listOperation(notices), readOperation(notices), deleteOperation(notices)];
}

function listOperation(notices: NoticesService): Operation {
  return defineOperation({
    name: "notices.list",
    kind: "read",
    summary: "One's own notifications, newest first",
    input: Type.Object(
      {
        unread: Type.Optional(Type.Boolean()),
        page: Type.Optional(Type.Integer()),
        perPage: Type.Optional(Type.Integer()),
      },
      strict,
    ),
    output: Type.Object({
      items: Type.Array(NoticeShape),
      /** How many are not read, on whatever page. */
      unread: Type.Integer(),
      page: Type.Integer(),
      perPage: Type.Integer(),
      totalItems: Type.Integer(),
      totalPages: Type.Integer(),
    }),
    access: "signed_in",
    errors: ["unauthenticated"],
    rest: [{ method: "GET", path: "/api/notifications" }],
    async run(context, { unread = false, page = 1, perPage = PER_PAGE }) {
      const { notices: found, ...counts } = await notices.list(context, {
        unreadOnly: unread,
        page: Math.max(1, page),
        perPage: perPage < 1 ? PER_PAGE : Math.min(perPage, LIMITS.readPageMax),
      });
      return { items: found.map(noticeData), ...counts };
    },
  });
}

function readOperation(notices: NoticesService): Operation {
  return defineOperation({
    name: "notices.read",
    kind: "write",
    summary: "Marks notifications as read; all of one's own where none are named",
    input: Type.Object(
      { ids: Type.Optional(Type.Array(Id, { maxItems: LIMITS.notificationsPerUserMax })) },
      strict,
    ),
    output: Type.Object({ read: Type.Integer() }),
    access: "signed_in",
    errors: ["unauthenticated"],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [{ method: "POST", path: "/api/notifications/read" }],
    run: async (context, { ids }) => ({ read: await notices.markRead(context, ids) }),
  });
}

function deleteOperation(notices: NoticesService): Operation {
  return defineOperation({
    name: "notices.delete",
    kind: "write",
    summary: "Deletes one of one's own notifications",
    input: Type.Object({ notification_id: Id }, strict),
    output: Type.Object({ success: Type.Literal(true) }),
    access: "signed_in",
    errors: ["unauthenticated", "not_found"],
    rest: [{ method: "DELETE", path: "/api/notifications/:notification_id" }],
    async run(context, input) {
      await notices.delete(context, input.notification_id);
      return { success: true as const };
    },
  });
}

function noticeData({ id, type, data, readAt, created }: StoredNotice) {
  return { notification_id: id, type, data, read_at: readAt, created };
}
