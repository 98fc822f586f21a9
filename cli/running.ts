/** The server that runs on a data directory, if one does. */

import { AppError } from "../src/base/errors.ts";
import { readServerState, type ServerState } from "../src/infra/files/server-state.ts";
import { requestJson } from "./http.ts";

/** Long enough for a server that is just busy, short enough for a person. */
const PROBE_LIMIT_MS = 5_000;

/**
 * Reads the server's file and asks at its address: a killed server leaves the file behind, and its
 * process id may be another program's by now. Error: 503 `server_unanswering` when something
 * listens there but says nothing.
 */
export async function findServer(dir: string): Promise<ServerState | undefined> {
  const state = readServerState(dir);
  if (!state) return undefined;
  try {
    const { url, secret: token } = state;
    const answer = await requestJson({
      method: "GET",
      url: `${url}/api/health`,
      token,
      limitMs: PROBE_LIMIT_MS,
    });
    // Only who knows the secret is told more than that it runs.
    return isPrivilegedAnswer(answer) ? state : undefined;
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "server_unanswering") throw error;
    return undefined;
  }
}

function isPrivilegedAnswer(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null || !("data" in answer)) return false;
  const { data } = answer;
  return typeof data === "object" && data !== null && "realIP" in data;
}
