/** Files and folders as commands look at them: what is there, what can be written, how much fits. */

import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fail } from "../../base/errors.ts";

export function fileExists(path: string): boolean {
  return existsSync(path);
}

/** Milliseconds since the epoch of a file's last change; undefined when there is no such file. */
export function changedAt(path: string): number | undefined {
  return existsSync(path) ? statSync(path).mtimeMs : undefined;
}

/** What a folder holds, sorted; empty when it is not there. */
export function listFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

/** Short and stable, to compare two copies of a program. */
export function fileHash(path: string): string {
  return Bun.hash(readFileSync(path)).toString(36);
}

/** Makes the folder where needed. Error: 409 `file_exists`: nothing is ever overwritten. */
export function createFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause;
    throw fail.conflict("file_exists", `There is a file ${path} already.`, { cause });
  }
}

/**
 * Why files cannot be made in a folder, or the folder itself where it is missing; undefined when
 * they can. Leaves nothing behind.
 */
export function writeProblem(folder: string): string | undefined {
  try {
    if (!existsSync(folder)) {
      accessSync(nearestFolder(folder), constants.W_OK);
      return statSync(nearestFolder(folder)).isDirectory() ? undefined : "ENOTDIR";
    }
    const probe = join(folder, `.probe.${process.pid}`);
    writeFileSync(probe, "", { flag: "wx" });
    rmSync(probe);
    return undefined;
  } catch (error) {
    return codeOf(error) ?? "unknown";
  }
}

/** Bytes that an ordinary user may still write in a folder, or will where it is still missing. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(nearestFolder(folder));
  return bavail * bsize;
}

function nearestFolder(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
