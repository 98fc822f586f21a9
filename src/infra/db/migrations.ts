/**
 * Changes of the tables, applied once each, in order, and written down in `_migrations`. A data
 * directory that came from PocketBase has such a table with rows of its own; they are left alone.
 */

import type { Clock } from "../../base/clock.ts";
import { AppError, assert, fail } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Database, Reader, Transaction } from "./database.ts";

export interface Migration {
  /** `parvis/0001_collections` for the server's own, `1700000000_rooms` for an operator's. */
  readonly name: string;
  /**
   * Migrations of another program whose work this one does. In a database where none of them was
   * applied they are written down too: the other program can open that database then.
   */
  readonly standsFor?: readonly string[];
  /** `now` in milliseconds since the Unix epoch. */
  up(tx: Transaction, now: number): Promise<void>;
  /** Without it the migration cannot be taken back. */
  down?(tx: Transaction): Promise<void>;
}

export interface MigrationStatus {
  readonly name: string;
  /** Milliseconds since the Unix epoch; null: pending. */
  readonly appliedAt: number | null;
  /** False: applied by something this executable does not know. */
  readonly known: boolean;
}

export interface MigrateOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Those of features that are off: not applied, but no sign of a newer server either. */
  readonly dormant?: readonly Migration[];
}

/** Names of the server's own migrations start so. An unknown one was made by a newer server. */
const OWN_PREFIX = "parvis/";

const TABLE = `
  CREATE TABLE IF NOT EXISTS _migrations (
    file    VARCHAR(255) PRIMARY KEY NOT NULL,
    applied INTEGER NOT NULL
  )`;

const INSERT = "INSERT INTO _migrations (file, applied) VALUES (?, ?)";

/** `applied` in microseconds. */
interface AppliedRow {
  readonly file: string;
  readonly applied: number;
}

/**
 * All known and all applied migrations: applied ones first, in order of application; without those
 * that a known one stands for.
 */
export async function migrationStatus(
  db: Database,
  migrations: readonly Migration[],
  dormant: readonly Migration[] = [],
): Promise<MigrationStatus[]> {
  await db.write((tx) => tx.run(TABLE));
  const all = [...migrations, ...dormant];
  const known = new Set(all.map(({ name }) => name));
  const stoodFor = new Set(all.flatMap(({ standsFor = [] }) => standsFor));
  const applied = (await appliedRows(db)).filter(({ file }) => !stoodFor.has(file));
  const done = applied.map(({ file, applied: at }) => {
    return { name: file, appliedAt: Math.floor(at / 1000), known: known.has(file) };
  });
  const open = pendingAmong(migrations, applied);
  return [...done, ...open.map(({ name }) => ({ name, appliedAt: null, known: true }))];
}

/** In the order in which `migrateUp` applies them. */
export async function pendingMigrations(
  db: Database,
  migrations: readonly Migration[],
): Promise<Migration[]> {
  await db.write((tx) => tx.run(TABLE));
  return pendingAmong(migrations, await appliedRows(db));
}

/**
 * Applies all pending migrations in one transaction and returns their names. Errors: 503
 * `database_newer`, 500 `migration_failed`, which names the one in its message and its `data`;
 * nothing is changed then.
 */
export async function migrateUp(
  db: Database,
  migrations: readonly Migration[],
  options: MigrateOptions,
): Promise<string[]> {
  const names = await db.write(
    async (tx) => {
      await tx.run(TABLE);
      const applied = await appliedRows(tx);
      refuseNewer([...migrations, ...(options.dormant ?? [])], applied);
      const pending = pendingAmong(migrations, applied);
      let stamp = nextStamp(options.clock, applied);
      for (const migration of pending) {
        await attempt(migration, () => migration.up(tx, options.clock.now()));
        // One apart, so that the order of application can be read back.
        await tx.run(INSERT, migration.name, stamp++);
      }
      for (const name of migrations.flatMap((migration) => othersDone(migration, applied))) {
        await tx.run(INSERT, name, stamp++);
      }
      return pending.map(({ name }) => name);
    },
    { exclusive: true },
  );
  for (const migration of names) options.log.info("migration applied", { migration });
  return names;
}

/**
 * Takes the last `count` applied migrations that are known back, last first, in one transaction,
 * and returns their names. Errors: 409 `migration_irreversible`, and those of `migrateUp`.
 */
export async function migrateDown(
  db: Database,
  migrations: readonly Migration[],
  options: MigrateOptions & { readonly count: number },
): Promise<string[]> {
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  const names = await db.write(
    async (tx) => {
      await tx.run(TABLE);
      const applied = await appliedRows(tx);
      refuseNewer([...migrations, ...(options.dormant ?? [])], applied);
      const known = applied.flatMap(({ file }) => byName.get(file) ?? []).reverse();
      const last = known.slice(0, options.count);
      for (const migration of last) {
        const down = migration.down?.bind(migration);
        if (!down) throw irreversible(migration.name);
        await attempt(migration, () => down(tx));
        await tx.run("DELETE FROM _migrations WHERE file = ?", migration.name);
      }
      return last.map(({ name }) => name);
    },
    { exclusive: true },
  );
  for (const migration of names) options.log.info("migration taken back", { migration });
  return names;
}

function appliedRows(reader: Reader): Promise<AppliedRow[]> {
  return reader.all<AppliedRow>("SELECT file, applied FROM _migrations ORDER BY applied, file");
}

function othersDone({ standsFor = [] }: Migration, applied: readonly AppliedRow[]) {
  return applied.some(({ file }) => standsFor.includes(file)) ? [] : standsFor;
}

/** The server's own come first: an operator's may build on them. */
function pendingAmong(migrations: readonly Migration[], applied: readonly AppliedRow[]) {
  const done = new Set(applied.map(({ file }) => file));
  const names = new Set(migrations.map(({ name }) => name));
  assert(names.size === migrations.length, "every migration has its own name");
  const rank = ({ name }: Migration) => (name.startsWith(OWN_PREFIX) ? 0 : 1);
  return migrations
    .filter(({ name }) => !done.has(name))
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

function refuseNewer(migrations: readonly Migration[], applied: readonly AppliedRow[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = applied
    .map(({ file }) => file)
    .filter((file) => file.startsWith(OWN_PREFIX) && !known.has(file));
  if (unknown.length === 0) return;
  const message = `The database was made by a newer version: it has ${unknown.join(", ")}.`;
  throw fail.unavailable("database_newer", message, { data: { migrations: unknown } });
}

/** The clock in microseconds, but after everything applied so far: a clock may be set back. */
function nextStamp(clock: Clock, applied: readonly AppliedRow[]): number {
  return Math.max(clock.now() * 1000, 1 + (applied.at(-1)?.applied ?? 0));
}

async function attempt(migration: Migration, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (cause) {
    const reason = cause instanceof AppError ? ` (${cause.message})` : "";
    const message = `The migration ${migration.name} failed${reason}; nothing was changed.`;
    const data = { migration: migration.name };
    throw fail.internal("migration_failed", message, { cause, data });
  }
}

function irreversible(name: string): AppError {
  const message = `The migration ${name} cannot be taken back; nothing was changed.`;
  return fail.conflict("migration_irreversible", message, { data: { migration: name } });
}
