/**
 * Files in a bucket of an S3 service, through the runtime's own client. Big files are sent in
 * parts, at most `storagePartsMax` of them in memory. The client can neither copy within the bucket
 * nor store metadata: copies pass through the server, upload names are not kept.
 */

import { AppError, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { Gate } from "../../tools/gate.ts";
import { UNKNOWN_TYPE } from "../../tools/mime.ts";
import {
  type Content,
  checkedKey,
  checkedPrefix,
  type FileEntry,
  isFileKey,
  missingFile,
  type PutOptions,
  type Storage,
  type StoredFile,
} from "./storage.ts";

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** URL of the service; without a scheme it is taken for https. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secret: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly forcePathStyle: boolean;
}

const LIST_PAGE = 1_000;

export function openS3Storage(options: S3Options): Storage {
  const client = new Bun.S3Client({
    bucket: options.bucket,
    region: options.region,
    endpoint: endpointOf(options),
    accessKeyId: options.accessKey,
    secretAccessKey: options.secret,
    virtualHostedStyle: !options.forcePathStyle,
  });
  return {
    put: (key, content, put) =>
      guarded(() => putObject(client.file(checkedKey(key)), { content, put })),
    open: (key) => guarded(() => openObject(client, key)),
    delete: (key) => guarded(() => deleteObject(client, checkedKey(key))),
    deletePrefix: async (prefix) => {
      const checked = checkedPrefix(prefix);
      await guarded(() => deletePrefix(client, checked));
    },
    list: (prefix) => list(client, prefix),
    copy: (from, to) => guarded(() => copy(client, checkedKey(from), checkedKey(to))),
  };
}

/** The client takes the bucket's own host for what it is given, so the bucket goes in here. */
function endpointOf({ endpoint, bucket, forcePathStyle }: S3Options): string {
  const whole = /^https?:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`;
  const { protocol, host } = new URL(whole);
  return forcePathStyle ? `${protocol}//${host}` : `${protocol}//${bucket}.${host}`;
}

interface Put {
  readonly content: Content;
  readonly put: PutOptions;
}

async function putObject(object: Bun.S3File, { content, put }: Put): Promise<void> {
  const { type } = put;
  if (content.kind === "bytes") {
    await object.write(content.bytes, { type });
    return;
  }
  if (content.kind === "stream") return send(object, content.stream, type);
  const file = Bun.file(content.path);
  await send(object, file.stream(), type);
  await file.delete();
}

/** Reads no further than the parts that go out; a broken source leaves no object. */
async function send(object: Bun.S3File, stream: ReadableStream<Uint8Array>, type: string) {
  const { storagePartBytes: partSize, storagePartsMax: queueSize } = LIMITS;
  await object.write(new Response(stream), { type, partSize, queueSize });
}

async function openObject(client: Bun.S3Client, key: string): Promise<StoredFile | undefined> {
  if (!isFileKey(key)) return undefined;
  const object = client.file(key);
  const found = await orMissing(() => object.stat());
  if (!found) return undefined;
  return {
    key,
    bytes: found.size,
    modifiedAt: found.lastModified.getTime(),
    etag: found.etag,
    type: found.type === "" ? UNKNOWN_TYPE : found.type,
    originalName: undefined,
    // As a stream: a Response of the object itself would send the browser to the bucket.
    body: (span) => (span ? object.slice(span.first, span.last + 1) : object).stream(),
    read: () => guarded(() => orMissing(() => object.bytes())),
  };
}

async function deleteObject(client: Bun.S3Client, key: string): Promise<void> {
  await orMissing(() => client.delete(key));
}

async function deletePrefix(client: Bun.S3Client, prefix: string): Promise<void> {
  for (;;) {
    // Always the first page: the entries that it had are gone.
    const page = await client.list({ prefix, maxKeys: LIST_PAGE });
    const keys = (page.contents ?? []).map((entry) => entry.key);
    const gate = new Gate({
      runningMax: LIMITS.storageDeletesMax,
      waitingMax: LIST_PAGE,
      refuse: () => new Error("a page has more keys than were asked for"),
    });
    await Promise.all(keys.map((key) => gate.run(() => deleteObject(client, key))));
    if (!page.isTruncated || keys.length === 0) return;
  }
}

async function* list(client: Bun.S3Client, prefix: string): AsyncIterable<FileEntry> {
  let after: string | undefined;
  do {
    const continuation = after === undefined ? {} : { continuationToken: after };
    const page = await guarded(() => client.list({ prefix, maxKeys: LIST_PAGE, ...continuation }));
    for (const { key, size, lastModified } of page.contents ?? []) {
      yield { key, bytes: size ?? 0, modifiedAt: Date.parse(lastModified ?? "") || 0 };
    }
    after = page.isTruncated ? page.nextContinuationToken : undefined;
  } while (after !== undefined);
}

async function copy(client: Bun.S3Client, from: string, to: string): Promise<void> {
  const source = await openObject(client, from);
  if (!source) throw missingFile();
  await send(client.file(to), client.file(from).stream(), source.type);
}

async function orMissing<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (codeOf(error) === "NoSuchKey") return undefined;
    throw error;
  }
}

async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const message = "The file storage cannot be reached or refuses the request.";
    throw fail.unavailable("storage_unavailable", message, { cause });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
