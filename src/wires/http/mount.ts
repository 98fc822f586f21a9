/** What the REST and SSE wires need of the HTTP server, and the frame around each request. */

import type { Elysia } from "elysia";
import { type AppError, toAppError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type Caller, Guest } from "../../core/access.ts";
import type { Kernel } from "../../core/execute.ts";
import type { HttpMethod, Operation } from "../../core/operation.ts";
import type { RouteMetrics } from "../../core/request-metrics.ts";
import type { Arrival, Departure } from "../../core/traffic.ts";
import { bearerToken, requestIdFrom } from "../../core/wire.ts";
import { HttpCall, splitAddress } from "./call.ts";
import type { Departures } from "./departures.ts";
import { type ClientAddress, HttpOrigin } from "./origin.ts";
import { type Cors, errorReply, type Reply, SECURITY_HEADERS } from "./respond.ts";

export interface Mount {
  readonly app: Elysia;
  readonly kernel: Kernel;
  readonly log: Log;
  readonly cors: Cors;
  readonly departures: Departures;
  readonly clientAddress: ClientAddress;
  /** Largest body where an operation names no bound of its own. */
  readonly bodyBytesMax: number;
  /** Where uploads wait until they are stored; on the file system of the data directory. */
  readonly uploadsDir: string;
}

export type HttpHandler = (call: HttpCall) => Promise<Response | Reply>;

/** What the framework hands over. */
interface Given {
  readonly request: Request;
}

interface Raw extends Given {
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: RouteMetrics;
}

const NO_PARAMS = {};

export interface MountTarget {
  readonly handler: HttpHandler;
  readonly dialect?: Operation["dialect"];
  /** Pages of other sites may show what it answers in a frame: downloads are no place to click. */
  readonly framed?: boolean;
  readonly rateTags?: readonly string[] | undefined;
  readonly quiet?: boolean | undefined;
}

/** Mounts a handler; what it throws becomes the error envelope of the operation's dialect. */
export function mountRoute(
  mount: Mount,
  route: { readonly method: HttpMethod | "HEAD"; readonly path: string },
  target: MountTarget,
): void {
  const metrics = mount.kernel.requests.route(route.method, route.path);
  mount.app.route(
    route.method,
    route.path,
    // The framework reads this function's text to decide what to fill in, and the text of a compiled
    // executable does not tell: only what is always there is taken from the context.
    (context) => {
      const { request, params } = context as unknown as Partial<Raw> & Given;
      return frame(mount, { request, params: params ?? NO_PARAMS, metrics }, target);
    },
    { parse: "none" } as never,
  );
}

/** Mounts what answers wherever no route does. Rate limit rules take its callers for guests. */
export function mountFallback(mount: Mount, serve: (request: Request) => Promise<Response>): void {
  const handler: HttpHandler = (call) => {
    mount.kernel.registry.traffic?.admit(call.arrival, new Guest(call.arrival.origin));
    return serve(call.request);
  };
  mount.app.all(
    "/*",
    (context) => {
      const { request } = context as unknown as Given;
      const metrics = mount.kernel.requests.unmatched(request.method);
      const raw = { request, params: NO_PARAMS, metrics };
      return frame(mount, raw, { handler, dialect: "records" });
    },
    { parse: "none" },
  );
}

async function frame(mount: Mount, raw: Raw, target: MountTarget): Promise<Response> {
  const { request } = raw;
  const { server } = mount.app;
  const { clock, ids } = mount.kernel.runtime;
  const started = clock.monotonic();
  const requestId = requestIdFrom(request.headers.get("x-request-id"), ids);
  const arrival = arrive(mount, raw, target);
  const { bodyBytesMax } = mount;
  const call = new HttpCall({ arrival, server, requestId, bodyBytesMax });
  let error: AppError | undefined;
  let answer: Response | Reply;
  try {
    answer = await target.handler(call);
  } catch (thrown) {
    error = toAppError(thrown);
    answer = errorReply(error, target.dialect);
  }
  const response = complete(mount, answer, { request, requestId, framed: target.framed });
  const tookMs = clock.monotonic() - started;
  raw.metrics.answered(response.status, tookMs);
  const { status } = response;
  const { caller } = call;
  const departure = { status, tookMs, caller, error, quiet: target.quiet ?? false };
  mount.kernel.registry.traffic?.depart(arrival, departure);
  if (mount.log.isOn("debug")) logDeparture(mount.log, arrival, { ...departure, requestId });
  await mount.departures.together();
  return response;
}

/** With the headers that every answer carries; set all at once where that is still possible. */
function complete(
  mount: Mount,
  answer: Response | Reply,
  options: { readonly request: Request; readonly requestId: string; readonly framed: unknown },
): Response {
  const { request, requestId, framed } = options;
  if (!(answer instanceof Response)) {
    const { status, body } = answer;
    const origin = request.headers.get("origin");
    const headers = mount.cors.complete(answer.headers, { origin, requestId });
    return new Response(body, { status, headers });
  }
  finish(mount, request, answer);
  if (framed && answer.status < 400) answer.headers.delete("x-frame-options");
  answer.headers.set("x-request-id", requestId);
  return answer;
}

function arrive(mount: Mount, { request, params }: Raw, target: MountTarget): Arrival {
  const { clientAddress } = mount;
  const { server } = mount.app;
  const { traffic } = mount.kernel.registry;
  const origin = new HttpOrigin(request, { clientAddress, server, traffic });
  const rateTags = target.rateTags ?? NO_TAGS;
  return { request, ...splitAddress(request.url), origin, params, rateTags };
}

const NO_TAGS: readonly string[] = [];

function logDeparture(
  log: Log,
  { request, pathname }: Arrival,
  { status, tookMs, requestId }: Departure & { readonly requestId: string },
): void {
  log.debug("request", {
    method: request.method,
    path: pathname,
    status,
    ms: Math.round(tookMs * 10) / 10,
    request: requestId,
  });
}

const SECURITY = Object.entries(SECURITY_HEADERS);

/** The headers that every answer carries. */
export function finish(mount: Pick<Mount, "cors">, request: Request, response: Response): Response {
  const { headers } = response;
  for (const [name, value] of SECURITY) if (!headers.has(name)) headers.set(name, value);
  mount.cors.apply(request, headers);
  return response;
}

/**
 * Who calls, by the Authorization header, or by `?token=` where a browser cannot set headers.
 * Errors: 401 `invalid_token`, 429 by the rate limit rules of the settings.
 */
export async function authenticate(
  mount: Mount,
  operation: Operation,
  call: HttpCall,
): Promise<{ readonly caller: Caller; readonly token?: string }> {
  const header = bearerToken(call.request.headers.get("authorization"));
  const fromQuery = operation.kind === "watch" ? call.query.get("token") : null;
  const token = header ?? (fromQuery || undefined);
  const origin = isAskedLate(mount, operation) ? call.arrival.origin : { ip: call.ip };
  const caller = token
    ? await mount.kernel.authenticate(token, origin, operation.dialect)
    : new Guest(origin);
  call.caller = caller;
  mount.kernel.registry.traffic?.admit(call.arrival, caller);
  return token === undefined ? { caller } : { caller, token };
}

/**
 * Who changes something or stays is known by the address even where the client leaves at once. Of
 * writes of records there may come more than anybody takes note of.
 */
function isAskedLate({ kernel }: Mount, { kind, dialect }: Operation): boolean {
  if (kind === "read") return true;
  return kind === "write" && dialect === "records" && kernel.registry.traffic?.isFlooded === true;
}
