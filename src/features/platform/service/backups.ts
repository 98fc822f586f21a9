/**
 * Backups of the data directory, one at a time: a snapshot of each database and every stored file,
 * in a zip that a PocketBase opens too. They are kept in the directory's `backups`, or in a bucket.
 */

import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { AppError, fail } from "../../../base/errors.ts";
import type { Ids } from "../../../base/ids.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Log } from "../../../base/log.ts";
import type { Context } from "../../../core/context.ts";
import { removeFolder, saveBody, withFolder } from "../../../infra/archive/folder.ts";
import { packDirectory } from "../../../infra/archive/pack.ts";
import { orderSwap, staysInPlace, TEMPORARY_DIR } from "../../../infra/archive/swap.ts";
import { unpackArchive } from "../../../infra/archive/unpack.ts";
import { checkDatabase, snapshotDatabase } from "../../../infra/db/snapshot.ts";
import type { FileEntry, Storage, StoredFile } from "../../../infra/files/storage.ts";
import { openLocalStorage } from "../../../infra/files/storage-local.ts";
import { openS3Storage } from "../../../infra/files/storage-s3.ts";
import { fileExists, freeBytes } from "../../../infra/machine/disk.ts";
import type { SentFile } from "../../../tools/fields/upload.ts";
import { type SettingsBook, storedDate } from "../../records/index.ts";
import { type Faults, fault, lengthFault, patternFault, required, throwFaults } from "./faults.ts";

export interface BackupParts {
  /** The data directory. */
  readonly dir: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly settings: SettingsBook;
  /** Ends this process and starts it anew; absent where nothing is served. */
  readonly restart: (() => void) | undefined;
}

export interface BackupEntry {
  readonly modified: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

const BACKUPS_DIR = "backups";
const ZIP = "application/zip";
const NAME = /^[a-z0-9_-]+\.zip$/;
const AUTO_PREFIX = "@auto_pb_backup_";
const PREFIX = "pb_backup_";
const DATABASES = ["data.db", "auxiliary.db"] as const;
/** What an interrupted backup or restore leaves in the temporary directory. */
export const LEFTOVERS = /^(?:backup|restore)_[A-Za-z0-9]{10}/;

export class Backups {
  readonly #parts: BackupParts;
  #active: string | undefined;

  constructor(parts: BackupParts) {
    this.#parts = parts;
  }

  /** Whether none is being made or restored. */
  get isFree(): boolean {
    return this.#active === undefined;
  }

  async list(): Promise<BackupEntry[]> {
    const entries = await entriesOf(this.#storage(), "");
    return entries
      .map(({ key, bytes, modifiedAt }) => ({ modified: storedDate(modifiedAt), key, size: bytes }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * Makes one and waits for it. An empty name: one with the time in it. Errors: 400
   * `backup_running`, `validation_failed`.
   */
  async create(name: string): Promise<string> {
    this.#refuseWhileBusy();
    const faults: Faults = {
      name: lengthFault(name, 1, LIMITS.backupNameCharsMax) ?? patternFault(name, NAME),
    };
    const message = "An error occurred while validating the submitted data.";
    throwFaults(faults, message);
    const taken = name !== "" && (await this.#storage().open(name)) !== undefined;
    throwFaults({ name: taken ? nameExists() : undefined }, message);
    const chosen = name || this.#madeName(PREFIX);
    await this.#alone(chosen, () => this.#make(chosen));
    return chosen;
  }

  /** What the schedule asks for: a new one, then the oldest of its kind go. */
  async createScheduled(): Promise<void> {
    const name = this.#madeName(AUTO_PREFIX);
    await this.#alone(name, () => this.#make(name));
    const { cronMaxKeep } = this.#parts.settings.current.backups;
    if (cronMaxKeep === 0) return;
    const storage = this.#storage();
    const kept = await entriesOf(storage, AUTO_PREFIX);
    kept.sort((a, b) => b.modifiedAt - a.modifiedAt || (a.key < b.key ? 1 : -1));
    for (const { key } of kept.slice(cronMaxKeep)) await storage.delete(key);
  }

  /** Takes one that was sent. Error: 400 `validation_failed`. */
  async upload(file: SentFile | undefined): Promise<void> {
    const message = "An error occurred while validating the submitted data.";
    if (!file) {
      throwFaults({ file: required }, message);
      return;
    }
    const storage = this.#storage();
    throwFaults({ file: file.type === ZIP ? undefined : notZip(file.filename) }, message);
    const taken = await storage.open(file.filename);
    throwFaults({ file: taken ? nameExists() : undefined }, message);
    await storage.put(file.filename, file.content, { type: ZIP, originalName: file.filename });
  }

  /** Error: 404. */
  async open(key: string): Promise<StoredFile> {
    const file = await this.#storage().open(key);
    if (!file) throw fail.not_found("not_found", "The requested resource wasn't found.");
    return file;
  }

  /** Errors: 400 `backup_running` for the one that is being made or restored, `backup_missing`. */
  async delete(key: string): Promise<void> {
    if (key === this.#active) {
      throw fail.invalid("backup_running", "The backup is in use and cannot be deleted.");
    }
    await this.#existing(key);
    await this.#storage().delete(key);
  }

  /**
   * Unpacks and checks the backup, then has it take the place of the data at the next start, which
   * follows soon where this process serves. Errors: 400 `backup_running`, `backup_missing`,
   * `invalid_backup`, `restart_impossible`.
   */
  async restore(context: Context, key: string): Promise<void> {
    this.#refuseWhileBusy();
    const { restart, clock } = this.#parts;
    if (!restart && context.caller.kind !== "system") {
      throw fail.invalid("restart_impossible", "This server cannot start itself anew.");
    }
    const file = await this.#existing(key);
    await this.#alone(key, () => this.#prepare(file));
    if (!restart) return;
    this.#active = key;
    clock.after(LIMITS.restartDelayMs, restart);
  }

  #refuseWhileBusy(): void {
    if (this.isFree) return;
    throw fail.invalid(
      "backup_running",
      "Another backup or restore runs already: try again later.",
    );
  }

  async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#refuseWhileBusy();
    this.#active = name;
    try {
      return await work();
    } finally {
      this.#active = undefined;
    }
  }

  async #make(name: string): Promise<void> {
    await this.#inFolder(async (folder) => {
      const { dir } = this.#parts;
      const also: Record<string, string> = {};
      for (const database of DATABASES) {
        if (!fileExists(join(dir, database))) continue;
        also[database] = join(folder, database);
        await snapshotDatabase(join(dir, database), join(folder, database));
      }
      const path = join(folder, "backup.zip");
      await packDirectory({ dir, target: path, leaveOut: isNotData, also });
      const content = { kind: "file", path } as const;
      await this.#storage().put(name, content, { type: ZIP, originalName: name });
    });
  }

  async #prepare(file: StoredFile): Promise<void> {
    const { dir, log } = this.#parts;
    const name = this.#temporaryName("restore");
    const target = join(dir, TEMPORARY_DIR, name);
    try {
      await this.#inFolder(async (folder) => {
        const path = join(folder, "restore.zip");
        await saveBody(path, file.body());
        const bytesMax = freeBytes(dir) - LIMITS.diskFreeBytesMin;
        await unpackArchive({ path, target, bytesMax });
      });
      const problem = await checkDatabase(join(target, DATABASES[0]), "_collections");
      if (problem !== undefined) throw badDatabase(problem);
    } catch (error) {
      await removeFolder(target);
      throw error;
    }
    orderSwap(dir, name);
    log.warn("a backup takes the place of the data at the next start", { backup: file.key });
  }

  /** A folder on the file system of the data, gone when the work is done. */
  async #inFolder(work: (folder: string) => Promise<void>): Promise<void> {
    const folder = join(this.#parts.dir, TEMPORARY_DIR, this.#temporaryName("backup"));
    try {
      await withFolder(folder, work);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw fail.unavailable("backup_failed", "The backup could not be read or written.", {
        cause,
      });
    }
  }

  async #existing(key: string): Promise<StoredFile> {
    const file = await this.#storage().open(key);
    if (!file) throw fail.invalid("backup_missing", "There is no such backup.");
    return file;
  }

  #storage(): Storage {
    const { s3 } = this.#parts.settings.current.backups;
    const { dir, ids } = this.#parts;
    return s3.enabled ? openS3Storage(s3) : openLocalStorage({ dir: join(dir, BACKUPS_DIR), ids });
  }

  #temporaryName(kind: "backup" | "restore"): string {
    return `${kind}_${this.#parts.ids.secret(10)}`;
  }

  #madeName(prefix: string): string {
    const { clock, settings } = this.#parts;
    const stamp = storedDate(clock.now()).replace(/\D/g, "").slice(0, 14);
    return `${prefix}${snakeCase(settings.current.meta.appName).slice(0, 50)}_${stamp}.zip`;
  }
}

/** The databases come as snapshots; their logs belong to the live ones. */
function isNotData(name: string): boolean {
  return staysInPlace(name) || DATABASES.some((database) => name.startsWith(database));
}

async function entriesOf(storage: Storage, prefix: string): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for await (const entry of storage.list(prefix)) entries.push(entry);
  return entries;
}

function nameExists() {
  const message = "There is a backup of this name, or it cannot be one.";
  return fault("validation_backup_name_exists", message);
}

function notZip(name: string) {
  return fault("validation_invalid_mime_type", `${JSON.stringify(name)} must be a zip file.`);
}

function badDatabase(problem: string) {
  const message = `The backup cannot be used: its database is not whole (${problem}).`;
  return fail.invalid("invalid_backup", message);
}

/** `My App` and `MyApp`: `my_app`. */
function snakeCase(text: string): string {
  return text
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toLowerCase();
}
