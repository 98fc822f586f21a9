/** Stored files: one table of rules for the local directory and for S3, then what is its own. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../src/base/clock.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { isFileKey, type Storage, type StoredFile } from "../../src/infra/files/storage.ts";
import { openLocalStorage } from "../../src/infra/files/storage-local.ts";
import { openS3Storage } from "../../src/infra/files/storage-s3.ts";
import { ACCESS_KEY, BUCKET, type FakeS3, startFakeS3 } from "./storage-fixture.ts";

const root = mkdtempSync(join(tmpdir(), "parvis-storage-"));
const ids = fakeIds(new FakeClock());
let s3: FakeS3;
let made = 0;

beforeAll(() => {
  s3 = startFakeS3();
});

afterAll(async () => {
  await s3.stop();
  rmSync(root, { recursive: true, force: true });
});

function freshDir(): string {
  return join(root, `s${made++}`);
}

function s3Storage(forcePathStyle: boolean, accessKey = ACCESS_KEY): Storage {
  // Names under localhost are this machine, so the bucket may be one of its labels.
  const endpoint = `http://${forcePathStyle ? "127.0.0.1" : "localhost"}:${s3.port}`;
  const region = "eu-central-1";
  return openS3Storage({
    bucket: BUCKET,
    region,
    endpoint,
    accessKey,
    secret: "s",
    forcePathStyle,
  });
}

const text = (content: string) => ({ kind: "bytes", bytes: Buffer.from(content) }) as const;
const plain = { type: "text/plain; charset=utf-8" };

async function keys(storage: Storage, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list(prefix)) found.push(key);
  return found.sort();
}

async function contentOf(file: StoredFile | undefined, first?: number, last?: number) {
  if (!file) return undefined;
  const span = first === undefined || last === undefined ? undefined : { first, last };
  return new Response(file.body(span)).text();
}

/** A stream of `chunks` pieces of a megabyte. */
function megabytes(chunks: number, failAt = -1): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent === failAt) return controller.error(new Error("the source broke"));
      if (sent === chunks) return controller.close();
      controller.enqueue(new Uint8Array(1024 * 1024).fill(sent++));
    },
  });
}

const KINDS: [string, () => Storage][] = [
  ["local", () => openLocalStorage({ dir: freshDir(), ids })],
  ["S3, path style", () => s3Storage(true)],
  ["S3, virtual hosts", () => s3Storage(false)],
];

describe.each(KINDS)("%s", (_name, open) => {
  test("what is put can be read, in whole and in part, and is replaced", async () => {
    s3.objects.clear();
    const storage = open();
    await storage.put("c/r/a.txt", text("first"), plain);
    await storage.put("c/r/a.txt", text("0123456789"), { type: "image/png" });
    const file = await storage.open("c/r/a.txt");
    expect(file).toMatchObject({ key: "c/r/a.txt", bytes: 10, type: "image/png" });
    expect(file?.etag).toMatch(/^"[^"]+"$/);
    expect(file?.modifiedAt).toBeGreaterThan(Date.UTC(2020, 0));
    expect(await contentOf(file)).toBe("0123456789");
    expect(await contentOf(file, 0, 0)).toBe("0");
    expect(await contentOf(file, 3, 5)).toBe("345");
    expect(await contentOf(file, 9, 9)).toBe("9");
    expect(Buffer.from((await file?.read()) ?? []).toString()).toBe("0123456789");
  });

  test("the etag changes with the content", async () => {
    const storage = open();
    await storage.put("c/r/e.txt", text("one"), plain);
    const before = (await storage.open("c/r/e.txt"))?.etag;
    expect((await storage.open("c/r/e.txt"))?.etag).toBe(before ?? "");
    await storage.put("c/r/e.txt", text("two"), plain);
    expect((await storage.open("c/r/e.txt"))?.etag).not.toBe(before ?? "");
  });

  test("missing files are not there", async () => {
    s3.objects.clear();
    const storage = open();
    expect(await storage.open("c/r/none.txt")).toBeUndefined();
    expect(await keys(storage, "c/")).toEqual([]);
    await storage.delete("c/r/none.txt");
    await storage.deletePrefix("c/r/");
    await storage.deletePrefix("c/r/no");
    await expect(storage.copy("c/r/none.txt", "c/r/b.txt")).rejects.toMatchObject({
      kind: "not_found",
      code: "file_missing",
    });
    await storage.put("c/r/soon.txt", text("x"), plain);
    const file = await storage.open("c/r/soon.txt");
    await storage.delete("c/r/soon.txt");
    expect(await file?.read()).toBeUndefined();
    expect(await storage.open("c/r")).toBeUndefined();
  });

  test("empty files, streams and given files are stored", async () => {
    const storage = open();
    await storage.put("c/r/empty", text(""), plain);
    await storage.put("c/r/void", { kind: "stream", stream: megabytes(0) }, plain);
    await storage.put("c/r/large", { kind: "stream", stream: megabytes(20) }, plain);
    const path = join(root, `given${made++}`);
    writeFileSync(path, "given");
    await storage.put("c/r/given", { kind: "file", path }, plain);
    expect(existsSync(path)).toBe(false);
    const rows: [string, number][] = [
      ["c/r/empty", 0],
      ["c/r/void", 0],
      ["c/r/large", 20 * 1024 * 1024],
      ["c/r/given", 5],
    ];
    for (const [key, bytes] of rows) {
      const file = await storage.open(key);
      expect([key, file?.bytes, file?.type]).toEqual([key, bytes, plain.type]);
    }
    const large = (await (await storage.open("c/r/large"))?.read()) ?? new Uint8Array(0);
    expect(large.every((byte, index) => byte === index >> 20)).toBe(true);
  }, 30_000);

  test("a source that breaks leaves what was there before", async () => {
    const storage = open();
    await storage.put("c/r/kept", text("before"), plain);
    for (const [key, failAt] of [
      ["c/r/kept", 12],
      ["c/r/new", 12],
      ["c/r/new", 0],
    ] as const) {
      const content = { kind: "stream", stream: megabytes(20, failAt) } as const;
      expect(await storage.put(key, content, plain).catch(() => "broke")).toBe("broke");
    }
    expect(await contentOf(await storage.open("c/r/kept"))).toBe("before");
    expect(await storage.open("c/r/new")).toBeUndefined();
    expect(await keys(storage, "c/r/new")).toEqual([]);
    expect(s3.pending.size).toBe(0);
  }, 30_000);

  test("listing and deleting go by prefix, whole folders or beginnings of names", async () => {
    s3.objects.clear();
    const storage = open();
    const all = ["c/r/a.png", "c/r/ab.png", "c/r/thumbs_a.png/1x1_a.png", "c/r2/a.png", "d/r/x&<y"];
    for (const key of all) await storage.put(key, text(key), plain);
    expect(await keys(storage, "")).toEqual(all);
    expect(await keys(storage, "c/r/")).toEqual(all.slice(0, 3));
    expect(await keys(storage, "c/r")).toEqual(all.slice(0, 4));
    expect(await keys(storage, "c/r/a")).toEqual(all.slice(0, 2));
    expect(await keys(storage, "d/")).toEqual(["d/r/x&<y"]);
    for await (const entry of storage.list("c/r2/")) expect(entry.bytes).toBe(10);
    await storage.deletePrefix("c/r/a");
    expect(await keys(storage, "c/")).toEqual(["c/r/thumbs_a.png/1x1_a.png", "c/r2/a.png"]);
    await storage.deletePrefix("c/r/");
    expect(await keys(storage, "c/")).toEqual(["c/r2/a.png"]);
    await storage.delete("c/r2/a.png");
    expect(await keys(storage, "c/")).toEqual([]);
    expect(await contentOf(await storage.open("d/r/x&<y"))).toBe("d/r/x&<y");
  });

  test("a copy is a file of its own, with the same type", async () => {
    const storage = open();
    await storage.put("c/r/a.bin", text("copied"), { type: "image/webp" });
    await storage.copy("c/r/a.bin", "c/r3/b.bin");
    await storage.delete("c/r/a.bin");
    const file = await storage.open("c/r3/b.bin");
    expect([file?.type, await contentOf(file)]).toEqual(["image/webp", "copied"]);
  });

  test("names with blanks and foreign letters work", async () => {
    const storage = open();
    for (const key of ["c/r/a b+c%20.txt", "c/r/фото ü.txt", "c/r/#?=&.txt", "c/r/..a"]) {
      await storage.put(key, text(key), plain);
      expect(await contentOf(await storage.open(key))).toBe(key);
      expect(await keys(storage, key)).toEqual([key]);
    }
  });

  test("keys that leave the storage are refused", async () => {
    const storage = open();
    const bad = [
      "",
      "/etc/x",
      "../x",
      "c/../../x",
      "c//x",
      "c/r/",
      "c/./x",
      "c\\x",
      "c/x\0",
      "a.attrs",
    ];
    for (const key of bad) {
      const invalid = { kind: "invalid", code: "invalid_file_key" };
      expect(await storage.open(key)).toBeUndefined();
      await expect(storage.put(key, text("x"), plain)).rejects.toMatchObject(invalid);
      await expect(storage.delete(key)).rejects.toMatchObject(invalid);
      await expect(storage.copy(key, "c/x")).rejects.toMatchObject(invalid);
      await expect(storage.copy("c/x", key)).rejects.toMatchObject(invalid);
    }
    for (const prefix of ["../", "/", "c/../"]) {
      await expect(storage.deletePrefix(prefix)).rejects.toMatchObject({
        code: "invalid_file_key",
      });
    }
    await expect(storage.deletePrefix("")).rejects.toThrow("assertion failed");
  });
});

test("keys have a bound, and no name that the storage uses itself", () => {
  const longest = "x".repeat(LIMITS.storageNameBytesMax);
  const good = ["a", "c/r/f.png", `c/${longest}`, "c/a.tmp", "c/.hidden"];
  const bad = [
    `c/${longest}x`,
    `c/${"ü".repeat(200)}`,
    `${"a/".repeat(600)}a`,
    "c/\ud800",
    "c/a\n",
  ];
  expect(good.filter((key) => !isFileKey(key))).toEqual([]);
  expect([...bad, "c/a.0123456789abcdef.tmp"].filter(isFileKey)).toEqual([]);
});

test("local: files lie as the reference has them, with their description beside them", async () => {
  const dir = freshDir();
  const storage = openLocalStorage({ dir, ids });
  await storage.put("c/r/a.png", text("hello"), { type: "image/png", originalName: "My <A>.png" });
  expect(readdirSync(join(dir, "c/r")).sort()).toEqual(["a.png", "a.png.attrs"]);
  expect(readFileSync(join(dir, "c/r/a.png"), "utf8")).toBe("hello");
  expect(readFileSync(join(dir, "c/r/a.png.attrs"), "utf8")).toBe(
    '{"user.cache_control":"","user.content_disposition":"","user.content_encoding":"",' +
      '"user.content_language":"","user.content_type":"image/png",' +
      '"user.metadata":{"original-filename":"My <A>.png"},"md5":"XUFAKrxLKna5cZ2REBfFkg=="}\n',
  );
  const again = openLocalStorage({ dir, ids });
  expect((await again.open("c/r/a.png"))?.originalName).toBe("My <A>.png");
  await again.copy("c/r/a.png", "c/r/b.png");
  expect((await again.open("c/r/b.png"))?.originalName).toBe("My <A>.png");
  await again.delete("c/r/a.png");
  expect(readdirSync(join(dir, "c/r")).sort()).toEqual(["b.png", "b.png.attrs"]);
  await again.deletePrefix("c/r/b");
  expect(readdirSync(join(dir, "c"))).toEqual([]);
});

test("local: a file of the reference is read, also without or with a broken description", async () => {
  const dir = freshDir();
  mkdirSync(join(dir, "c/r"), { recursive: true });
  const rows: [string, string | undefined, string, string | undefined][] = [
    [
      "a",
      '{"user.content_type":"text/css","user.metadata":{"original-filename":"A"}}',
      "text/css",
      "A",
    ],
    [
      "b",
      '{"user.content_type":"","user.metadata":null,"md5":null}',
      "application/octet-stream",
      undefined,
    ],
    ["c", undefined, "application/octet-stream", undefined],
    ["d", "", "application/octet-stream", undefined],
    ["e", '{"user.cont', "application/octet-stream", undefined],
    ["f", "[5]", "application/octet-stream", undefined],
    ["g", '{"user.content_type":5,"user.metadata":"x"}', "application/octet-stream", undefined],
  ];
  const storage = openLocalStorage({ dir, ids });
  for (const [name, attributes, type, originalName] of rows) {
    writeFileSync(join(dir, "c/r", name), "x");
    if (attributes !== undefined) writeFileSync(join(dir, "c/r", `${name}.attrs`), attributes);
    const file = await storage.open(`c/r/${name}`);
    expect([name, file?.type, file?.originalName]).toEqual([name, type, originalName]);
  }
});

test("local: a file that is being written is not seen", async () => {
  const dir = freshDir();
  const storage = openLocalStorage({ dir, ids });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const putting = storage.put("c/r/a.txt", { kind: "stream", stream: readable }, plain);
  await writer.write(Buffer.from("half"));
  while (!existsSync(join(dir, "c/r")) || readdirSync(join(dir, "c/r")).length === 0) {
    await Bun.sleep(1);
  }
  expect(await storage.open("c/r/a.txt")).toBeUndefined();
  expect(await keys(storage, "c/")).toEqual([]);
  await writer.close();
  await putting;
  expect(await contentOf(await storage.open("c/r/a.txt"))).toBe("half");
  expect(readdirSync(join(dir, "c/r")).sort()).toEqual(["a.txt", "a.txt.attrs"]);
});

test("local: those who write the same key at once leave one whole file", async () => {
  const dir = freshDir();
  const storage = openLocalStorage({ dir, ids });
  const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(50_000));
  await Promise.all(contents.map((content) => storage.put("c/r/a", text(content), plain)));
  const kept = (await contentOf(await storage.open("c/r/a"))) ?? "";
  expect(contents).toContain(kept);
  expect(readdirSync(join(dir, "c/r")).sort()).toEqual(["a", "a.attrs"]);
});

test("local: what the system refuses is an error, not an absence", async () => {
  const dir = freshDir();
  const storage = openLocalStorage({ dir, ids });
  await storage.put("c/r/a", text("x"), plain);
  await expect(storage.put("c/r", text("x"), plain)).rejects.toMatchObject({ code: "EISDIR" });
  await expect(storage.put("c/r/a/b", text("x"), plain)).rejects.toThrow();
  expect(await storage.open("c/r/a/b")).toBeUndefined();
  chmodSync(join(dir, "c/r/a"), 0o644);
  expect(await contentOf(await storage.open("c/r/a"))).toBe("x");
});

test("local: a response of a file or of its part has the length and type it was given", async () => {
  const storage = openLocalStorage({ dir: freshDir(), ids });
  await storage.put("c/r/a.txt", text("0123456789"), { type: "image/png" });
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const file = await storage.open("c/r/a.txt");
      const part = new URL(request.url).pathname === "/part";
      const headers = { "content-type": "text/css", "x-own": "1" };
      if (!part) return new Response(file?.body(), { headers });
      const range = { ...headers, "content-range": "bytes 2-4/10" };
      return new Response(file?.body({ first: 2, last: 4 }), { status: 206, headers: range });
    },
  });
  try {
    const rows: [string, number, string, string | null][] = [
      ["/", 200, "0123456789", null],
      ["/part", 206, "234", "bytes 2-4/10"],
    ];
    for (const [path, status, body, range] of rows) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      const { headers } = response;
      const got = [response.status, await response.text(), headers.get("content-range")];
      expect(got).toEqual([status, body, range]);
      expect([headers.get("content-length"), headers.get("content-type")]).toEqual([
        String(body.length),
        "text/css",
      ]);
    }
  } finally {
    await server.stop(true);
  }
});

test("S3: keys go into the path or the bucket into the host", async () => {
  const rows: [boolean, string][] = [
    [true, "HEAD 127.0.0.1 /files/c/r/a"],
    [false, "HEAD files.localhost /c/r/a"],
  ];
  for (const [forcePathStyle, request] of rows) {
    s3.requests.length = 0;
    await s3Storage(forcePathStyle).open("c/r/a");
    expect(s3.requests).toEqual([request]);
  }
});

test("S3: listings and deletions go on beyond one page", async () => {
  s3.objects.clear();
  const object = { bytes: new Uint8Array(1), type: "a/b", modifiedAt: new Date(0) };
  for (let index = 0; index < 2_500; index++) s3.objects.set(`c/r/${10_000 + index}`, object);
  s3.objects.set("c/r2/kept", object);
  const storage = s3Storage(true);
  expect((await keys(storage, "c/r/")).length).toBe(2_500);
  await storage.deletePrefix("c/r/");
  expect([...s3.objects.keys()]).toEqual(["c/r2/kept"]);
}, 30_000);

test("S3: what fails is unavailable, not missing", async () => {
  const storage = s3Storage(true);
  const refused = s3Storage(true, "somebody-else");
  const down = openS3Storage({
    bucket: BUCKET,
    region: "eu",
    endpoint: "http://127.0.0.1:1",
    accessKey: ACCESS_KEY,
    secret: "s",
    forcePathStyle: true,
  });
  const unavailable = { kind: "unavailable", code: "storage_unavailable" };
  await expect(refused.open("c/r/a")).rejects.toMatchObject(unavailable);
  await expect(down.open("c/r/a")).rejects.toMatchObject(unavailable);
  s3.failure = { status: 403, code: "AccessDenied" };
  try {
    await expect(storage.put("c/r/a", text("x"), plain)).rejects.toMatchObject(unavailable);
    await expect(storage.open("c/r/a")).rejects.toMatchObject(unavailable);
    await expect(storage.delete("c/r/a")).rejects.toMatchObject(unavailable);
    await expect(storage.deletePrefix("c/")).rejects.toMatchObject(unavailable);
    await expect(keys(storage, "c/")).rejects.toMatchObject(unavailable);
  } finally {
    s3.failure = undefined;
  }
});
