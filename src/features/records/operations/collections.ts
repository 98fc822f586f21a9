import { type TSchema, Type } from "@sinclair/typebox";
import { type CallDefinition, defineOperation, type Operation } from "../../../core/operation.ts";
import { parseFields, pickFields } from "../../../tools/pick-fields.ts";
import type { CollectionsService } from "../service/collections/collections-service.ts";

const Shape = Type.Record(Type.String(), Type.Unknown());
const Shapes = Type.Array(Shape);
const Name = Type.String({ minLength: 1, maxLength: 255 });
const Text = Type.Optional(Type.String());
/** Read by the service, which tells a wrong type only as the reference does. */
const Body = Type.Optional(Type.Record(Type.String(), Type.Unknown()));

const ROUTE = "/api/collections";
const ONE = `${ROUTE}/:collection`;

const common = { access: "superuser", dialect: "records" } as const;

/** The schema, for superusers. */
export function collectionsOperations(service: CollectionsService): Operation[] {
  return [...reads(service), ...writes(service), ...removals(service), ...meta(service)];
}

function reads(service: CollectionsService): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "collections.list",
      kind: "read",
      summary: "Lists collections",
      input: Type.Object({
        page: Text,
        perPage: Text,
        skipTotal: Text,
        filter: Text,
        sort: Text,
        fields: Text,
      }),
      output: Shape,
      errors: ["invalid_filter", "invalid_page"],
      rest: [{ method: "GET", path: ROUTE }],
      async run(context, { fields, ...parameters }) {
        const list = await service.list(context, parameters);
        return { ...list, items: pick(list.items, fields) };
      },
    }),
    defineOperation({
      ...common,
      name: "collections.view",
      kind: "read",
      summary: "Shows one collection",
      input: Type.Object({ collection: Name, fields: Text }),
      output: Shape,
      errors: ["not_found"],
      rest: [{ method: "GET", path: ONE }],
      run: async (context, { collection, fields }) =>
        pick(await service.view(context, collection), fields),
    }),
  ];
}

const REFUSALS = ["validation_failed", "schema_change_failed", "invalid_body"];

function writes(service: CollectionsService): Operation[] {
  const body = { bodyField: "body", query: ["fields"] } as const;
  return [
    defineOperation({
      ...common,
      ...body,
      name: "collections.create",
      kind: "write",
      summary: "Creates a collection with its table or view",
      input: Type.Object({ body: Body, fields: Text }),
      output: Shape,
      errors: REFUSALS,
      rest: [{ method: "POST", path: ROUTE }],
      run: async (context, { body: given, fields }) =>
        pick(await service.create(context, given ?? {}), fields),
    }),
    defineOperation({
      ...common,
      ...body,
      name: "collections.update",
      kind: "write",
      summary: "Changes a collection and its table",
      input: Type.Object({ collection: Name, body: Body, fields: Text }),
      output: Shape,
      errors: [...REFUSALS, "not_found"],
      rest: [{ method: "PATCH", path: ONE }],
      run: async (context, { collection, body: given, fields }) =>
        pick(await service.update(context, collection, given ?? {}), fields),
    }),
    defineOperation({
      ...common,
      name: "collections.import",
      kind: "write",
      summary: "Creates and changes many collections, and may delete all others",
      input: Type.Object({ body: Body }),
      bodyField: "body",
      output: Type.Void(),
      errors: REFUSALS,
      rest: [{ method: "PUT", path: `${ROUTE}/import`, status: 204 }],
      run: (context, { body: given }) => service.import(context, given ?? {}),
    }),
  ];
}

function removals(service: CollectionsService): Operation[] {
  const removal = { ...common, kind: "write", output: Type.Void() } as const;
  return [
    defineOperation({
      ...removal,
      name: "collections.delete",
      summary: "Deletes a collection with its records",
      input: Type.Object({ collection: Name }),
      errors: ["not_found", "schema_change_failed"],
      rest: [{ method: "DELETE", path: ONE, status: 204 }],
      run: (context, { collection }) => service.delete(context, collection),
    }),
    defineOperation({
      ...removal,
      name: "collections.truncate",
      summary: "Deletes all records of a collection",
      input: Type.Object({ collection: Name }),
      errors: ["not_found", "schema_change_failed", "required_by_relation"],
      rest: [{ method: "DELETE", path: `${ONE}/truncate`, status: 204 }],
      run: (context, { collection }) => service.truncate(context, collection),
    }),
  ];
}

function meta(service: CollectionsService): Operation[] {
  return [
    metaRead({
      name: "collections.scaffolds",
      summary: "New collections of each type, with what they start with",
      output: Shape,
      rest: [{ method: "GET", path: `${ROUTE}/meta/scaffolds` }],
      run: async (context, { fields }) => pick(service.scaffolds(context), fields),
    }),
    metaRead({
      name: "collections.oauth2Providers",
      summary: "The OAuth2 providers that an auth collection can have",
      output: Type.Array(Type.Unknown()),
      rest: [{ method: "GET", path: `${ROUTE}/meta/oauth2-providers` }],
      run: async (_, { fields }) => pick(service.providers(), fields),
    }),
    defineOperation({
      ...common,
      name: "collections.dryRunView",
      kind: "read",
      summary: "Some rows of a query, before it becomes a view",
      input: Type.Object({ body: Body }),
      bodyField: "body",
      output: Shapes,
      errors: ["validation_failed", "query_too_slow"],
      rest: [{ method: "POST", path: `${ROUTE}/meta/dry-run-view` }],
      run: (context, { body: given }) => service.dryRunView(context, given ?? {}),
    }),
  ];
}

const MetaInput = Type.Object({ fields: Text });
type MetaDefinition<O extends TSchema> = CallDefinition<typeof MetaInput, O>;

function metaRead<O extends TSchema>(
  definition: Pick<MetaDefinition<O>, "name" | "summary" | "output" | "rest" | "run">,
): Operation {
  return defineOperation({
    ...common,
    kind: "read",
    input: MetaInput,
    errors: [],
    ...definition,
  });
}

/** What the `fields` parameter keeps. Error: 400 `invalid_fields`. */
function pick<T>(value: T, expression: string | undefined): T {
  const wanted = expression ? parseFields(expression) : undefined;
  return wanted ? (pickFields(value, wanted) as T) : value;
}
