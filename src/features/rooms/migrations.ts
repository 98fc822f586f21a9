import type { Transaction } from "../../infra/db/database.ts";
import type { Migration } from "../../infra/db/migrations.ts";
import { collectionsMigration } from "../records/index.ts";
import { EXPIRY_INDEX, ROOM_MEMBERS, roomsCollections } from "./schema.ts";

export const migrations: readonly Migration[] = [
  collectionsMigration("parvis/0010_rooms", roomsCollections),
  // A data directory made before memberships ran out lacks the index; a new one has it already.
  {
    name: "parvis/0012_membership_expiry",
    async up(tx) {
      const indexes = await memberIndexes(tx);
      if (indexes.includes(EXPIRY_INDEX)) return;
      await tx.run(EXPIRY_INDEX);
      await writeMemberIndexes(tx, [...indexes, EXPIRY_INDEX]);
    },
    async down(tx) {
      await tx.run("DROP INDEX IF EXISTS `idx_roomMembers_expiry`");
      const indexes = await memberIndexes(tx);
      await writeMemberIndexes(
        tx,
        indexes.filter((index) => index !== EXPIRY_INDEX),
      );
    },
  },
];

async function memberIndexes(tx: Transaction): Promise<unknown[]> {
  const row = await tx.get<{ indexes: string }>(
    "SELECT indexes FROM `_collections` WHERE name = ?",
    ROOM_MEMBERS,
  );
  const indexes: unknown = JSON.parse(row?.indexes ?? "[]");
  return Array.isArray(indexes) ? indexes : [];
}

async function writeMemberIndexes(tx: Transaction, indexes: readonly unknown[]): Promise<void> {
  const text = JSON.stringify(indexes);
  await tx.run("UPDATE `_collections` SET indexes = ? WHERE name = ?", text, ROOM_MEMBERS);
}
