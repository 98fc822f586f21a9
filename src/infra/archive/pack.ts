/** Directories as zip files, one entry after another, compressed by the runtime's thread pool. */

import { createWriteStream, type Dirent } from "node:fs";
import { open, opendir } from "node:fs/promises";
import { join } from "node:path";
import { finished, pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";

export interface PackOptions {
  readonly dir: string;
  /** A file that is made. */
  readonly target: string;
  /** Names in the directory itself that stay out, with all that is below. */
  readonly leaveOut: (name: string) => boolean;
  /** Files from elsewhere, by their name in the archive. */
  readonly also: Readonly<Record<string, string>>;
}

/** What another compression would only make slower to read. */
const COMPRESSED =
  /\.(?:7z|avif|br|gif|gz|heic|jpe?g|m4a|mkv|mov|mp[34]|ogg|opus|png|web[mp]|xz|zip|zst)$/i;
/** Of ten times the speed of the best one and nine tenths of its gain. */
const LEVEL = 1;
const CHUNK_BYTES = 256 * 1024;
/** Sizes and offsets beyond need the wider format (ZIP64). */
const WIDE_BYTES = 0xf000_0000;

/**
 * Files that vanish while it works are left out; links and devices are. Throws what the file system
 * says; what was written is the caller's to remove.
 */
export async function packDirectory(options: PackOptions): Promise<void> {
  const zip = new ZipFile();
  const output = createWriteStream(options.target, { flags: "wx", mode: 0o600 });
  const written = pipeline(zip.outputStream, output);
  const failed = new AbortController();
  try {
    await Promise.race([addAll({ zip, signal: failed.signal }, options), written]);
    zip.end();
    await written;
  } catch (error) {
    failed.abort();
    output.destroy();
    await written.catch(() => undefined);
    throw error;
  }
}

interface Packing {
  readonly zip: ZipFile;
  readonly signal: AbortSignal;
}

async function addAll(packing: Packing, { dir, leaveOut, also }: PackOptions): Promise<void> {
  let count = 0;
  const counted = () => {
    if (++count <= LIMITS.backupEntriesMax) return;
    throw fail.invalid("backup_too_large", "The data directory has too many files for a backup.");
  };
  for (const [name, path] of Object.entries(also)) {
    counted();
    await addFile(packing, name, path);
  }
  for await (const name of walk(dir, "", leaveOut)) {
    counted();
    await addFile(packing, name, join(dir, name));
  }
}

async function* walk(
  dir: string,
  folder: string,
  leaveOut: (name: string) => boolean,
): AsyncIterable<string> {
  const entries = await unlessMissing(() => opendir(join(dir, folder)));
  if (!entries) return;
  for await (const entry of entries as AsyncIterable<Dirent>) {
    if (folder === "" && leaveOut(entry.name)) continue;
    if (entry.isDirectory()) yield* walk(dir, `${folder}${entry.name}/`, leaveOut);
    else if (entry.isFile()) yield folder + entry.name;
  }
}

async function addFile({ zip, signal }: Packing, name: string, path: string): Promise<void> {
  const file = await unlessMissing(() => open(path));
  if (!file) return;
  const { size, mtime } = await file.stat();
  const options = {
    mtime,
    mode: 0o100600,
    compressionLevel: COMPRESSED.test(name) ? 0 : LEVEL,
    forceZip64Format: size > WIDE_BYTES,
  };
  if (size === 0) {
    await file.close();
    zip.addBuffer(Buffer.alloc(0), name, { mtime, mode: options.mode });
    return;
  }
  // No further than it was long: what is still being written would otherwise never end.
  const content = file.createReadStream({ start: 0, end: size - 1, highWaterMark: CHUNK_BYTES });
  // Where writing fails nobody reads on: then this end is closed from outside.
  const stop = () => content.destroy();
  signal.addEventListener("abort", stop);
  try {
    zip.addReadStream(content, name, options);
    await finished(content);
  } finally {
    signal.removeEventListener("abort", stop);
    content.destroy();
  }
}

async function unlessMissing<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
