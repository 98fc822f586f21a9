/**
 * Files in a directory, in the reference's layout: each with a `<file>.attrs` beside it, a line of
 * JSON with its type, the name it was uploaded with and its MD5.
 *
 * A file is written under a temporary name in its own folder, its data is flushed to the disk
 * (fdatasync, unless it is not `durable`), then its description and at last its own name appear by
 * rename. So a name never shows half a file, also after a loss of power; the name itself may then
 * be missing, as may the last transactions of the database, which flushes no more often.
 */

import type { Dirent } from "node:fs";
import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  opendir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { fail } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import { UNKNOWN_TYPE } from "../../tools/mime.ts";
import {
  type Content,
  checkedKey,
  checkedPrefix,
  type FileEntry,
  isFileKey,
  missingFile,
  type PutOptions,
  RESERVED,
  type Storage,
  type StoredFile,
} from "./storage.ts";

export interface LocalStorageOptions {
  /** `pb_data/storage`; made with the first file. */
  readonly dir: string;
  readonly ids: Ids;
}

const ORIGINAL_NAME = "original-filename";
const ORIGINAL_NAME_CHARS_MAX = 255;

export function openLocalStorage(options: LocalStorageOptions): Storage {
  const { dir } = options;
  return {
    put: (key, content, put) =>
      guarded(() => putFile(options, join(dir, checkedKey(key)), { content, put })),
    open: (key) => guarded(() => openFile(dir, key)),
    delete: (key) => guarded(() => deleteFile(join(dir, checkedKey(key)))),
    deletePrefix: (prefix) => guarded(() => deletePrefix(dir, checkedPrefix(prefix))),
    list: (prefix) => list(dir, prefix),
    copy: (from, to) => guarded(() => copy(options, checkedKey(from), checkedKey(to))),
  };
}

interface Put {
  readonly content: Content;
  readonly put: PutOptions;
}

async function putFile({ ids }: LocalStorageOptions, path: string, what: Put): Promise<void> {
  const temporary = `${path}.${ids.secret(16)}.tmp`;
  try {
    const md5 = await inFolder(path, () => writeContent(temporary, what));
    await writeAttributes(path, ids, { put: what.put, md5 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The folder may go with its last file just when this one is about to be its next. */
async function inFolder<T>(path: string, write: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  try {
    return await write();
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    await mkdir(dirname(path), { recursive: true });
    return write();
  }
}

/** Returns the content's MD5 where it is known. */
async function writeContent(path: string, { content, put }: Put): Promise<Uint8Array | undefined> {
  if (content.kind === "file") {
    await moveFile(content.path, path);
    if (put.durable !== false) await withFile(path, "r+", (file) => file.datasync());
    return content.md5;
  }
  const hash = new Bun.CryptoHasher("md5");
  const chunks = content.kind === "bytes" ? [content.bytes] : content.stream;
  await withFile(path, "wx", async (file) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      await file.appendFile(chunk);
    }
    if (put.durable !== false) await file.datasync();
  });
  return hash.digest();
}

async function withFile<T>(path: string, flags: string, run: (file: FileHandle) => Promise<T>) {
  const file = await open(path, flags);
  try {
    return await run(file);
  } finally {
    await file.close();
  }
}

/** Between two file systems there is no renaming. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    await copyFile(from, to);
    await rm(from, { force: true });
  }
}

interface Attributes {
  readonly put: PutOptions;
  readonly md5: Uint8Array | undefined;
}

async function writeAttributes(path: string, ids: Ids, { put, md5 }: Attributes): Promise<void> {
  const name = put.originalName?.slice(0, ORIGINAL_NAME_CHARS_MAX);
  const attributes = {
    "user.cache_control": "",
    "user.content_disposition": "",
    "user.content_encoding": "",
    "user.content_language": "",
    "user.content_type": put.type,
    "user.metadata": name === undefined ? null : { [ORIGINAL_NAME]: name },
    md5: md5 === undefined ? null : Buffer.from(md5).toString("base64"),
  };
  const temporary = `${path}.${ids.secret(16)}.tmp`;
  await writeFile(temporary, `${JSON.stringify(attributes)}\n`);
  await rename(temporary, `${path}.attrs`);
}

async function openFile(dir: string, key: string): Promise<StoredFile | undefined> {
  if (!isFileKey(key)) return undefined;
  const path = join(dir, key);
  const found = await statFile(path);
  if (!found) return undefined;
  const { type, originalName } = await readAttributes(path);
  const bytes = Number(found.size);
  return {
    key,
    bytes,
    modifiedAt: Number(found.mtimeMs),
    etag: `"${found.mtimeNs.toString(16)}-${bytes.toString(16)}"`,
    type,
    originalName,
    body: (span) =>
      span ? Bun.file(path, { type }).slice(span.first, span.last + 1) : Bun.file(path, { type }),
    read: () => orMissing(() => readFile(path)),
  };
}

async function statFile(path: string) {
  const found = await orMissing(() => stat(path, { bigint: true }));
  return found?.isFile() ? found : undefined;
}

/** A file without a readable description is still a file. */
async function readAttributes(path: string) {
  const text = (await orMissing(() => readFile(`${path}.attrs`, "utf8"))) ?? "";
  const attributes = record(parseJson(text));
  const type = attributes["user.content_type"];
  const originalName = record(attributes["user.metadata"])[ORIGINAL_NAME];
  return {
    type: typeof type === "string" && type !== "" ? type : UNKNOWN_TYPE,
    originalName: typeof originalName === "string" ? originalName : undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

async function deleteFile(path: string): Promise<void> {
  await orMissing(() => rm(path));
  await rm(`${path}.attrs`, { force: true });
  await removeIfEmpty(dirname(path));
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const code = codeOf(error) ?? "";
    if (!["ENOTEMPTY", "EEXIST", "ENOENT", "ENOTDIR"].includes(code)) throw error;
  }
}

async function deletePrefix(dir: string, prefix: string): Promise<void> {
  if (prefix.endsWith("/")) {
    await rm(join(dir, prefix), { recursive: true, force: true });
    return;
  }
  for await (const { key } of list(dir, prefix)) await deleteFile(join(dir, key));
}

/** Walks the folders below the prefix's last slash, one directory handle for each level. */
async function* list(dir: string, prefix: string): AsyncIterable<FileEntry> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  if (folder !== "") checkedPrefix(folder);
  for await (const key of walk(dir, folder)) {
    if (!key.startsWith(prefix)) continue;
    const found = await statFile(join(dir, key));
    if (!found) continue;
    yield { key, bytes: Number(found.size), modifiedAt: Number(found.mtimeMs) };
  }
}

async function* walk(dir: string, folder: string): AsyncIterable<string> {
  const entries = await orMissing(() => opendir(join(dir, folder)));
  if (!entries) return;
  for await (const entry of entries as AsyncIterable<Dirent>) {
    if (entry.isDirectory()) yield* walk(dir, `${folder}${entry.name}/`);
    else if (!RESERVED.test(entry.name)) yield folder + entry.name;
  }
}

async function copy(options: LocalStorageOptions, from: string, to: string): Promise<void> {
  const source = await openFile(options.dir, from);
  if (!source) throw missingFile();
  const { type, originalName } = source;
  const stream = Bun.file(join(options.dir, from)).stream();
  const what: Put = { content: { kind: "stream", stream }, put: { type, originalName } };
  await putFile(options, join(options.dir, to), what);
}

async function orMissing<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** A full disk is nobody's mistake and passes; the operator must see it as what it is. */
async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const code = codeOf(cause);
    if (code !== "ENOSPC" && code !== "EDQUOT") throw cause;
    throw fail.unavailable("storage_full", "The file storage is full.", { cause });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
