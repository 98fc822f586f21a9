/**
 * Zip files that somebody sent, as directories: nothing leaves the directory, nothing is larger
 * than it says, and every byte is checked against its sum.
 */

import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Entry, open, type ZipFile } from "yauzl";
import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";

export interface UnpackOptions {
  readonly path: string;
  /** A directory that is made. */
  readonly target: string;
  /** Of everything together once it is unpacked. */
  readonly bytesMax: number;
}

/** Error: 400 `invalid_backup` that says what is wrong; what was written is left behind. */
export async function unpackArchive(options: UnpackOptions): Promise<void> {
  const zip = await openZip(options.path);
  try {
    if (zip.entryCount > LIMITS.backupEntriesMax) throw invalid("it has too many entries");
    await mkdir(options.target, { recursive: true, mode: 0o700 });
    await readAll(zip, options);
  } finally {
    zip.close();
  }
}

function openZip(path: string): Promise<ZipFile> {
  const { promise, resolve, reject } = Promise.withResolvers<ZipFile>();
  const settings = { lazyEntries: true, autoClose: false, strictFileNames: true } as const;
  open(path, settings, (error, zip) => {
    if (zip) resolve(zip);
    else reject(invalid(error?.message ?? "it is no zip file"));
  });
  return promise;
}

function readAll(zip: ZipFile, options: UnpackOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let bytes = 0;
  zip.on("error", (error: Error) => reject(invalid(error.message)));
  zip.on("end", resolve);
  zip.on("entry", (entry: Entry) => {
    bytes += entry.uncompressedSize;
    const tooLarge = bytes > options.bytesMax;
    const work = tooLarge
      ? Promise.reject(invalid("unpacked it is larger than the free space"))
      : unpackEntry(zip, entry, options.target);
    work.then(() => zip.readEntry(), reject);
  });
  zip.readEntry();
  return promise;
}

async function unpackEntry(zip: ZipFile, entry: Entry, target: string): Promise<void> {
  const name = entry.fileName;
  if (!isSafePath(name)) throw invalid(`an entry is not within it: ${name.slice(0, 100)}`);
  if (isLink(entry)) throw invalid(`an entry is a link: ${name.slice(0, 100)}`);
  const path = join(target, name);
  if (name.endsWith("/")) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const content = await openEntry(zip, entry);
  try {
    // An entry that comes twice meets its own file.
    const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
    await pipeline(content, summed(entry), file);
  } catch (cause) {
    throw unpackFailure(cause, name);
  }
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  const { promise, resolve, reject } = Promise.withResolvers<Readable>();
  zip.openReadStream(entry, (error, stream) => {
    if (stream) resolve(stream);
    else reject(invalid(error?.message ?? "an entry cannot be read"));
  });
  return promise;
}

/** Fails at the end when the content is not what the archive says. */
function summed({ crc32, fileName }: Entry): Transform {
  let sum = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      sum = Bun.hash.crc32(chunk, sum);
      done(null, chunk);
    },
    flush(done) {
      done(sum === crc32 ? null : invalid(`an entry is damaged: ${fileName}`));
    },
  });
}

/** Relative, with a name in each place, and none that leads upwards. */
export function isSafePath(path: string): boolean {
  if (Buffer.byteLength(path) > LIMITS.backupPathBytesMax || /[\p{Cc}\\]/u.test(path)) return false;
  const segments = (path.endsWith("/") ? path.slice(0, -1) : path).split("/");
  return segments.every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

const TYPE_MASK = 0o170000;
const LINK = 0o120000;

function isLink({ externalFileAttributes }: Entry): boolean {
  return ((externalFileAttributes >>> 16) & TYPE_MASK) === LINK;
}

function invalid(reason: string, cause?: unknown) {
  return fail.invalid("invalid_backup", `The backup cannot be used: ${reason}.`, { cause });
}

/** The disk's troubles are the operator's to know as they are. */
function unpackFailure(cause: unknown, name: string): unknown {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT") {
    return fail.unavailable("storage_full", "The disk is full.", { cause });
  }
  if (code === "EEXIST") return invalid(`an entry comes twice: ${name.slice(0, 100)}`);
  if (cause instanceof Error && cause.name === "AppError") return cause;
  return invalid(cause instanceof Error ? cause.message : "an entry cannot be read", cause);
}
