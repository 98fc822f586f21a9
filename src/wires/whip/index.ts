/**
 * WHIP (RFC 9725) and WHEP: an offer in, an answer and a resource out. The resource takes PATCH for
 * ICE (RFC 8840) and DELETE. The server is ICE-lite: a client's candidates are of no use to it.
 */

import { LIMITS } from "../../base/limits.ts";
import type { CallOperation } from "../../core/operation.ts";
import { readBytes } from "../http/body.ts";
import type { HttpCall } from "../http/call.ts";
import { authenticate, type Mount, mountRoute } from "../http/mount.ts";
import { jsonReply, toResponse } from "../http/respond.ts";
import { iceFragment, iceLinks, readFragment } from "./fragment.ts";

const SDP = "application/sdp";
const FRAGMENT = "application/trickle-ice-sdpfrag";

/** Larger than any list of candidates. */
const FRAGMENT_BYTES_MAX = 32 * 1024;

/** What browsers' scripts may read of an answer. */
const EXPOSED = "Location, ETag, Link, Accept-Post, Accept-Patch";

interface IceRestart {
  readonly ice_id: string;
  readonly username_fragment: string;
  readonly password: string;
  readonly candidates: readonly string[];
}

interface Session {
  readonly participant_id: string;
  readonly sdp: string;
  readonly ice_id: string;
  readonly ice_servers: Parameters<typeof iceLinks>[0];
}

/** Nothing where rooms are off. */
export function mountWhip(mount: Mount): void {
  const names = mount.kernel.registry.operations.map(({ name }) => name);
  if (!names.includes("whip.publish")) return;
  for (const [base, join] of [
    ["/api/whip", "whip.publish"],
    ["/api/whep", "whep.play"],
  ] as const) {
    const endpoint = `${base}/:session_id`;
    const resource = `${endpoint}/:participant_id`;
    const route = (method: Method, path: string, handler: Handler) =>
      mountRoute(
        mount,
        { method, path },
        { handler: async (call) => exposed(await handler(call)) },
      );
    route("POST", endpoint, (call) => open(mount, call, { base, join }));
    route("PATCH", resource, (call) => patch(mount, call));
    route("DELETE", resource, (call) => end(mount, call));
    for (const method of ["GET", "PUT"] as const) {
      for (const path of [endpoint, resource]) route(method, path, notAllowed);
    }
    route("POST", resource, notAllowed);
  }
}

type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
type Handler = (call: HttpCall) => Promise<Response>;

async function open(
  mount: Mount,
  call: HttpCall,
  { base, join }: { readonly base: string; readonly join: string },
): Promise<Response> {
  if (contentType(call) !== SDP) return refuse(415, `Send the offer as ${SDP}.`);
  const operation = operationOf(mount, join);
  const room = call.params.session_id ?? "";
  const input = async () => ({ room_id: room, sdp: await text(call, LIMITS.sdpBytesMax) });
  const session = (await run(mount, call, { operation, input })) as Session;
  const response = new Response(session.sdp, {
    status: 201,
    headers: {
      "content-type": SDP,
      location: `${base}/${encodeURIComponent(room)}/${session.participant_id}`,
      etag: quoted(session.ice_id),
      "accept-patch": FRAGMENT,
    },
  });
  for (const link of iceLinks(session.ice_servers)) response.headers.append("link", link);
  return response;
}

/** RFC 9725, sections 4.3.1 to 4.3.3. */
async function patch(mount: Mount, call: HttpCall): Promise<Response> {
  if (contentType(call) !== FRAGMENT) return refuse(415, `Send the candidates as ${FRAGMENT}.`);
  const wanted = call.request.headers.get("if-match");
  if (wanted === null) return refuse(428, "Say which ICE session is meant, by If-Match.");
  const fragment = readFragment(await text(call, FRAGMENT_BYTES_MAX));
  if (fragment === undefined) return refuse(400, "This is no fragment of a session description.");
  const input = async () => placeOf(call);
  if (wanted === "*") {
    if (!fragment.hasCredentials) return refuse(400, "A restart names ice-ufrag and ice-pwd.");
    const operation = operationOf(mount, "whip.restartIce");
    const restarted = (await run(mount, call, { operation, input })) as IceRestart;
    const body = iceFragment(fragment, restarted);
    const headers = { "content-type": FRAGMENT, etag: quoted(restarted.ice_id) };
    return new Response(body, { status: 200, headers });
  }
  const operation = operationOf(mount, "whip.iceId");
  const { ice_id } = (await run(mount, call, { operation, input })) as { ice_id: string };
  if (wanted !== quoted(ice_id)) return refuse(412, "This ICE session is over.");
  return new Response(null, { status: 204 });
}

async function end(mount: Mount, call: HttpCall): Promise<Response> {
  const operation = operationOf(mount, "whip.end");
  await run(mount, call, { operation, input: async () => placeOf(call) });
  return new Response(null, { status: 200 });
}

async function run(
  mount: Mount,
  call: HttpCall,
  work: { readonly operation: CallOperation; readonly input: () => Promise<unknown> },
): Promise<unknown> {
  const { operation, input } = work;
  const identity = await authenticate(mount, operation, call);
  const { requestId } = call;
  return mount.kernel.call(operation, input, { ...identity, requestId, request: call });
}

function operationOf(mount: Mount, name: string): CallOperation {
  return mount.kernel.registry.operation(name) as CallOperation;
}

function placeOf({ params }: HttpCall) {
  return { room_id: params.session_id, participant_id: params.participant_id };
}

async function text({ request }: HttpCall, bytesMax: number): Promise<string> {
  return new TextDecoder().decode(await readBytes(request, bytesMax));
}

function contentType({ request }: HttpCall): string | undefined {
  return request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
}

async function notAllowed(): Promise<Response> {
  const response = refuse(405, "This takes POST, its resource PATCH and DELETE.");
  response.headers.set("allow", "POST, PATCH, DELETE, OPTIONS");
  return response;
}

function refuse(status: number, message: string): Response {
  return toResponse(jsonReply({ status, message, data: {}, code: "whip_refused" }, status));
}

function exposed(response: Response): Response {
  response.headers.set("access-control-expose-headers", EXPOSED);
  response.headers.set("accept-post", SDP);
  return response;
}

function quoted(id: string): string {
  return `"${id}"`;
}
