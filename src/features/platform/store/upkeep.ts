import type { Database } from "../../../infra/db/database.ts";

/** Moves the log into the main file and refreshes the planner's statistics, of bounded samples. */
export async function optimizeDatabase(db: Database): Promise<void> {
  await db.checkpoint();
  if (db.dialect === "sqlite") await db.write((tx) => tx.run("PRAGMA optimize"));
}
