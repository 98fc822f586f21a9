/**
 * `.server.json` in the data directory: how commands find the running server. Readable by its owner
 * only, since its secret acts as a superuser from this machine.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ServerState {
  readonly url: string;
  readonly pid: number;
  readonly secret: string;
  readonly version: string;
}

const FILE = ".server.json";

export function writeServerState(dir: string, state: ServerState): void {
  const path = join(dir, FILE);
  writeFileSync(`${path}.${state.pid}`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  renameSync(`${path}.${state.pid}`, path);
}

/** Undefined where no server runs: no file, half a file, or one whose process is gone. */
export function readServerState(dir: string): ServerState | undefined {
  const state = parse(dir);
  return state && isAlive(state.pid) ? state : undefined;
}

/** Takes the file away if it is still this server's. */
export function removeServerState(dir: string, pid: number): void {
  if (parse(dir)?.pid === pid) rmSync(join(dir, FILE), { force: true });
}

function parse(dir: string): ServerState | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(dir, FILE), "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const { url, pid, secret, version } = value as Record<string, unknown>;
    if (typeof url !== "string" || typeof secret !== "string") return undefined;
    return typeof pid === "number" && typeof version === "string"
      ? { url, pid, secret, version }
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && "code" in error)) {
      return undefined;
    }
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
