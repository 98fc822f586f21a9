/** The media engine of a server that is started here: which worker, which ports. */

import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import type { MediaConfig } from "../src/infra/media/engine.ts";
import { WORKER_VERSION } from "./invocation.ts";
import type { Terminal } from "./terminal.ts";

const ASSET = "mediasoup-worker";

/** Whether a server with this configuration needs media workers. */
export function wantsMedia({ server }: Config): boolean {
  const { features, rtc } = server;
  return rtc.enabled && (features === "all" || features.includes("rooms"));
}

export function mediaConfig({ server }: Config, workerPath: string): MediaConfig {
  const { rtc } = server;
  // One core is left to the event loop, which every room's signalling shares.
  const workers = rtc.workers || Math.max(1, navigator.hardwareConcurrency - 1);
  return {
    workers,
    port: rtc.port,
    listenIp: rtc.listenIp,
    announcedAddresses: rtc.announcedIp,
    workerPath,
  };
}

/**
 * The worker's executable: the configured one, the one this executable carries (put below the data
 * directory), and when running from source the one that the build made. Errors: 503
 * `asset_missing`, `data_dir_unwritable`.
 */
export async function findWorker(terminal: Terminal, { server }: Config): Promise<string> {
  if (server.rtc.workerPath !== "") return server.rtc.workerPath;
  const built = terminal.standalone ? undefined : await findBuiltWorker(terminal);
  if (built !== undefined) return built;
  const { openAssets } = await import("../src/infra/assets/assets.ts");
  return openAssets(terminal.assets).unpack(ASSET, server.dir);
}

async function findBuiltWorker({ env }: Terminal): Promise<string | undefined> {
  if (env.PARVIS_MEDIA_WORKER) return env.PARVIS_MEDIA_WORKER;
  const { fileExists, listFolder } = await import("../src/infra/machine/disk.ts");
  const cache = join(env.XDG_CACHE_HOME || join(env.HOME ?? "", ".cache"), "parvis/media-worker");
  const folders = listFolder(cache).filter((name) => name.split("-")[0] === WORKER_VERSION);
  return folders.map((name) => join(cache, name, ASSET)).findLast(fileExists);
}
