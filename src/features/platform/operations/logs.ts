import { Type } from "@sinclair/typebox";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import { parseFields, pickFields } from "../../../tools/pick-fields.ts";
import type { LogBook } from "../service/log-book.ts";

const Text = Type.Optional(Type.String());

/** Reading the log leaves no entries in it. */
const common = { access: "superuser", dialect: "records", quiet: true, kind: "read" } as const;

/** The log; superusers only. */
export function logOperations(book: LogBook): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "logs.list",
      summary: "Lists log entries, by a filter on id, created, level, message and data",
      input: Type.Object({
        page: Text,
        perPage: Text,
        skipTotal: Text,
        filter: Text,
        sort: Text,
        fields: Text,
      }),
      output: Type.Unknown(),
      errors: ["invalid_filter", "invalid_page", "query_too_slow"],
      rest: [{ method: "GET", path: "/api/logs" }],
      async run(_context, { fields, ...parameters }) {
        const list = await book.list(parameters);
        const wanted = fields ? parseFields(fields) : undefined;
        return wanted ? { ...list, items: pickFields(list.items, wanted) } : list;
      },
    }),
    defineOperation({
      ...common,
      name: "logs.stats",
      summary: "Counts log entries by the hour",
      input: Type.Object({ filter: Text }),
      output: Type.Array(Type.Object({ date: Type.String(), total: Type.Integer() })),
      errors: ["invalid_filter", "query_too_slow"],
      rest: [{ method: "GET", path: "/api/logs/stats" }],
      run: (_context, { filter = "" }) => book.stats(filter),
    }),
    defineOperation({
      ...common,
      name: "logs.view",
      summary: "Shows one log entry",
      input: Type.Object({ id: Type.String() }),
      output: Type.Unknown(),
      errors: ["not_found"],
      rest: [{ method: "GET", path: "/api/logs/:id" }],
      run: (_context, { id }) => book.view(id),
    }),
  ];
}
