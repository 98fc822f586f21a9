/** The reference: PocketBase, built through the Go module proxy and kept in the user's cache. */

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../fixtures/until.ts";
import { PASSWORD, remote, type ServerTarget, SUPERUSER } from "./target.ts";

const VERSION = "0.36.8";
const MODULE = "github.com/pocketbase/pocketbase/examples/base";
const READY_MS = 30_000;

/**
 * Path of the executable: what PARVIS_REFERENCE names, else the one in the cache, which is built
 * where it is missing. Throws with a sentence when that cannot be done.
 */
export function referencePath(): string {
  const named = process.env.PARVIS_REFERENCE;
  if (named && named !== "build") {
    if (!existsSync(named)) throw new Error(`PARVIS_REFERENCE names ${named}, which is missing.`);
    return named;
  }
  const folder = join(homedir(), ".cache/parvis/reference", VERSION);
  const path = join(folder, "base");
  if (!existsSync(path)) build(folder);
  return path;
}

function build(folder: string): void {
  if (Bun.which("go") === null) {
    throw new Error(
      `The reference is built with Go, which is not installed. Install Go 1.25 or newer, or name ` +
        `an executable of PocketBase ${VERSION} in PARVIS_REFERENCE.`,
    );
  }
  mkdirSync(folder, { recursive: true });
  console.log(`Building PocketBase ${VERSION} (a minute or two) …`);
  const go = Bun.spawnSync(["go", "install", `${MODULE}@v${VERSION}`], {
    env: { ...process.env, GOBIN: folder },
    stdout: "inherit",
    stderr: "inherit",
  });
  if (go.exitCode !== 0) throw new Error(`go install ended with exit code ${go.exitCode}.`);
}

/** A reference server that can be told to end as an operator would. */
export interface RunningReference extends ServerTarget {
  end(): Promise<void>;
}

/** Starts reference servers, each on a copy of one prepared data directory. */
export class Reference implements Disposable {
  readonly #path = referencePath();
  readonly #folder = mkdtempSync(join(tmpdir(), "parvis-reference-"));
  #made = 0;

  constructor() {
    this.#run(["superuser", "upsert", SUPERUSER, PASSWORD], join(this.#folder, "prepared"));
  }

  /** On a copy of `from`, or of a directory with nothing in it but the superuser. */
  async start(from = join(this.#folder, "prepared")): Promise<RunningReference> {
    const dir = join(this.#folder, String(++this.#made));
    cpSync(from, dir, { recursive: true });
    const port = freePort();
    const args = ["serve", "--http", `127.0.0.1:${port}`, ...this.#flags(dir)];
    const child = Bun.spawn([this.#path, ...args], { stdout: "ignore", stderr: "ignore" });
    const url = `http://127.0.0.1:${port}`;
    const target = remote(url);
    await until("the reference is ready", READY_MS, async () => {
      if (child.exitCode !== null) throw new Error(`The reference ended: ${child.exitCode}.`);
      return await target.fetch("/api/health", {}).then(
        (answer) => answer.ok,
        () => false,
      );
    });
    return {
      ...target,
      url,
      pid: child.pid,
      dir,
      async end() {
        child.kill("SIGTERM");
        await child.exited;
      },
      async [Symbol.asyncDispose]() {
        child.kill("SIGKILL");
        await child.exited;
        rmSync(dir, { recursive: true, force: true });
      },
    };
  }

  #run(args: readonly string[], dir: string): void {
    const child = Bun.spawnSync([this.#path, ...args, ...this.#flags(dir)], { stderr: "pipe" });
    if (child.exitCode !== 0) throw new Error(`${args[0]} failed: ${child.stderr.toString()}`);
  }

  /** Nothing but its own folder is looked at; `--dev` would print every statement. */
  #flags(dir: string): string[] {
    const folders = ["publicDir", "hooksDir", "migrationsDir"].flatMap((flag) => [
      `--${flag}`,
      join(dir, flag),
    ]);
    return ["--dir", dir, "--dev=false", "--automigrate=false", "--hooksWatch=false", ...folders];
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
