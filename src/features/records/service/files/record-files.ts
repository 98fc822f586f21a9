/**
 * Files of records. A file is stored before the row that names it is written and removed after the
 * row that named it is gone: a row never names a file that is not there, and what is left over
 * after a crash is a file that nothing names.
 */

import { fail } from "../../../../base/errors.ts";
import type { Ids } from "../../../../base/ids.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Log } from "../../../../base/log.ts";
import type { Context } from "../../../../core/context.ts";
import type { Storage } from "../../../../infra/files/storage.ts";
import { openLocalStorage } from "../../../../infra/files/storage-local.ts";
import { openS3Storage } from "../../../../infra/files/storage-s3.ts";
import { nameOf, toFiles } from "../../../../tools/fields/list-kinds.ts";
import { own } from "../../../../tools/fields/record-fields.ts";
import { Upload } from "../../../../tools/fields/upload.ts";
import { Gate } from "../../../../tools/gate.ts";
import type { Model } from "../models.ts";
import type { SettingsBook } from "../settings/book.ts";
import type { S3Settings } from "../settings/shape.ts";

export interface RecordFilesParts {
  /** Where files are kept unless the settings name a bucket. */
  readonly dir: string;
  readonly settings: SettingsBook;
  readonly ids: Ids;
  readonly log: Log;
}

type Values = Readonly<Record<string, unknown>>;

export interface FilesOf {
  readonly model: Model;
  readonly id: string;
  readonly values: Values;
}

export class RecordFiles {
  readonly #parts: RecordFilesParts;
  readonly #local: Storage;
  #bucket: { readonly settings: S3Settings; readonly storage: Storage } | undefined;
  readonly #stored = new WeakSet<Upload>();
  readonly #removals: Gate;
  /** By what goes: a key, or a folder. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(parts: RecordFilesParts) {
    this.#parts = parts;
    this.#local = openLocalStorage(parts);
    this.#removals = new Gate({
      runningMax: LIMITS.fileRemovalsMax,
      waitingMax: LIMITS.fileRemovalsWaitingMax,
      refuse: () => fail.unavailable("removals_busy", "Too many files are being removed."),
    });
  }

  /** As the settings are now: not to be held. */
  get storage(): Storage {
    const { s3 } = this.#parts.settings.current;
    if (!s3.enabled) return this.#local;
    if (this.#bucket?.settings !== s3) {
      this.#bucket = { settings: s3, storage: openS3Storage(s3) };
    }
    return this.#bucket.storage;
  }

  /**
   * Stores the uploads among the values, then runs `write`. When that fails, or the transaction it
   * was part of is undone later, the files go again. Errors: those of `write`, 503
   * `storage_unavailable`, `storage_full`.
   */
  keep<T>(context: Context, files: FilesOf, write: () => Promise<T>): Promise<T> {
    const uploads = this.#unstored(files);
    if (uploads.length === 0) return write();
    const folder = recordFolder(files.model, files.id);
    return this.#keep(context, { folder, uploads }, write);
  }

  async #keep<T>(
    context: Context,
    { folder, uploads }: { readonly folder: string; readonly uploads: readonly Upload[] },
    write: () => Promise<T>,
  ): Promise<T> {
    const discard = () => {
      // Whoever tries again stores them again.
      for (const upload of uploads) this.#stored.delete(upload);
      return this.#remove(folder, uploads.map(nameOf));
    };
    context.onRollback(() => void discard());
    try {
      for (const upload of uploads) await this.#put(folder, upload);
      return await write();
    } catch (error) {
      await discard();
      throw error;
    }
  }

  /** What an update took off the record goes after the commit. */
  replaced(context: Context, { model, id, values }: FilesOf, original: Values): void {
    const kept = new Set(namesIn(model, values));
    const gone = namesIn(model, original).filter((name) => !kept.has(name));
    if (gone.length === 0) return;
    context.afterCommit(() => void this.#remove(recordFolder(model, id), gone));
  }

  /** All files of a deleted record go after the commit. */
  deleted(context: Context, model: Model, id: string): void {
    if (model.fields.files.length === 0) return;
    context.afterCommit(() => void this.#removeFolder(recordFolder(model, id)));
  }

  /** All files of a deleted collection go after the commit. */
  collectionDeleted(context: Context, collectionId: string): void {
    context.afterCommit(() => void this.#removeFolder(`${collectionId}/`));
  }

  /** Waits for removals that are under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#removing.values());
  }

  #unstored({ model, values }: FilesOf): readonly Upload[] {
    if (model.fields.files.length === 0) return NO_UPLOADS;
    return uploadsIn(model, values).filter((upload) => !this.#stored.has(upload));
  }

  async #put(folder: string, upload: Upload): Promise<void> {
    this.#stored.add(upload);
    const { mimeType: type, originalName } = upload;
    await this.#removing.get(folder + upload.name);
    await this.storage.put(folder + upload.name, upload.content, { type, originalName });
  }

  async #remove(folder: string, names: readonly string[]): Promise<void> {
    const removals = names.map((name) =>
      this.#removal(folder + name, async (storage) => {
        await storage.deletePrefix(`${folder}thumbs_${name}/`);
        await storage.delete(folder + name);
      }),
    );
    await Promise.all(removals);
  }

  #removeFolder(folder: string): Promise<void> {
    return this.#removal(folder, (storage) => storage.deletePrefix(folder));
  }

  /** Never fails: what stays is named in the log. */
  #removal(key: string, remove: (storage: Storage) => Promise<void>): Promise<void> {
    const removal = this.#removals
      .run(() => remove(this.storage))
      .catch((cause) => this.#parts.log.warn("files could not be removed", { key, cause }))
      .finally(() => {
        if (this.#removing.get(key) === removal) this.#removing.delete(key);
      });
    this.#removing.set(key, removal);
    return removal;
  }
}

const NO_UPLOADS: readonly Upload[] = [];

/** With its slash at the end. */
export function recordFolder({ collection }: Model, recordId: string): string {
  return `${collection.id}/${recordId}/`;
}

function uploadsIn(model: Model, values: Values): Upload[] {
  return model.fields.files.flatMap((field) => {
    const value = own(values, field);
    return (Array.isArray(value) ? value : [value]).filter((file) => file instanceof Upload);
  });
}

/** Names that are no plain ones were never stored by us. */
function namesIn(model: Model, values: Values): string[] {
  return model.fields.files
    .flatMap((field) => toFiles(own(values, field)).map(nameOf))
    .filter((name) => !/[/\\]/.test(name));
}
