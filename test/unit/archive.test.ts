/** Directories as zip files and back, and what an archive from elsewhere may not do. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { packDirectory } from "../../src/infra/archive/pack.ts";
import { isSafePath, unpackArchive } from "../../src/infra/archive/unpack.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "parvis-archive-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (...names: string[]) => join(dir, ...names);

function write(name: string, content: string | Uint8Array): void {
  mkdirSync(join(at("from", name), ".."), { recursive: true });
  writeFileSync(at("from", name), content);
}

const pack = (leaveOut: (name: string) => boolean = () => false, also = {}) =>
  packDirectory({ dir: at("from"), target: at("it.zip"), leaveOut, also });
const unpack = (bytesMax = 1e9) =>
  unpackArchive({ path: at("it.zip"), target: at("to"), bytesMax });

function tree(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const name = join(below, entry.name);
      return entry.isDirectory() ? tree(folder, name) : [name];
    })
    .sort();
}

interface Sent {
  readonly name: string;
  readonly content: string;
  readonly mode?: number;
}

/** An archive as a stranger makes one: names are put in behind the library's back. */
async function sent(entries: readonly Sent[]): Promise<void> {
  const zip = new ZipFile();
  const shown = entries.map(({ name }) => name.replace(/[^a-z]/gi, "_"));
  for (const [index, { content, mode }] of entries.entries()) {
    const options = { compress: false, ...(mode === undefined ? {} : { mode }) };
    zip.addBuffer(Buffer.from(content), shown[index] ?? "", options);
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(at("it.zip")));
  let bytes = readFileSync(at("it.zip")).toString("latin1");
  for (const [index, { name }] of entries.entries()) {
    bytes = bytes.replaceAll(shown[index] ?? "", name);
  }
  writeFileSync(at("it.zip"), Buffer.from(bytes, "latin1"));
}

describe("a directory", () => {
  test("comes back as it was, large, empty and incompressible files too", async () => {
    const large = crypto.getRandomValues(new Uint8Array(65_536));
    write("data.db", Buffer.concat(Array.from({ length: 40 }, () => large)));
    write("storage/c/r/ünïcode.txt", "hello");
    write("storage/c/r/empty", "");
    write("storage/c/r/photo.jpg", large);
    await pack();
    await unpack();
    expect(tree(at("to"))).toEqual(tree(at("from")));
    for (const name of tree(at("from"))) {
      expect(readFileSync(at("to", name))).toEqual(readFileSync(at("from", name)));
    }
  });

  test("is packed without what is left out, and with what is added", async () => {
    write("keep/backups/x", "kept");
    write("backups/x", "left out");
    writeFileSync(at("snapshot"), "snapshot");
    await pack((name) => name === "backups", { "data.db": at("snapshot") });
    await unpack();
    expect(tree(at("to"))).toEqual(["data.db", "keep/backups/x"]);
    expect(readFileSync(at("to", "data.db"), "utf8")).toBe("snapshot");
  });

  test("is packed without links, and none is followed", async () => {
    write("file", "x");
    symlinkSync("/etc", at("from", "folder"));
    symlinkSync("/etc/hostname", at("from", "link"));
    await pack();
    await unpack();
    expect(tree(at("to"))).toEqual(["file"]);
  });

  test("that cannot be written leaves no file handle open and says why", async () => {
    write("file", "x");
    writeFileSync(at("it.zip"), "is there already");
    expect(pack()).rejects.toMatchObject({ code: "EEXIST" });
  });
});

describe("an archive from elsewhere", () => {
  test.each<[string, readonly Sent[], RegExp]>([
    ["leads upwards", [{ name: "../x", content: "" }], /\.\.|invalid|within/i],
    ["leads upwards inside", [{ name: "a/../../x", content: "" }], /\.\.|invalid|within/i],
    ["is absolute", [{ name: "/abs", content: "" }], /absolute|invalid|within/i],
    ["has a backslash", [{ name: "a\\b", content: "" }], /invalid|within/i],
    ["has a link", [{ name: "link", content: "/etc/passwd", mode: 0o120777 }], /link/],
    [
      "has a name twice",
      [
        { name: "twice", content: "1" },
        { name: "twice", content: "2" },
      ],
      /twice/,
    ],
    ["is larger than there is room", [{ name: "big", content: "x".repeat(2_000) }], /free space/],
  ])("that %s is refused", async (_, entries, reason) => {
    await sent(entries);
    const outcome = unpack(1_000);
    expect(outcome).rejects.toMatchObject({ code: "invalid_backup" });
    await outcome.catch((error: Error) => expect(error.message).toMatch(reason));
    expect(existsSync(at("x"))).toBe(false);
  });

  test.each([
    ["nothing", ""],
    ["a text", "hello, this is no archive at all, but long enough to look for its end"],
  ])("that is %s is refused", async (_, content) => {
    writeFileSync(at("it.zip"), content);
    expect(unpack()).rejects.toMatchObject({ code: "invalid_backup" });
  });

  test("that is damaged is refused wherever a byte is changed", async () => {
    write("data.db", "some content that is long enough to be hit".repeat(20));
    await pack();
    const whole = readFileSync(at("it.zip"));
    // The content lies after the first local header of thirty bytes and the name.
    for (let place = 40; place < whole.length - 120; place += 7) {
      const damaged = Buffer.from(whole);
      damaged[place] = (damaged[place] ?? 0) ^ 0x55;
      writeFileSync(at("it.zip"), damaged);
      rmSync(at("to"), { recursive: true, force: true });
      const outcome = await unpack().then(
        () => readFileSync(at("to", "data.db")).equals(readFileSync(at("from", "data.db"))),
        (error: { code?: string }) => error.code === "invalid_backup",
      );
      expect([place, outcome]).toEqual([place, true]);
    }
  });

  test("that says it is smaller than it is is refused", async () => {
    write("bomb", "0".repeat(1_000_000));
    await pack();
    const bytes = readFileSync(at("it.zip"));
    const directory = bytes.indexOf(Buffer.from("PK\x01\x02", "latin1"));
    bytes.writeUInt32LE(10, directory + 24);
    writeFileSync(at("it.zip"), bytes);
    expect(unpack(1_000)).rejects.toMatchObject({ code: "invalid_backup" });
  });
});

test.each([
  ["data.db", true],
  ["storage/a/b.png", true],
  ["storage/a/", true],
  ["a/..b", true],
  ["..", false],
  ["a/..", false],
  ["./a", false],
  ["a//b", false],
  ["/a", false],
  ["a\\b", false],
  ["a\0b", false],
  ["", false],
])("the path %p is safe: %p", (path, safe) => {
  expect(isSafePath(path)).toBe(safe);
});
