/** What the REST and SSE wires need of the HTTP server, and the frame around each request. */

import type { Elysia } from "elysia";
import type { Log } from "../../base/log.ts";
import type { Caller } from "../../core/access.ts";
import type { Kernel } from "../../core/execute.ts";
import type { HttpMethod, Operation } from "../../core/operation.ts";
import { bearerToken, requestIdFrom } from "../../core/wire.ts";
import type { ClientAddress } from "./origin.ts";
import { type Cors, errorResponse, SECURITY_HEADERS } from "./respond.ts";

/** The part of Bun's server a handler may touch. */
export interface HttpServer {
  requestIP(request: Request): { readonly address: string } | null;
  /** Seconds a silent connection is kept; 0 for ever. */
  timeout(request: Request, seconds: number): void;
}

export interface Mount {
  readonly app: Elysia;
  readonly kernel: Kernel;
  readonly log: Log;
  readonly cors: Cors;
  readonly clientAddress: ClientAddress;
  /** Largest body where an operation names no bound of its own. */
  readonly bodyBytesMax: number;
}

/** One request as the wires see it. */
export interface HttpCall {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly server: HttpServer | null;
  readonly requestId: string;
  readonly ip: string;
  readonly bodyBytesMax: number;
}

export type HttpHandler = (call: HttpCall) => Promise<Response>;

/** Mounts a handler; what it throws becomes the error envelope of the operation's dialect. */
export function mountRoute(
  mount: Mount,
  route: { readonly method: HttpMethod | "HEAD"; readonly path: string },
  target: { readonly handler: HttpHandler; readonly dialect?: Operation["dialect"] },
): void {
  mount.app.route(
    route.method,
    route.path,
    // The context is taken whole: the framework reads this function's text to decide what to fill in.
    (context) => {
      const { request, params, server } = context as unknown as {
        request: Request;
        params: Record<string, string>;
        server: HttpServer | null;
      };
      return frame(mount, { request, params, server }, target);
    },
    { parse: "none" } as never,
  );
}

async function frame(
  mount: Mount,
  raw: Pick<HttpCall, "request" | "params" | "server">,
  target: { readonly handler: HttpHandler; readonly dialect?: Operation["dialect"] },
): Promise<Response> {
  const { request } = raw;
  const started = mount.kernel.runtime.clock.monotonic();
  const requestId = requestIdFrom(request.headers.get("x-request-id"), mount.kernel.runtime.ids);
  const url = new URL(request.url);
  const peer = raw.server?.requestIP(request)?.address ?? "127.0.0.1";
  const ip = mount.clientAddress.of(request, peer);
  const { bodyBytesMax } = mount;
  let response: Response;
  try {
    response = await target.handler({
      ...raw,
      query: url.searchParams,
      requestId,
      ip,
      bodyBytesMax,
    });
  } catch (thrown) {
    response = errorResponse(thrown, target.dialect);
  }
  finish(mount, request, response);
  response.headers.set("x-request-id", requestId);
  const ms = Math.round((mount.kernel.runtime.clock.monotonic() - started) * 10) / 10;
  mount.log.debug("request", {
    method: request.method,
    path: url.pathname,
    status: response.status,
    ms,
    request: requestId,
  });
  return response;
}

/** The headers that every answer carries. */
export function finish(mount: Pick<Mount, "cors">, request: Request, response: Response): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  mount.cors.apply(request, response.headers);
  return response;
}

/** Who calls, by the Authorization header, or by `?token=` where a browser cannot set headers. */
export async function authenticate(
  mount: Mount,
  operation: Operation,
  call: HttpCall,
): Promise<{ readonly caller: Caller; readonly token?: string }> {
  const header = bearerToken(call.request.headers.get("authorization"));
  const fromQuery = operation.kind === "watch" ? call.query.get("token") : null;
  const token = header ?? (fromQuery || undefined);
  const caller = await mount.kernel.authenticate(token, { ip: call.ip }, operation.dialect);
  return token === undefined ? { caller } : { caller, token };
}
