/** Forms with files: the format, hostile bodies, memory and temporary files. */

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { clearUploads, readMultipartForm } from "../../src/infra/files/uploads.ts";
import type { SentFile } from "../../src/tools/fields/upload.ts";
import { multipartBoundary, type PartHead, readMultipart } from "../../src/tools/multipart.ts";

const dirs: string[] = [];
const ids = fakeIds(new FakeClock());
const BOUNDS = { partsMax: 20, headBytesMax: 1_000, bodyBytesMax: 1_000_000 };

function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "parvis-multipart-"));
  dirs.push(dir);
  return dir;
}

afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

interface Part extends PartHead {
  content: string;
  ended: boolean;
}

/** Reads a body that comes in pieces of `pieceBytes`; what is thrown comes with the parts. */
async function read(body: string | Buffer, pieceBytes = 7, bounds = BOUNDS) {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      yield bytes.subarray(at, at + pieceBytes);
    }
  }
  const parts: Part[] = [];
  const open = (head: PartHead) => {
    const part = { ...head, content: "", ended: false };
    parts.push(part);
    return {
      write: (chunk: Uint8Array) => {
        part.content += Buffer.from(chunk).toString("latin1");
      },
      end: () => {
        part.ended = true;
      },
    };
  };
  const error = await readMultipart(pieces(), { boundary: "B", bounds, open }).then(
    () => "",
    (thrown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  );
  return { parts, error };
}

const part = (head: string, content: string) => `--B\r\n${head}\r\n\r\n${content}\r\n`;
const field = (name: string, value: string) =>
  part(`Content-Disposition: form-data; name="${name}"`, value);

test("the boundary is read from the type", () => {
  const rows: [string, string | undefined][] = [
    ["multipart/form-data; boundary=abc", "abc"],
    ['Multipart/Form-Data; charset=utf-8; Boundary="a b;c"', "a b;c"],
    ["multipart/form-data;boundary=----WebKitFormBoundaryX", "----WebKitFormBoundaryX"],
    ["multipart/form-data", undefined],
    ["multipart/form-data; boundary=", undefined],
    [`multipart/form-data; boundary=${"x".repeat(300)}`, undefined],
    ["multipart/mixed; boundary=abc", undefined],
    ["multipart/form-database; boundary=abc", undefined],
    ["application/json", undefined],
    ["", undefined],
  ];
  for (const [type, boundary] of rows) {
    expect([type, multipartBoundary(type)]).toEqual([type, boundary]);
  }
});

test("parts come in order with all their bytes, however the body is cut up", async () => {
  const binary = String.fromCharCode(...Array.from({ length: 256 }, (_, index) => index));
  const tricky = `\r\n--\r\n-B\r\n--A\r\r\n--\n\r\n${binary}\r\n`;
  const head = 'Content-Disposition: form-data; name="f"; filename="a.bin"\r\nContent-Type: a/b';
  const body = `${field("one", "1")}${part(head, tricky)}${field("one", "")}--B--\r\n`;
  for (const pieceBytes of [1, 2, 3, 5, 8, 13, 64, 1_000_000]) {
    const { parts, error } = await read(body, pieceBytes);
    expect(error).toBe("");
    expect(parts).toEqual([
      { name: "one", filename: undefined, type: undefined, content: "1", ended: true },
      { name: "f", filename: "a.bin", type: "a/b", content: tricky, ended: true },
      { name: "one", filename: undefined, type: undefined, content: "", ended: true },
    ]);
  }
});

test("preamble, padding, epilogue and folded headers are allowed", async () => {
  const body =
    "hello\r\n--B \t \r\ncontent-disposition: form-data;\r\n\tname=a\r\n\r\n1\r\n--B--\r\nbye";
  const { parts, error } = await read(body);
  expect([error, parts.length, parts[0]?.name, parts[0]?.content]).toEqual(["", 1, "a", "1"]);
  expect(await read("--B--")).toEqual({ parts: [], error: "" });
});

test("names and file names are read as clients write them", async () => {
  const rows: [string, string, string | undefined][] = [
    ['name="docs+"', "docs+", undefined],
    ['name="requests.0.docs+"; filename="a.txt"', "requests.0.docs+", "a.txt"],
    ['name="@jsonPayload"', "@jsonPayload", undefined],
    ["name=bare; filename=bare.txt", "bare", "bare.txt"],
    ['name="a;filename=x"', "a;filename=x", undefined],
    ['name="a \\"b\\" \\\\c"', 'a "b" \\c', undefined],
    ['name="f"; filename="C:\\temp\\a.png"', "f", "a.png"],
    ['name="f"; filename="../../etc/passwd"', "f", "passwd"],
    ['name="f"; filename=""', "f", ""],
    ['name="f"; filename="/"', "f", ""],
    ['name="f"; filename="x"; filename*=UTF-8\'\'na%C3%AFve.txt', "f", "naïve.txt"],
    ['name="f"; filename="x"; filename*=UTF-8\'\'..%2F%2e%2e%2Fy', "f", "y"],
    ['name="f"; filename="x"; filename*=UTF-8\'\'%ff', "f", "x"],
    ['name="ключ"; filename="фото.jpg"', "ключ", "фото.jpg"],
    ['name=""', "", undefined],
  ];
  for (const [disposition, name, filename] of rows) {
    const head = `Content-Disposition: form-data; ${disposition}`;
    const { parts, error } = await read(Buffer.from(`${part(head, "x")}--B--`));
    const got = [error, parts[0]?.name, parts[0]?.filename];
    expect({ disposition, got }).toEqual({ disposition, got: ["", name, filename] });
  }
});

test("hostile and broken bodies are refused", async () => {
  const good = field("a", "1");
  const long = "x".repeat(2_000);
  const rows: [string, string, string][] = [
    ["empty", "", "malformed_multipart"],
    ["no delimiter", "hello", "malformed_multipart"],
    ["another boundary", good.replace("--B", "--C"), "malformed_multipart"],
    ["no end", good, "malformed_multipart"],
    ["ends in the headers", "--B\r\nContent-Dispo", "malformed_multipart"],
    ["ends in the content", good.slice(0, -4), "malformed_multipart"],
    ["ends in the last delimiter", `${good}--B-`, "malformed_multipart"],
    ["text behind a delimiter", `--Bx\r\n${good}--B--`, "malformed_multipart"],
    ["endless padding", `--B${" ".repeat(2_000)}\r\n`, "malformed_multipart"],
    ["no name", `${part("Content-Disposition: form-data", "1")}--B--`, "malformed_multipart"],
    ["no disposition", `${part("Content-Type: a/b", "1")}--B--`, "malformed_multipart"],
    [
      "another disposition",
      `${part("Content-Disposition: file; name=a", "1")}--B--`,
      "malformed_multipart",
    ],
    ["no header line", `${part("hello", "1")}--B--`, "malformed_multipart"],
    ["no headers at all", "--B\r\n\r\n1\r\n--B--", "malformed_multipart"],
    ["long headers", `${part(`X: ${long}`, "1")}--B--`, "malformed_multipart"],
    ["headers without end", `--B\r\nX: ${long.repeat(50)}`, "malformed_multipart"],
    ["long preamble", `${"x".repeat(100_000)}\r\n${good}--B--`, "malformed_multipart"],
    ["too many parts", `${good.repeat(21)}--B--`, "too_many_parts"],
    ["too large", `${field("a", "x".repeat(1_000_000))}--B--`, "body_too_large"],
  ];
  for (const [name, body, code] of rows) {
    for (const pieceBytes of [3, 1_024]) {
      const { error } = await read(body, pieceBytes);
      expect({ name, error }).toEqual({ name, error: code });
    }
  }
});

test("a body cut off anywhere ends no part that lacks bytes", async () => {
  const body = `${field("a", "0123456789")}${field("b", "0123456789")}--B--`;
  for (let length = 0; length < body.length; length++) {
    const { parts, error } = await read(body.slice(0, length), 5);
    expect(error).toBe("malformed_multipart");
    for (const { content, ended } of parts) expect(ended && content !== "0123456789").toBe(false);
  }
});

test("delimiters that almost begin cost no more than other bytes", async () => {
  const near = "\r\n--".repeat(100_000);
  const { parts, error } = await read(`${field("a", near)}--B--`, 1_024);
  expect([error, parts[0]?.content === near]).toEqual(["", true]);
});

test("the stream is let go when a part is refused", async () => {
  let released = false;
  async function* endless() {
    try {
      yield Buffer.from(field("a", "1"));
      for (;;) yield Buffer.from("x");
    } finally {
      released = true;
    }
  }
  const open = () => {
    throw new Error("refused");
  };
  const reading = readMultipart(endless(), { boundary: "B", bounds: BOUNDS, open });
  await expect(reading).rejects.toThrow("refused");
  expect(released).toBe(true);
});

function request(form: FormData | string, type?: string): Request {
  const headers = new Headers(type === undefined ? [] : [["content-type", type]]);
  return new Request("http://localhost/", { method: "POST", body: form, headers });
}

const options = (dir: string) => ({ dir, ids, bodyBytesMax: 10_000_000 });

function content(upload: string | SentFile | undefined): Buffer {
  if (upload === undefined || typeof upload === "string") throw new Error("no upload");
  return upload.content.kind === "bytes"
    ? Buffer.from(upload.content.bytes)
    : readFileSync(upload.content.path);
}

test("a form of the runtime's own client comes back as it was", async () => {
  const dir = freshDir();
  const large = Buffer.alloc(300_000, "0123456789");
  const form = new FormData();
  form.append("title", "Grüße\r\nzwei");
  form.append("docs+", new File(["hello"], "a b.txt", { type: "image/png" }));
  form.append("requests.0.docs+", new File([large], "big.bin"));
  form.append("nameless", new Blob(["%PDF-1.7"], { type: "application/pdf" }));
  form.append("title", "again");
  const read = await readMultipartForm(request(form), options(dir));
  expect(read.entries.map(([name]) => name)).toEqual([
    "title",
    "docs+",
    "requests.0.docs+",
    "nameless",
    "title",
  ]);
  expect(read.entries[0]?.[1]).toBe("Grüße\r\nzwei");
  const [, small, big, nameless] = read.entries.map(([, value]) => value as SentFile);
  expect(small).toMatchObject({
    filename: "a b.txt",
    bytes: 5,
    type: "text/plain; charset=utf-8",
    extension: ".txt",
    content: { kind: "bytes" },
  });
  expect(content(small).toString()).toBe("hello");
  expect(big).toMatchObject({ filename: "big.bin", bytes: 300_000, content: { kind: "file" } });
  expect(content(big).equals(large)).toBe(true);
  if (big?.content.kind !== "file") throw new Error("not spooled");
  const md5 = new Bun.CryptoHasher("md5").update(large).digest("hex");
  expect(Buffer.from(big.content.md5 ?? []).toString("hex")).toBe(md5);
  expect(nameless).toMatchObject({ filename: "", type: "application/pdf", extension: ".pdf" });
  expect(readdirSync(dir).length).toBe(1);
  await read.dispose();
  await read.dispose();
  expect(readdirSync(dir)).toEqual([]);
});

test("what is a file and what a value", async () => {
  const rows: [string, string, "value" | "file"][] = [
    ["plain value", 'form-data; name="a"', "value"],
    ["no name, JSON", 'form-data; name="a"\r\nContent-Type: application/json', "value"],
    [
      "value with a charset",
      'form-data; name="a"\r\nContent-Type: text/plain; charset=utf-8',
      "value",
    ],
    ["no name, other type", 'form-data; name="a"\r\nContent-Type: image/png', "file"],
    ["file name", 'form-data; name="a"; filename="b"', "file"],
    ["file name, text", 'form-data; name="a"; filename="b"\r\nContent-Type: text/plain', "file"],
  ];
  for (const [name, head, kind] of rows) {
    const body = `${part(`Content-Disposition: ${head}`, "x")}--B--`;
    const type = "multipart/form-data; boundary=B";
    const { entries } = await readMultipartForm(request(body, type), options(freshDir()));
    const got = entries.map(([, value]) => (typeof value === "string" ? "value" : "file"));
    expect({ name, got }).toEqual({ name, got: [kind] });
  }
});

test("an empty file input is an empty value, an empty file is a file", async () => {
  const empty = part('Content-Disposition: form-data; name="a"; filename=""', "");
  const named = part('Content-Disposition: form-data; name="b"; filename="x.txt"', "");
  const type = "multipart/form-data; boundary=B";
  const source = request(`${empty}${named}--B--`, type);
  const { entries } = await readMultipartForm(source, options(freshDir()));
  expect(entries).toMatchObject([
    ["a", ""],
    ["b", { bytes: 0 }],
  ]);
});

test("many small files do not fill the memory", async () => {
  const dir = freshDir();
  const form = new FormData();
  const each = LIMITS.uploadMemoryBytesMax;
  const count = LIMITS.uploadsMemoryBytesMax / each + 3;
  for (let index = 0; index < count; index++) {
    form.append("f", new File([Buffer.alloc(each, index)], `${index}.bin`));
  }
  const { entries, dispose } = await readMultipartForm(request(form), options(dir));
  const uploads = entries.map(([, value]) => value as SentFile);
  const inMemory = uploads.filter((upload) => upload.content.kind === "bytes");
  expect(inMemory.length * each).toBeLessThanOrEqual(LIMITS.uploadsMemoryBytesMax);
  expect(readdirSync(dir).length).toBe(uploads.length - inMemory.length);
  for (const [index, upload] of uploads.entries()) {
    expect(content(upload).equals(Buffer.alloc(each, index))).toBe(true);
  }
  await dispose();
});

test("a form that fails leaves no temporary file", async () => {
  const big = "x".repeat(LIMITS.uploadMemoryBytesMax * 3);
  const file = part('Content-Disposition: form-data; name="f"; filename="x"', big);
  const rows: [string, string, number][] = [
    ["cut off within the file", file.slice(0, -100), 10_000_000],
    ["cut off after the file", file, 10_000_000],
    ["too large", `${file}--B--`, LIMITS.uploadMemoryBytesMax * 2],
  ];
  for (const [name, body, bodyBytesMax] of rows) {
    const dir = freshDir();
    const type = "multipart/form-data; boundary=B";
    const reading = readMultipartForm(request(body, type), { dir, ids, bodyBytesMax });
    const thrown = await reading.catch((error: unknown) => error);
    expect({ name, isAppError: thrown instanceof AppError }).toEqual({ name, isAppError: true });
    expect({ name, left: readdirSync(dir) }).toEqual({ name, left: [] });
  }
});

test("values are bounded together", async () => {
  const half = "x".repeat(LIMITS.multipartFieldsBytesMax / 2 + 1);
  const body = `${field("a", half)}${field("b", half)}--B--`;
  const source = request(body, "multipart/form-data; boundary=B");
  const reading = readMultipartForm(source, { dir: freshDir(), ids, bodyBytesMax: 1e9 });
  await expect(reading).rejects.toMatchObject({ kind: "too_large", code: "form_too_large" });
});

test("other bodies are no forms", async () => {
  const none = new Request("http://localhost/", { method: "POST" });
  for (const source of [request("{}", "application/json"), none]) {
    const reading = readMultipartForm(source, options(freshDir()));
    await expect(reading).rejects.toMatchObject({ code: "malformed_multipart" });
  }
});

test("leftovers of a killed server are removed, other files are not", async () => {
  const dir = freshDir();
  clearUploads(join(dir, "none"));
  writeFileSync(join(dir, "abc.upload"), "x");
  writeFileSync(join(dir, "mine.txt"), "x");
  clearUploads(dir);
  expect(readdirSync(dir)).toEqual(["mine.txt"]);
});
