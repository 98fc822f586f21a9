import { Type } from "@sinclair/typebox";
import { defineOperation, defineWatch, type Operation } from "../../../core/operation.ts";
import type { Realtime } from "../service/realtime/realtime.ts";

const PATH = "/api/realtime";
const common = { access: "anyone", dialect: "records" } as const;

/** Changes of records as they happen. */
export function realtimeOperations(realtime: Realtime): Operation[] {
  return [
    defineWatch({
      ...common,
      name: "realtime.connect",
      kind: "watch",
      summary: "Opens a stream of events; its first one tells the client's id",
      input: Type.Object({}),
      output: Type.Unknown(),
      errors: ["too_many_connections", "rate_limited"],
      quiet: true,
      rest: [{ method: "GET", path: PATH }],
      open: async (_context, _input, stream) => realtime.connect(stream),
    }),
    defineOperation({
      ...common,
      name: "realtime.subscribe",
      kind: "write",
      summary: "Replaces what a client listens to, with the rights of who asks",
      input: Type.Object({ body: Type.Optional(Type.Unknown()) }),
      output: Type.Void(),
      errors: ["unknown_client", "another_caller", "too_many_subscriptions"],
      bodyField: "body",
      rest: [{ method: "POST", path: PATH, status: 204 }],
      run: async (context, { body }) => realtime.subscribe(context, body),
    }),
  ];
}
