/** The records' realtime: watch operations of the records dialect, as its clients expect them. */

import { LIMITS } from "../../base/limits.ts";
import type { Hub } from "../../core/hub.ts";
import type { WatchOperation } from "../../core/operation.ts";
import { Session } from "../../core/session.ts";
import type { HttpCall } from "../http/call.ts";
import { eventStream } from "../http/event-stream.ts";
import { readInput } from "../http/input.ts";
import { authenticate, type Mount, mountRoute } from "../http/mount.ts";
import { Flusher } from "./flusher.ts";
import { RealtimeStream } from "./stream.ts";

const WIRE = "records-realtime";

/** Characters of a client's id, which is all that proves a subscription to be its own. */
const CLIENT_ID_CHARS = 40;

export function mountRecordsRealtime(mount: Mount, hub: Hub): void {
  const flusher = new Flusher(hub.announce(WIRE));
  for (const operation of mount.kernel.registry.operations) {
    if (operation.kind !== "watch" || operation.dialect !== "records") continue;
    for (const route of operation.rest) {
      mountRoute(mount, route, {
        handler: (call) => open(mount, { hub, flusher }, { operation, call }),
        dialect: "records",
        quiet: operation.quiet,
      });
    }
  }
}

async function open(
  mount: Mount,
  { hub, flusher }: { readonly hub: Hub; readonly flusher: Flusher },
  { operation, call }: { readonly operation: WatchOperation; readonly call: HttpCall },
): Promise<Response> {
  const { clock, ids } = mount.kernel.runtime;
  await authenticate(mount, operation, call);
  // Whom it is for comes with the first subscription: browsers can send no token here.
  const caller = { kind: "guest", ip: call.ip } as const;
  const id = ids.secret(CLIENT_ID_CHARS);
  const session = new Session({ id, wire: WIRE, caller, clock });
  hub.attach(session, LIMITS.realtimeClientsPerAddressMax);
  const stream = new RealtimeStream(session, flusher);
  try {
    const request = { input: () => readInput(operation, call), stream };
    await mount.kernel.watch(operation, request, { caller, requestId: call.requestId });
  } catch (error) {
    session.end("finished");
    throw error;
  }
  stream.flush();
  return eventStream(call, session, stream.body);
}
