/**
 * Puts a restored directory in the place of the data directory's contents, in steps of which each
 * can be repeated, told by a file that is replaced at once. While that file is not there, the old
 * data is there; from then on the next start ends with the new, wherever the process was killed.
 * The directory itself is never renamed: it may be a mounted volume.
 *
 * Stages: `out` (the old moves away) → `in` (the new moves here) → `done` (until a server has
 * started on it) → the file is removed. Back: `undoIn` → `undoOut` → removed.
 */

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

/** In the data directory; its contents may go at any start. PocketBase calls it so too. */
export const TEMPORARY_DIR = ".pb_temp_to_delete";
const FILE = ".restore.json";

const STAGES = ["out", "in", "done", "undoIn", "undoOut"] as const;
type Stage = (typeof STAGES)[number];

interface Swap {
  readonly stage: Stage;
  /** Names in the temporary directory. */
  readonly fresh: string;
  readonly old: string;
}

/** What belongs to the place and not to the data: no backup holds it and no restore moves it. */
const STAYS: ReadonlySet<string> = new Set([
  "backups",
  TEMPORARY_DIR,
  ".autocert_cache",
  "lost+found",
  ".server.json",
  FILE,
]);

export function staysInPlace(name: string): boolean {
  return STAYS.has(name) || name.startsWith(".server.json.");
}

/** From here on the next start serves what is in `fresh`, a name in the temporary directory. */
export function orderSwap(dir: string, fresh: string): void {
  write(dir, { stage: "out", fresh, old: `${fresh}_old` });
}

/**
 * Finishes an ordered swap; for whoever opens the directory, before anything in it is open. What
 * cannot be moved is moved back: returns that error then.
 */
export function settleSwap(dir: string): unknown {
  let swap = read(dir);
  if (!swap) return undefined;
  try {
    while (swap && swap.stage !== "done") swap = step(dir, swap);
    return undefined;
  } catch (error) {
    revertSwap(dir);
    return error;
  }
}

/** Whether the data in place is restored and no server has started on it yet. */
export function isSwapPending(dir: string): boolean {
  return read(dir) !== undefined;
}

/** Puts the data from before back. False where there was nothing to take back. */
export function revertSwap(dir: string): boolean {
  let swap = read(dir);
  if (!swap) return false;
  if (swap.stage === "out") swap = write(dir, { ...swap, stage: "undoOut" });
  else if (swap.stage !== "undoOut") swap = write(dir, { ...swap, stage: "undoIn" });
  while (swap) swap = step(dir, swap);
  return true;
}

/** A server has started on the data in place: what was before goes, with all that is left over. */
export async function confirmSwap(dir: string, leftovers: RegExp): Promise<void> {
  if (read(dir)?.stage === "done") remove(dir);
  const temporary = join(dir, TEMPORARY_DIR);
  for (const name of names(temporary)) {
    if (!leftovers.test(name)) continue;
    await rm(join(temporary, name), { recursive: true, force: true });
  }
}

/** One stage; the next one, or undefined when nothing is left to do. */
function step(dir: string, swap: Swap): Swap | undefined {
  const fresh = join(dir, TEMPORARY_DIR, swap.fresh);
  const old = join(dir, TEMPORARY_DIR, swap.old);
  switch (swap.stage) {
    case "out":
      // Whoever cleared the temporary directory must not end up with no data at all.
      statSync(fresh);
      moveAll(dir, old);
      return write(dir, { ...swap, stage: "in" });
    case "in":
      statSync(fresh);
      moveAll(fresh, dir);
      return write(dir, { ...swap, stage: "done" });
    case "undoIn":
      moveAll(dir, fresh);
      return write(dir, { ...swap, stage: "undoOut" });
    case "undoOut":
      moveAll(old, dir);
      remove(dir);
      return undefined;
    case "done":
      return swap;
  }
}

function moveAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of names(from)) {
    if (!staysInPlace(name)) renameSync(join(from, name), join(to, name));
  }
  flush(to);
}

function names(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function read(dir: string): Swap | undefined {
  try {
    return parse(readFileSync(join(dir, FILE), "utf8"));
  } catch (error) {
    // A directory that is none is for who opens the database to speak of.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** The file is written by this module only, and always whole. */
function parse(text: string): Swap | undefined {
  const value = JSON.parse(text) as Partial<Swap>;
  const stage = STAGES.find((name) => name === value.stage);
  if (!stage || typeof value.fresh !== "string" || typeof value.old !== "string") return undefined;
  return { stage, fresh: value.fresh, old: value.old };
}

function write(dir: string, swap: Swap): Swap {
  const path = join(dir, FILE);
  writeFileSync(`${path}.new`, JSON.stringify(swap), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  flush(dir);
  return swap;
}

function remove(dir: string): void {
  rmSync(join(dir, FILE), { force: true });
  flush(dir);
}

/** The names in a directory reach the disk with it. */
function flush(dir: string): void {
  const handle = openSync(dir, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
