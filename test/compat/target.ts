/** What a script is played on: the reference, this server in the test's process, or its executable. */

import { freshApp } from "../features/app-fixture.ts";
import { freshHome, run, startServer } from "../fixtures/executable.ts";

export const SUPERUSER = "root@example.com";
export const PASSWORD = "correct horse";

export interface Target extends AsyncDisposable {
  /** Only this path and what follows are sent: the base is the target's own. */
  fetch(path: string, init: RequestInit): Promise<Response>;
  /** The time that the server reads, milliseconds. */
  now(): number;
}

/** A server in a process of its own. */
export interface ServerTarget extends Target {
  readonly url: string;
  readonly pid: number;
  /** Its data directory. */
  readonly dir: string;
}

/** This server without sockets, on a clock that stands still, with no feature of its own on. */
export async function inProcess(): Promise<Target> {
  const fixture = await freshApp({ features: "none" });
  await fixture.superuser();
  return {
    async fetch(path, init) {
      const response = await fixture.raw(new Request(`http://localhost${path}`, init));
      // What the HTTP server does where there is one.
      return init.method === "HEAD" ? new Response(null, response) : response;
    },
    now: () => fixture.clock.now(),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

/** The compiled executable. */
export async function compiled(): Promise<ServerTarget> {
  const home = freshHome();
  const server = await startServer(home, { flags: ["--features", "none"] });
  const dir = ["--dir", server.dir];
  const made = await run(home, ["superuser", "upsert", SUPERUSER, PASSWORD, ...dir]);
  if (made.code !== 0) throw new Error(`No superuser: ${made.out}${made.err}`);
  return {
    ...remote(server.url),
    url: server.url,
    pid: server.pid,
    dir: server.dir,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      home[Symbol.dispose]();
    },
  };
}

/** A server that listens somewhere. */
export function remote(url: string): Pick<Target, "fetch" | "now"> {
  return {
    fetch: (path, init) => fetch(`${url}${path}`, { ...init, redirect: "manual" }),
    now: () => Date.now(),
  };
}
