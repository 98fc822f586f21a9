import { Type } from "@sinclair/typebox";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import { parseFields, pickFields } from "../../../tools/pick-fields.ts";
import type { RecordPipeline } from "../service/pipeline.ts";

const RecordShape = Type.Record(Type.String(), Type.Unknown());
const Name = Type.String({ minLength: 1, maxLength: 255 });
/** Texts, read by the service: a wrong one is refused with no more detail than the reference has. */
const Text = Type.Optional(Type.String());
const Answer = { expand: Text, fields: Text };
const Target = { collection: Name, id: Type.String({ minLength: 1, maxLength: 255 }) };
const Body = Type.Optional(Type.Record(Type.String(), Type.Unknown()));

const ROUTE = "/api/collections/:collection/records";

const common = { access: "anyone", dialect: "records" } as const;

/** Records of every collection, by its rules. */
export function recordOperations(pipeline: RecordPipeline): Operation[] {
  return [...reads(pipeline), ...writes(pipeline)];
}

function reads(pipeline: RecordPipeline): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "records.list",
      rateTags: ["list"],
      kind: "read",
      summary: "Lists the records that the collection's listRule and the filter let through",
      input: Type.Object({
        collection: Name,
        page: Text,
        perPage: Text,
        skipTotal: Text,
        filter: Text,
        sort: Text,
        ...Answer,
      }),
      output: RecordShape,
      errors: ["forbidden", "not_found", "invalid_filter", "invalid_page", "query_too_slow"],
      rest: [{ method: "GET", path: ROUTE }],
      async run(context, { collection, fields, ...parameters }) {
        const call = () => pipeline.list(context, collection, parameters);
        const list = await pipeline.steady(context, call);
        return { ...list, items: pick(list.items, fields) };
      },
    }),
    defineOperation({
      ...common,
      name: "records.view",
      rateTags: ["view"],
      kind: "read",
      summary: "Shows one record",
      input: Type.Object({ ...Target, ...Answer }),
      output: RecordShape,
      errors: ["forbidden", "not_found"],
      rest: [{ method: "GET", path: `${ROUTE}/:id` }],
      async run(context, { fields, expand, ...target }) {
        const call = () => pipeline.view(context, target, { expand });
        return pick(await pipeline.steady(context, call), fields);
      },
    }),
  ];
}

function writes(pipeline: RecordPipeline): Operation[] {
  const body = {
    bodyField: "body",
    bodyBytesMax: ({ collection = "" }: Readonly<Record<string, string>>) =>
      pipeline.bodyBytesMax(collection),
    query: ["expand", "fields"],
  } as const;
  return [
    defineOperation({
      ...common,
      ...body,
      name: "records.create",
      rateTags: ["create"],
      kind: "write",
      summary: "Creates a record; in an auth collection, an account",
      input: Type.Object({ collection: Name, body: Body, ...Answer }),
      output: RecordShape,
      errors: ["create_refused", "validation_failed", "forbidden", "not_found"],
      rest: [{ method: "POST", path: ROUTE }],
      async run(context, { collection, fields, expand, body: given }) {
        const options = { body: given ?? {}, files: context.request?.files, expand };
        const call = () => pipeline.create(context, collection, options);
        return pick(await pipeline.steady(context, call), fields);
      },
    }),
    defineOperation({
      ...common,
      ...body,
      name: "records.update",
      rateTags: ["update"],
      kind: "write",
      summary: "Changes fields of a record",
      input: Type.Object({ ...Target, body: Body, ...Answer }),
      output: RecordShape,
      errors: ["validation_failed", "forbidden", "not_found"],
      rest: [{ method: "PATCH", path: `${ROUTE}/:id` }],
      async run(context, { fields, expand, body: given, ...target }) {
        const options = { body: given ?? {}, files: context.request?.files, expand };
        const call = () => pipeline.update(context, target, options);
        return pick(await pipeline.steady(context, call), fields);
      },
    }),
    defineOperation({
      ...common,
      name: "records.delete",
      rateTags: ["delete"],
      kind: "write",
      summary: "Deletes a record and what hangs on it",
      input: Type.Object(Target),
      output: Type.Void(),
      errors: ["forbidden", "not_found", "required_by_relation"],
      rest: [{ method: "DELETE", path: `${ROUTE}/:id`, status: 204 }],
      run: (context, target) => pipeline.steady(context, () => pipeline.delete(context, target)),
    }),
  ];
}

/** What the `fields` parameter keeps. Error: 400 `invalid_fields`. */
function pick<T>(value: T, expression: string | undefined): T {
  const wanted = expression ? parseFields(expression) : undefined;
  return wanted ? (pickFields(value, wanted) as T) : value;
}
