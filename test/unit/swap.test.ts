/** A restored directory in the place of another, killed at any step. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  confirmSwap,
  isSwapPending,
  orderSwap,
  revertSwap,
  settleSwap,
  TEMPORARY_DIR,
} from "../../src/infra/archive/swap.ts";

const FRESH = "restore_0123456789";
const OLD = { "data.db": "old", "data.db-wal": "old log", "storage/a": "old file" };
const NEW = { "data.db": "new", "storage/b": "new file", extra: "new" };
const STAYING = { "backups/x.zip": "a backup" };

let dir: string;

function fill(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

function contents(folder: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const name = join(below, entry.name);
    if (name === TEMPORARY_DIR || name === ".restore.json") continue;
    if (entry.isDirectory()) Object.assign(found, contents(folder, name));
    else found[name] = readFileSync(join(folder, name), "utf8");
  }
  return found;
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "parvis-swap-"));
  fill(dir, { ...OLD, ...STAYING });
  fill(join(dir, TEMPORARY_DIR, FRESH), NEW);
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("a swap", () => {
  test("that nobody ordered changes nothing", () => {
    expect(settleSwap(dir)).toBeUndefined();
    expect(contents(dir)).toEqual({ ...OLD, ...STAYING });
  });

  test("puts the new in place and keeps backups where they are", () => {
    orderSwap(dir, FRESH);
    expect(contents(dir)).toEqual({ ...OLD, ...STAYING });
    expect(settleSwap(dir)).toBeUndefined();
    expect(contents(dir)).toEqual({ ...NEW, ...STAYING });
    expect(isSwapPending(dir)).toBe(true);
  });

  test("is taken back as long as nobody confirmed it", () => {
    orderSwap(dir, FRESH);
    settleSwap(dir);
    expect(revertSwap(dir)).toBe(true);
    expect(contents(dir)).toEqual({ ...OLD, ...STAYING });
    expect(isSwapPending(dir)).toBe(false);
  });

  test("is final once it is confirmed, and leaves nothing behind", async () => {
    orderSwap(dir, FRESH);
    settleSwap(dir);
    await confirmSwap(dir, /^restore_/);
    expect(revertSwap(dir)).toBe(false);
    expect(contents(dir)).toEqual({ ...NEW, ...STAYING });
    expect(readdirSync(join(dir, TEMPORARY_DIR))).toEqual([]);
  });

  test.each(["out", "in"])(
    "in stage %s without what is to be moved here is taken back",
    (stage) => {
      interrupt(stage, 0);
      rmSync(join(dir, TEMPORARY_DIR, FRESH), { recursive: true });
      expect(settleSwap(dir)).toMatchObject({ code: "ENOENT" });
      expect(isSwapPending(dir)).toBe(false);
      expect(contents(dir)).toEqual({ ...OLD, ...STAYING });
    },
  );
});

/** Every state that a kill can leave: so many of the moves of a stage are done. */
function* interrupted(): Generator<readonly [stage: string, moves: number]> {
  for (const moves of [0, 1, 2, 3]) yield ["out", moves];
  for (const moves of [0, 1, 2, 3]) yield ["in", moves];
  yield ["done", 0];
}

function interrupt(stage: string, moves: number): void {
  const temporary = join(dir, TEMPORARY_DIR);
  const [fresh, old] = [join(temporary, FRESH), join(temporary, `${FRESH}_old`)];
  const move = (from: string, to: string, count: number) => {
    mkdirSync(to, { recursive: true });
    const names = readdirSync(from).filter((name) => !/^backups$|^\.(pb|restore)/.test(name));
    for (const name of names.slice(0, count)) renameSync(join(from, name), join(to, name));
  };
  move(dir, old, stage === "out" ? moves : 9);
  if (stage === "in") move(fresh, dir, moves);
  if (stage === "done") move(fresh, dir, 9);
  const file = { stage, fresh: FRESH, old: `${FRESH}_old` };
  writeFileSync(join(dir, ".restore.json"), JSON.stringify(file));
}

describe.each([...interrupted()])("killed in stage %s after %d moves", (stage, moves) => {
  test("the next start has all of the new", () => {
    interrupt(stage, moves);
    expect(settleSwap(dir)).toBeUndefined();
    expect(contents(dir)).toEqual({ ...NEW, ...STAYING });
  });

  test("taking it back has all of the old", () => {
    interrupt(stage, moves);
    // The way back may be interrupted as well: it is walked twice from the same state.
    const copy = `${dir}-copy`;
    cpSync(dir, copy, { recursive: true });
    revertSwap(dir);
    revertSwap(copy);
    expect(contents(dir)).toEqual({ ...OLD, ...STAYING });
    expect(contents(copy)).toEqual({ ...OLD, ...STAYING });
    rmSync(copy, { recursive: true });
  });
});
