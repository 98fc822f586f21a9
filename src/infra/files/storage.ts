/**
 * Where uploaded files are kept: a directory, or a bucket of an S3 service. Keys are
 * `<collectionId>/<recordId>/<file>`, with thumbs in `thumbs_<file>/` beside the file.
 */

import { assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { UploadContent } from "../../tools/fields/upload.ts";

/** What to store. A `file` is given away: it is moved into place where that is possible. */
export type Content =
  | UploadContent
  | { readonly kind: "stream"; readonly stream: ReadableStream<Uint8Array> };

export interface PutOptions {
  /** Media type, kept beside the content. */
  readonly type: string;
  /** The name that the file was uploaded with; kept by the local storage only. */
  readonly originalName?: string | undefined;
  /**
   * Default true: the content is on the disk before its name appears. False for what can be made
   * again, such as thumbs.
   */
  readonly durable?: boolean;
}

export interface FileEntry {
  readonly key: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/** First and last byte, both included. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number;
}

export interface StoredFile extends FileEntry {
  readonly type: string;
  /** With its quotes; changes whenever the content does. */
  readonly etag: string;
  readonly originalName: string | undefined;
  /** The content or a part of it, unread: what a Response takes. */
  body(span?: ByteSpan): Blob | ReadableStream<Uint8Array>;
  /** All of it in memory: the caller looks at `bytes` first. Undefined: deleted meanwhile. */
  read(): Promise<Uint8Array | undefined>;
}

/**
 * Errors of every method: 400 `invalid_file_key` for a key that is none (`open` finds no file
 * there), 503 `storage_unavailable` and `storage_full`.
 */
export interface Storage {
  /** Replaces what the key held. It is seen with all of its content or not at all. */
  put(key: string, content: Content, options: PutOptions): Promise<void>;
  open(key: string): Promise<StoredFile | undefined>;
  /** Idempotent. */
  delete(key: string): Promise<void>;
  /**
   * Everything whose key begins so; `prefix` is not empty. With a slash at its end it is a folder,
   * without one the start of names.
   */
  deletePrefix(prefix: string): Promise<void>;
  /** In no promised order; what changes meanwhile may be in it or not. */
  list(prefix: string): AsyncIterable<FileEntry>;
  /** Error: 404 `file_missing`. */
  copy(from: string, to: string): Promise<void>;
}

/**
 * Whether a key stays within the storage: relative, no empty, `.` or `..` segments, no control
 * characters or backslashes, and no name that the local storage takes for itself.
 */
export function isFileKey(key: string): boolean {
  if (Buffer.byteLength(key) > LIMITS.storageKeyBytesMax) return false;
  if (/[\p{Cc}\\]/u.test(key) || !key.isWellFormed()) return false;
  return key.split("/").every(isSegment) && !RESERVED.test(key);
}

/** Descriptions of files, and files that are being written. */
export const RESERVED = /\.attrs$|\.[0-9A-Za-z]{16}\.tmp$/;

function isSegment(segment: string): boolean {
  if (segment === "" || segment === "." || segment === "..") return false;
  return Buffer.byteLength(segment) <= LIMITS.storageNameBytesMax;
}

/** The key, or 400 `invalid_file_key`. */
export function checkedKey(key: string): string {
  if (isFileKey(key)) return key;
  throw fail.invalid("invalid_file_key", "A file cannot be stored under this name.");
}

/** The prefix, or 400 `invalid_file_key`. An empty one would be the whole storage. */
export function checkedPrefix(prefix: string): string {
  assert(prefix !== "", "a prefix to delete is not empty");
  return checkedKey(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix) && prefix;
}

export function missingFile() {
  return fail.not_found("file_missing", "There is no such file.");
}
