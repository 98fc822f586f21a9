import { Type } from "@sinclair/typebox";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { Batches } from "../service/batch/batches.ts";

/** Several writes of records at once. */
export function batchOperations(batches: Batches): Operation[] {
  return [
    defineOperation({
      name: "records.batch",
      kind: "write",
      summary: "Creates, updates and deletes records in one transaction",
      input: Type.Object({ body: Type.Optional(Type.Unknown()) }),
      output: Type.Array(Type.Object({ status: Type.Integer(), body: Type.Unknown() })),
      access: "anyone",
      dialect: "records",
      bodyField: "body",
      bodyBytesMax: () => batches.bodyBytesMax(),
      errors: ["batch_disabled", "batch_failed", "batch_timeout", "batch_abandoned"],
      rest: [{ method: "POST", path: "/api/batch" }],
      run: (context, { body }) => batches.run(context, body),
    }),
  ];
}
