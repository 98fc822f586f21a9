/** Runs the command line for tests: as a process from source, or in this one on a made-up terminal. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "../../cli/program.ts";
import type { Terminal } from "../../cli/terminal.ts";

const MAIN = resolve(import.meta.dir, "../../cli/main.ts");

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Nothing of the configuration leaks in from whoever runs the tests. */
function environment(): Record<string, string> {
  const kept = ["PATH", "HOME", "XDG_CACHE_HOME", "PARVIS_MEDIA_WORKER"];
  return Object.fromEntries(kept.flatMap((name) => (Bun.env[name] ? [[name, Bun.env[name]]] : [])));
}

export function start(argv: readonly string[], { cwd, env, stdin }: ProcessOptions) {
  return Bun.spawn([process.execPath, MAIN, ...argv], {
    cwd,
    env: { ...environment(), ...env },
    stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
}

export async function cli(argv: readonly string[], options: ProcessOptions): Promise<Outcome> {
  const child = start(argv, options);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

export interface TerminalOptions {
  readonly cwd: string;
  readonly base?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Characters in a line; undefined: everything is a pipe. */
  readonly columns?: number;
  /** What the person at the terminal types when asked. */
  readonly answer?: string;
}

/** The same commands in this process. */
export async function onTerminal(
  argv: readonly string[],
  options: TerminalOptions,
): Promise<Outcome & { readonly asked: readonly string[] }> {
  const { cwd, base = cwd, env = {}, columns } = options;
  const written = { stdout: "", stderr: "" };
  const asked: string[] = [];
  const isTerminal = columns !== undefined;
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTerminal,
    columns,
  });
  const terminal: Terminal = {
    env,
    cwd,
    base,
    assets: join(base, "assets"),
    standalone: false,
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    stdin: {
      isTerminal,
      ask: async (question) => {
        asked.push(question);
        return options.answer ?? "";
      },
      readAll: async () => options.answer ?? "",
    },
    process: {
      pid: process.pid,
      onSignal: () => undefined,
      onCrash: () => undefined,
      exit: () => undefined,
      restart: () => undefined,
    },
  };
  const code = await run(argv, terminal);
  return { code, ...written, asked };
}

/** A folder that goes with the test file. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "parvis-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
