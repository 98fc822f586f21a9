/** What the executable carries and puts into the data directory: once, the version that it is. */

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAssets } from "../../src/infra/assets/assets.ts";

function stage() {
  const path = mkdtempSync(join(tmpdir(), "parvis-assets-"));
  const root = join(path, "assets");
  const dir = join(path, "data");
  const carry = (name: string, text: string) => Bun.write(join(root, name), text);
  const unpacked = () => readdirSync(join(dir, ".runtime")).sort();
  const close = () => rmSync(path, { recursive: true });
  return { root, dir, carry, unpacked, [Symbol.dispose]: close };
}

test("a program is unpacked once, for its owner alone, and again when it was changed", async () => {
  using on = stage();
  await on.carry("worker", "one");
  const assets = openAssets(on.root);
  const path = assets.unpack("worker", on.dir);
  expect(readFileSync(path, "utf8")).toBe("one");
  expect(statSync(path).mode & 0o777).toBe(0o700);
  const { ino } = statSync(path);
  expect(assets.unpack("worker", on.dir)).toBe(path);
  expect(statSync(path).ino).toBe(ino);
  writeFileSync(path, "another's");
  expect(readFileSync(assets.unpack("worker", on.dir), "utf8")).toBe("one");
  expect(on.unpacked()).toHaveLength(1);
});

test("a new version leaves the old one alone, on which a server may run", async () => {
  using on = stage();
  await on.carry("worker", "one");
  const old = openAssets(on.root).unpack("worker", on.dir);
  await on.carry("worker", "two");
  const path = openAssets(on.root).unpack("worker", on.dir);
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(readFileSync(old, "utf8")).toBe("one");
});

test("what is not carried, or cannot be written, is an error that says so", async () => {
  using on = stage();
  await on.carry("worker", "one");
  const assets = openAssets(on.root);
  const missing = expect.objectContaining({ code: "asset_missing", status: 503 });
  expect(() => assets.unpack("library", on.dir)).toThrow(missing);
  await Bun.write(join(on.dir, ".runtime"), "in the way");
  const unwritable = expect.objectContaining({ code: "data_dir_unwritable", status: 503 });
  expect(() => assets.unpack("worker", on.dir)).toThrow(unwritable);
});
