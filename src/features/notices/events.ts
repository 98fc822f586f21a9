/** What the bus hears of notifications. */

import type { NewEvent } from "../../core/context.ts";
import type { StoredNotice } from "./schema.ts";

export const NOTIFICATIONS_TOPIC = "notifications";

/** Heard by the person alone; the type is the notification's own, the data its fields. */
export function noticeFact({ id, user, type, data }: StoredNotice): NewEvent {
  return {
    topic: NOTIFICATIONS_TOPIC,
    type,
    payload: { ...data, notification_id: id },
    audience: { to: "users", ids: [user] },
  };
}
