/**
 * Forms with files, read as they arrive: values and small files in memory, larger files in
 * temporary ones. Ownership: the form owns its temporary files; `dispose` removes those that no
 * storage has taken, and a form that fails to be read leaves none.
 */

import { existsSync, readdirSync, rmSync } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fail } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { UploadContent } from "../../tools/fields/upload.ts";
import type { FormEntry } from "../../tools/form.ts";
import { SNIFF_BYTES, sniffType } from "../../tools/mime.ts";
import {
  multipartBoundary,
  type PartHead,
  type PartSink,
  readMultipart,
} from "../../tools/multipart.ts";

export interface MultipartForm {
  /** Names and values in the order they came. */
  readonly entries: readonly FormEntry[];
  /** Idempotent. */
  dispose(): Promise<void>;
}

export interface MultipartSource {
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}

export interface UploadOptions {
  /** For temporary files, made when there is one; on the storage's file system, files are moved instead of copied. */
  readonly dir: string;
  readonly ids: Ids;
  /** Of the whole body. Reached: 413 `body_too_large`. */
  readonly bodyBytesMax: number;
}

const SUFFIX = ".upload";
/** Types of parts without a name that are no files; the last one is a file input left empty. */
const VALUE_TYPES = /^(text\/|application\/(json|octet-stream)\s*(;|$))/i;

/**
 * Reads a multipart/form-data body. A part is a file when it has a file name, or none but the type
 * of a known kind of file. Errors: 400 `malformed_multipart`, 413 `body_too_large`,
 * `too_many_parts`, `form_too_large`.
 */
export async function readMultipartForm(
  source: MultipartSource,
  options: UploadOptions,
): Promise<MultipartForm> {
  const boundary = multipartBoundary(source.headers.get("content-type") ?? "");
  if (boundary === undefined || !source.body) {
    throw fail.invalid("malformed_multipart", "The form's body is not well-formed.");
  }
  const spool = new Spool(options);
  try {
    await readMultipart(source.body, {
      boundary,
      bounds: {
        partsMax: LIMITS.formEntriesMax,
        headBytesMax: LIMITS.multipartHeadBytesMax,
        bodyBytesMax: options.bodyBytesMax,
      },
      open: (head) => (isFile(head) ? spool.file(head) : spool.field(head)),
    });
  } catch (error) {
    await spool.dispose();
    throw error;
  }
  return { entries: spool.entries, dispose: () => spool.dispose() };
}

/** Removes temporary files that a killed server left; to be called before uploads are taken. */
export function clearUploads(dir: string): void {
  if (!existsSync(dir)) return;
  const stale = readdirSync(dir).filter((name) => name.endsWith(SUFFIX));
  for (const name of stale) rmSync(join(dir, name), { force: true });
}

function isFile({ filename, type }: PartHead): boolean {
  if (filename) return true;
  return type !== undefined && !VALUE_TYPES.test(type);
}

/** Collects the entries of one form and keeps its memory within bounds. */
class Spool {
  readonly entries: FormEntry[] = [];
  readonly #options: UploadOptions;
  readonly #paths: string[] = [];
  #fieldBytes = 0;
  /** The file whose part is being read. */
  #current: SpooledFile | undefined;
  #memoryLeft: number = LIMITS.uploadsMemoryBytesMax;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  field({ name }: PartHead): PartSink {
    const chunks: Uint8Array[] = [];
    return {
      write: (chunk) => {
        this.#fieldBytes += chunk.length;
        if (this.#fieldBytes > LIMITS.multipartFieldsBytesMax) {
          throw fail.too_large("form_too_large", "The values of the form are too large.");
        }
        chunks.push(new Uint8Array(chunk));
      },
      end: () => void this.entries.push([name, Buffer.concat(chunks).toString("utf8")]),
    };
  }

  file({ name, filename = "" }: PartHead): PartSink {
    const file = new SpooledFile(() => this.#temporary());
    this.#current = file;
    return {
      write: (chunk) => file.write(chunk, this.#memoryLeft),
      end: async () => {
        const content = await file.end();
        this.#current = undefined;
        if (content.kind === "bytes") this.#memoryLeft -= file.bytes;
        const type = sniffType(file.head);
        this.entries.push([name, { filename, bytes: file.bytes, content, ...type }]);
      },
    };
  }

  async dispose(): Promise<void> {
    await this.#current?.close();
    for (const path of this.#paths.splice(0)) await rm(path, { force: true });
  }

  #temporary(): string {
    const path = join(this.#options.dir, `${this.#options.ids.secret(20)}${SUFFIX}`);
    this.#paths.push(path);
    return path;
  }
}

/** One file: in memory until it grows past the bound, in a temporary file from then on. */
class SpooledFile {
  bytes = 0;
  /** As much of the start as sniffing looks at. */
  head: Uint8Array = new Uint8Array(0);
  readonly #makePath: () => string;
  #chunks: Uint8Array[] = [];
  #disk: { readonly path: string; readonly file: FileHandle } | undefined;
  readonly #md5 = new Bun.CryptoHasher("md5");

  constructor(makePath: () => string) {
    this.#makePath = makePath;
  }

  async write(chunk: Uint8Array, memoryLeft: number): Promise<void> {
    this.bytes += chunk.length;
    if (this.head.length < SNIFF_BYTES) {
      this.head = Buffer.concat([this.head, chunk.subarray(0, SNIFF_BYTES - this.head.length)]);
    }
    if (this.#disk) return this.#append(this.#disk.file, chunk);
    this.#chunks.push(new Uint8Array(chunk));
    if (this.bytes > Math.min(LIMITS.uploadMemoryBytesMax, memoryLeft)) await this.#spill();
  }

  async end(): Promise<UploadContent> {
    if (!this.#disk) return { kind: "bytes", bytes: Buffer.concat(this.#chunks) };
    const { path } = this.#disk;
    await this.close();
    return { kind: "file", path, md5: this.#md5.digest() };
  }

  async close(): Promise<void> {
    const disk = this.#disk;
    this.#disk = undefined;
    await disk?.file.close();
  }

  async #spill(): Promise<void> {
    const path = this.#makePath();
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "wx");
    this.#disk = { path, file };
    for (const chunk of this.#chunks.splice(0)) await this.#append(file, chunk);
  }

  async #append(file: FileHandle, chunk: Uint8Array): Promise<void> {
    this.#md5.update(chunk);
    await file.appendFile(chunk);
  }
}
