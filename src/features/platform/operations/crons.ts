import { Type } from "@sinclair/typebox";
import { fail } from "../../../base/errors.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { Scheduler } from "../../records/index.ts";

const common = { access: "superuser", dialect: "records" } as const;

/** What runs by the clock; superusers only. */
export function cronOperations(scheduler: Scheduler): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "crons.list",
      kind: "read",
      summary: "Lists the cron jobs, the server's own last",
      input: Type.Object({}),
      output: Type.Array(Type.Object({ id: Type.String(), expression: Type.String() })),
      errors: [],
      rest: [{ method: "GET", path: "/api/crons" }],
      run: async () => scheduler.jobs,
    }),
    defineOperation({
      ...common,
      name: "crons.run",
      kind: "write",
      summary: "Starts a cron job now",
      input: Type.Object({ id: Type.String() }),
      output: Type.Void(),
      errors: ["not_found"],
      rest: [{ method: "POST", path: "/api/crons/:id", status: 204 }],
      async run(_context, { id }) {
        if (!scheduler.run(id)) throw fail.not_found("not_found", "There is no such cron job.");
      },
    }),
  ];
}
