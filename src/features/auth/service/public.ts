/** An account as others may see it. */

import { type Caller, isPrivileged, userIdOf } from "../../../core/access.ts";
import type { Collection, RecordData } from "../../records/index.ts";

/** A record as a client may see it. */
export type PublicRecord = Record<string, unknown>;

/**
 * Password and token key never leave. The address does only to its owner, to superusers, or when
 * its owner made it visible.
 */
export function publicRecord(
  collection: Collection,
  record: RecordData,
  to: Caller | "owner" | "stranger",
): PublicRecord {
  const out: PublicRecord = { collectionId: collection.id, collectionName: collection.name };
  for (const field of collection.fields) if (!field.hidden) out[field.name] = record[field.name];
  const trusted =
    to === "owner" ||
    (to !== "stranger" && (isPrivileged(to) || ownId(to, collection) === record.id));
  if (!trusted && record.emailVisibility !== true) delete out.email;
  return Object.fromEntries(Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The id of the caller's record in this collection; null when it has none there. */
export function ownId(caller: Caller, collection: Collection): string | null {
  if (caller.kind === "superuser") return caller.id;
  const own = caller.kind === "user" && caller.collection === collection.name;
  return own ? userIdOf(caller) : null;
}
