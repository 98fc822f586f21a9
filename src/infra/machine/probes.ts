/** Ports, programs and limits of this machine, asked without changing anything. */

import { createSocket } from "node:dgram";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";

export interface Port {
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

/** The system's word why a port cannot be opened (`EADDRINUSE`); undefined when it can. */
export function portProblem({ host, port, protocol }: Port): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve("code" in error ? String(error.code) : error.message);
    if (protocol === "tcp") {
      const server = createServer();
      server.once("error", failed);
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
      return;
    }
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error) => {
      socket.close();
      failed(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () =>
      socket.close(() => resolve(undefined)),
    );
  });
}

/** The exit code of a program started without arguments, or why it could not be started. */
export async function tryProgram(path: string, limitMs: number): Promise<number | string> {
  try {
    const child = Bun.spawn([path], {
      env: {},
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      timeout: limitMs,
    });
    const code = await child.exited;
    return child.signalCode ? `ended by ${child.signalCode}` : code;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** How many files a process may have open; undefined where the system does not say. */
export function openFileLimit(): number | undefined {
  if (!existsSync("/proc/self/limits")) return undefined;
  const limits = readFileSync("/proc/self/limits", "latin1");
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft ?? Number.NaN) || undefined;
}
