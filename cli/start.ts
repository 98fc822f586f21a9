/**
 * Starts a server in this process. stop() cascades: requests are finished → connections → features
 * → media workers → database → the file that says where the server is.
 */

import type { App } from "../src/app.ts";
import { fail } from "../src/base/errors.ts";
import type { Log } from "../src/base/log.ts";
import type { MediaConfig, MediaEngine } from "../src/infra/media/engine.ts";
import type { Invocation } from "./invocation.ts";
import { findWorker, mediaConfig, wantsMedia } from "./media.ts";
import { findServer } from "./running.ts";

export interface RunningServer {
  readonly app: App;
  readonly url: string;
  /** Undefined when it runs no media. */
  readonly media: MediaConfig | undefined;
  /** Resolves when the server wants to be stopped and started anew, after a restore. */
  readonly restart: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Errors: 409 `server_running` for a data directory that another server holds, and those of opening
 * the data directory, the media ports and the address; what was opened before is closed then.
 */
export async function startServer(call: Invocation, log: Log): Promise<RunningServer> {
  const { config } = await call.config();
  const { dir } = config.server;
  const other = await findServer(dir);
  if (other) {
    const message = `A server runs on ${dir} already: process ${other.pid}, at ${other.url}.`;
    throw fail.conflict("server_running", message);
  }
  const modules = await loadModules();
  const parts = { ...call.parts(await call.config()), log };
  const secret = modules.OPERATOR_PREFIX + call.ids.secret(43);
  const { media, engine } = await makeEngine(call, log);
  const { promise: restart, resolve } = Promise.withResolvers<void>();
  const assets = modules.openAssets(call.terminal.assets);
  const openBcrypt = () => modules.loadBcrypt(assets.unpack("bcrypt.node", dir));
  const app = await modules.createApp(config, {
    ...parts,
    bcrypt: modules.lazyBcrypt(openBcrypt, log),
    restart: resolve,
    media: engine,
    tokens: [modules.operatorScheme(secret, modules.isOwnAddress)],
  });
  const http = modules.createHttp(app, { assets, log });
  const { pid } = call.terminal.process;
  const stop = async () => {
    await http.stop();
    await app.stop();
    modules.removeServerState(dir, pid);
  };
  try {
    const { url } = http.listen();
    modules.writeServerState(dir, { url, pid, secret, version: parts.version });
    return { app, url, media, restart, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Loaded together and only here: no other command needs the HTTP server. */
async function loadModules() {
  const [app, server, assets, bcrypt, auth, state, addresses] = await Promise.all([
    import("../src/app.ts"),
    import("../src/server.ts"),
    import("../src/infra/assets/assets.ts"),
    import("../src/infra/bcrypt/bcrypt.ts"),
    import("../src/features/auth/index.ts"),
    import("../src/infra/files/server-state.ts"),
    import("../src/infra/machine/addresses.ts"),
  ]);
  return { ...app, ...server, ...assets, ...bcrypt, ...auth, ...state, ...addresses };
}

async function makeEngine(
  call: Invocation,
  log: Log,
): Promise<{ media: MediaConfig | undefined; engine: MediaEngine | undefined }> {
  const { config } = await call.config();
  if (!wantsMedia(config)) return { media: undefined, engine: undefined };
  const { createMediasoupEngine } = await import("../src/infra/media/mediasoup.ts");
  const media = mediaConfig(config, await findWorker(call.terminal, config));
  return { media, engine: createMediasoupEngine(media, { log, clock: call.clock }) };
}
