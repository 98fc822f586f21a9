/** The collection of notifications: what a person was told, and whether they have read it. */

import { USERS_ID } from "../auth/index.ts";
import { type CollectionDefinition, fields, timestamps } from "../records/index.ts";

export const NOTIFICATIONS = "notifications";

/** A stored notification. */
export interface StoredNotice {
  readonly id: string;
  readonly user: string;
  /** `join_request`, `post_liked`: the feature that tells it names it. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** As stored; empty: not read yet. */
  readonly readAt: string;
  readonly created: string;
}

const OWN = "@request.auth.id != '' && user = @request.auth.id";

export function noticesCollections(): CollectionDefinition[] {
  return [
    {
      name: NOTIFICATIONS,
      listRule: OWN,
      viewRule: OWN,
      // What was told stays told: the write ring lets nothing but `readAt` change.
      updateRule: OWN,
      deleteRule: OWN,
      fields: [
        fields.id(),
        fields.relation("user", USERS_ID, { required: true, cascadeDelete: true }),
        fields.text("type", { required: true, max: 64 }),
        fields.json("data"),
        fields.date("readAt"),
        ...timestamps(),
      ],
      // Ids are ordered by time: the newest of one person are the end of one stretch.
      indexes: ["CREATE INDEX `idx_notifications_user` ON `notifications` (`user`, `id`)"],
    },
  ];
}
