/** Fresh databases for the tests of this folder, removed again by `await using`. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openSqlite, type SqliteDatabase, type SqliteOptions } from "../../src/infra/db/sqlite.ts";

export function freshDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "parvis-db-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface FreshDatabase extends AsyncDisposable {
  readonly db: SqliteDatabase;
  readonly path: string;
}

/** An open database with `CREATE TABLE item (name TEXT PRIMARY KEY, size INTEGER)`. */
export async function freshDatabase(options: Partial<SqliteOptions> = {}): Promise<FreshDatabase> {
  const directory = freshDirectory();
  const path = join(directory.path, "data.db");
  const db = openSqlite({ path, clock: realClock(), log: silentLog(), ...options });
  await db.write((tx) => tx.run("CREATE TABLE item (name TEXT PRIMARY KEY, size INTEGER)"));
  return {
    db,
    path,
    async [Symbol.asyncDispose]() {
      await db.close();
      directory[Symbol.dispose]();
    },
  };
}

export async function itemNames(db: SqliteDatabase): Promise<string[]> {
  const rows = await db.all<{ name: string }>("SELECT name FROM item ORDER BY rowid");
  return rows.map(({ name }) => name);
}
