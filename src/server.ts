/** The HTTP server: the wires mounted on Elysia, listening, and stopping with grace. */

import { join } from "node:path";
import { Elysia } from "elysia";
import type { Config } from "../config/schema.ts";
import type { App } from "./app.ts";
import { fail } from "./base/errors.ts";
import { LIMITS } from "./base/limits.ts";
import type { Log } from "./base/log.ts";
import type { Assets } from "./infra/assets/assets.ts";
import { openPublicFiles } from "./infra/files/public.ts";
import { clearUploads } from "./infra/files/uploads.ts";
import { redirectToCleanPath } from "./wires/http/clean-path.ts";
import { Departures } from "./wires/http/departures.ts";
import { finish, type Mount } from "./wires/http/mount.ts";
import { ClientAddress } from "./wires/http/origin.ts";
import { Cors, errorResponse, notFound } from "./wires/http/respond.ts";
import { mountPages } from "./wires/pages/index.ts";
import { mountRecordsRealtime } from "./wires/records-realtime/index.ts";
import { mountRest } from "./wires/rest/index.ts";
import { openApiDocument } from "./wires/rest/openapi.ts";
import { mountSse } from "./wires/sse/index.ts";
import { mountWhip } from "./wires/whip/index.ts";

export interface HttpServer {
  /** Answers a request without a socket. */
  handle(request: Request): Promise<Response>;
  /** Error: 503 `address_in_use`, `address_unusable`. Returns where it listens. */
  listen(): { readonly url: string; readonly port: number };
  /** Stops accepting, lets running requests finish for a bounded time, then closes what is left. */
  stop(): Promise<void>;
}

/** In the data directory; what it holds is rubbish once the server stands, and no backup has it. */
const UPLOADS_DIR = ".pb_temp_to_delete";

export interface HttpParts {
  readonly assets: Assets;
  readonly log: Log;
}

export function createHttp(app: App, parts: HttpParts): HttpServer {
  const { server: config } = app.config;
  const elysia = new Elysia({ handler: { standardHostname: false }, strictPath: true });
  const mount: Mount = {
    app: elysia as unknown as Elysia,
    kernel: app.kernel,
    log: parts.log,
    cors: new Cors(config.cors.origins),
    departures: new Departures(app.kernel.runtime.clock),
    clientAddress: new ClientAddress(config.trustedProxies),
    bodyBytesMax: config.limits.bodyMax,
    uploadsDir: join(config.dir, UPLOADS_DIR),
  };
  const unmatched = (request: Request, response: Response) => {
    app.kernel.requests.unmatched(request.method).answered(response.status);
    return response;
  };
  elysia
    .onRequest(({ request }) => {
      if (request.method === "OPTIONS") return unmatched(request, mount.cors.preflight(request));
      const redirect = redirectToCleanPath(request);
      return redirect && unmatched(request, finish(mount, request, redirect));
    })
    .onError(({ code, error, request }) => {
      if (code !== "NOT_FOUND") parts.log.error("request failed outside an operation", { error });
      const response = code === "NOT_FOUND" ? notFound() : errorResponse(error);
      return unmatched(request, finish(mount, request, response));
    });
  mountRest(mount);
  mountSse(mount, app.hub);
  mountWhip(mount);
  mountRecordsRealtime(mount, app.hub);
  mountPages(mount, {
    assets: parts.assets,
    publicFiles: openPublicFiles(config.publicDir),
    openApi: lazyDocument(app),
  });
  return {
    handle: async (request) => elysia.handle(request),
    listen() {
      const bound = listen(elysia as unknown as Elysia, config);
      app.serve();
      // Only now: a server that cannot listen may stand beside one whose uploads these are.
      clearUploads(mount.uploadsDir);
      return bound;
    },
    stop: () => stop(elysia as unknown as Elysia, app),
  };
}

/** Made at the first question: most servers are never asked. */
function lazyDocument(app: App): () => string {
  let text: string | undefined;
  return () => {
    const info = { title: "Parvis", version: app.version };
    text ??= JSON.stringify(openApiDocument(app.kernel.registry.operations, info));
    return text;
  };
}

function listen(elysia: Elysia, config: Config["server"]): { url: string; port: number } {
  const { host, port } = config.http;
  try {
    elysia.listen({
      hostname: host,
      port,
      // Two servers on one port would take turns silently.
      reusePort: false,
      idleTimeout: 60,
      // Above every bound of ours, so that the answer to a large body is always our own 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    });
  } catch (cause) {
    throw listenError(`${host}:${port}`, cause);
  }
  const bound = elysia.server?.port ?? port;
  const shown = host.includes(":") ? `[${host}]` : host === "0.0.0.0" ? "127.0.0.1" : host;
  return { url: `http://${shown}:${bound}`, port: bound };
}

function listenError(address: string, cause: unknown) {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "EADDRINUSE") {
    const message = `The address ${address} is taken by another program: stop it, or choose another with --http.`;
    return fail.unavailable("address_in_use", message, { cause });
  }
  const reason = code === "EACCES" ? "it needs privileges" : "this machine does not have it";
  return fail.unavailable("address_unusable", `Cannot listen on ${address}: ${reason}.`, { cause });
}

async function stop(elysia: Elysia, app: App): Promise<void> {
  const finished = Promise.resolve(elysia.server?.stop(false));
  app.endSessions();
  const { promise: expired, resolve } = Promise.withResolvers<void>();
  const timer = app.kernel.runtime.clock.after(LIMITS.shutdownGraceMs, resolve);
  await Promise.race([finished, expired]);
  timer.clear();
  await elysia.server?.stop(true);
}
