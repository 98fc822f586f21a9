/** What a command touches of the process it runs in, as a parameter: tests bring their own. */

import { dirname, join } from "node:path";

export interface OutputStream {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Characters in a line; undefined on a pipe. */
  readonly columns: number | undefined;
}

export interface InputStream {
  readonly isTerminal: boolean;
  /** Shows the question and waits for a line. */
  ask(question: string): Promise<string>;
  /** Everything up to the end, at most `STDIN_BYTES_MAX`. */
  readAll(): Promise<string>;
}

export interface ProcessControl {
  readonly pid: number;
  /** SIGINT and SIGTERM. */
  onSignal(listener: (signal: string) => void): void;
  /** What nobody caught. */
  onCrash(listener: (error: unknown) => void): void;
  /** Ends the process once its output is written. */
  exit(code: number): void;
  /** The same command line in the place of this process, which keeps its id. */
  restart(): void;
}

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where paths that nobody gave start: the executable's folder, from source the working one. */
  readonly base: string;
  /** Folder of what the executable carries. */
  readonly assets: string;
  readonly standalone: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly stdin: InputStream;
  readonly process: ProcessControl;
}

/** Of a password on standard input; what is longer is refused as one anyway. */
const STDIN_BYTES_MAX = 4_096;

export function processTerminal(): Terminal {
  const standalone = Bun.isStandaloneExecutable;
  endQuietlyOnClosedPipe();
  return {
    env: process.env,
    cwd: process.cwd(),
    base: standalone ? dirname(process.execPath) : process.cwd(),
    // The compiler keeps the last name of the folder it was given; modules all share one address.
    assets: standalone ? join(import.meta.dir, "assets") : join(import.meta.dir, "../dist/assets"),
    standalone,
    stdout: outputStream(process.stdout),
    stderr: outputStream(process.stderr),
    stdin: { isTerminal: process.stdin.isTTY === true, ask, readAll },
    process: {
      pid: process.pid,
      onSignal(listener) {
        for (const signal of ["SIGINT", "SIGTERM"] as const) {
          process.on(signal, () => listener(signal));
        }
      },
      onCrash(listener) {
        process.on("uncaughtException", listener);
        process.on("unhandledRejection", listener);
      },
      restart() {
        const given = process.argv.slice(standalone ? 2 : 1);
        const argv = [process.execPath, ...given];
        process.execve?.(process.execPath, argv, process.env);
      },
      exit(code) {
        process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
      },
    },
  };
}

function outputStream(stream: NodeJS.WriteStream): OutputStream {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    columns: stream.isTTY ? stream.columns : undefined,
  };
}

/** `server users list | head -1` has what it wanted when the pipe closes. */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

async function ask(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

async function readAll(): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of Bun.stdin.stream()) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > STDIN_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
