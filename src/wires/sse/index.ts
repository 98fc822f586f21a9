/** Server-Sent Events: every watch operation at its routes, but for those of the records dialect. */

import type { Hub } from "../../core/hub.ts";
import type { WatchOperation } from "../../core/operation.ts";
import { Session } from "../../core/session.ts";
import type { Counter } from "../../infra/metrics/families.ts";
import type { HttpCall } from "../http/call.ts";
import { eventStream } from "../http/event-stream.ts";
import { readInput } from "../http/input.ts";
import { authenticate, type Mount, mountRoute } from "../http/mount.ts";
import { SseStream } from "./stream.ts";

const WIRE = "sse";

export function mountSse(mount: Mount, hub: Hub): void {
  const delivered = hub.announce(WIRE);
  for (const operation of mount.kernel.registry.operations) {
    if (operation.kind !== "watch" || operation.dialect === "records") continue;
    for (const route of operation.rest) {
      mountRoute(mount, route, {
        handler: (call) => open(mount, { hub, delivered }, { operation, call }),
        dialect: operation.dialect ?? "own",
        quiet: operation.quiet,
      });
    }
  }
}

async function open(
  mount: Mount,
  { hub, delivered }: { readonly hub: Hub; readonly delivered: Counter },
  { operation, call }: { readonly operation: WatchOperation; readonly call: HttpCall },
): Promise<Response> {
  const { clock, ids } = mount.kernel.runtime;
  const identity = await authenticate(mount, operation, call);
  const session = new Session({ id: ids.record(), wire: WIRE, caller: identity.caller, clock });
  hub.attach(session);
  const lastEventId = call.request.headers.get("last-event-id") ?? call.query.get("since");
  const stream = new SseStream(session, {
    clock,
    delivered,
    ...(lastEventId === null ? {} : { lastEventId }),
  });
  try {
    const options = { ...identity, requestId: call.requestId };
    await mount.kernel.watch(
      operation,
      { input: () => readInput(operation, call), stream },
      options,
    );
  } catch (error) {
    session.end("finished");
    throw error;
  }
  return eventStream(call, session, stream.body);
}
