/** REST: every read and write operation at its routes. */

import type { CallOperation } from "../../core/operation.ts";
import { readInput } from "../http/input.ts";
import { authenticate, type HttpCall, type Mount, mountRoute } from "../http/mount.ts";
import { jsonResponse } from "../http/respond.ts";

export function mountRest(mount: Mount): void {
  for (const operation of mount.kernel.registry.operations) {
    if (operation.kind === "watch") continue;
    for (const route of operation.rest) {
      const handler = async (call: HttpCall) =>
        jsonResponse(await answer(mount, operation, call), route.status ?? 200);
      const target = { handler, dialect: operation.dialect ?? "own" } as const;
      mountRoute(mount, route, target);
      if (route.method !== "GET") continue;
      // HEAD is a GET whose body the server leaves out.
      mountRoute(mount, { ...route, method: "HEAD" }, target);
    }
  }
}

async function answer(mount: Mount, operation: CallOperation, call: HttpCall): Promise<unknown> {
  const identity = await authenticate(mount, operation, call);
  return mount.kernel.call(operation, () => readInput(operation, call), {
    ...identity,
    requestId: call.requestId,
    request: { method: call.request.method, query: call.query, headers: call.request.headers },
    signal: call.request.signal,
  });
}
