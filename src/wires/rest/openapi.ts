/** The API document, OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), out of the registry. */

import type { TSchema } from "@sinclair/typebox";
import type { Operation, RestRoute } from "../../core/operation.ts";

export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
}

type Json = Record<string, unknown>;

const ERROR_BODY = {
  type: "object",
  required: ["status", "message", "data"],
  properties: {
    status: { type: "integer" },
    message: { type: "string" },
    data: { type: "object", additionalProperties: true },
    code: { type: "string", description: "Machine-readable reason, on routes of the server's own" },
  },
};

export function openApiDocument(operations: readonly Operation[], info: DocumentInfo): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    operation.rest.forEach((route, index) => {
      const path = route.path.replace(/:(\w+)/g, "{$1}");
      paths[path] ??= {};
      const suffix = index === 0 ? "" : `_${index + 1}`;
      const entry = describe(operation, route);
      paths[path][route.method.toLowerCase()] = { operationId: operation.name + suffix, ...entry };
    });
  }
  return {
    openapi: "3.1.0",
    info,
    paths,
    components: {
      schemas: { Error: ERROR_BODY },
      securitySchemes: { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
    tags: [...new Set(operations.map(tagOf))].map((name) => ({ name })),
  };
}

function tagOf(operation: Operation): string {
  return operation.name.slice(0, operation.name.indexOf("."));
}

function describe(operation: Operation, route: RestRoute): Json {
  const fields = (operation.input.properties ?? {}) as Record<string, TSchema>;
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? "");
  const rest = Object.keys(fields).filter((name) => !inPath.includes(name));
  const hasBody = route.method !== "GET" && route.method !== "DELETE";
  const inQuery = rest.filter((name) => !hasBody || operation.query?.includes(name));
  const inBody = hasBody ? rest.filter((name) => !inQuery.includes(name)) : [];
  const required = (operation.input.required ?? []) as string[];
  const parameters = [
    ...inPath.map((name) => parameter(name, { in: "path", required: true, schema: fields[name] })),
    ...inQuery.map((name) =>
      parameter(name, { in: "query", required: required.includes(name), schema: fields[name] }),
    ),
  ];
  return {
    tags: [tagOf(operation)],
    summary: operation.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(inBody.length > 0 ? { requestBody: requestBody(operation, inBody) } : {}),
    ...(operation.access === "anyone" ? {} : { security: [{ token: [] }] }),
    responses: responses(operation, route),
  };
}

function parameter(name: string, options: Json): Json {
  return { name, ...options, schema: plain(options.schema ?? { type: "string" }) };
}

function requestBody(operation: Operation, names: readonly string[]): Json {
  const fields = operation.input.properties as Record<string, TSchema>;
  const required = ((operation.input.required ?? []) as string[]).filter((n) => names.includes(n));
  const schema = operation.bodyField
    ? { type: "object", additionalProperties: true }
    : {
        type: "object",
        properties: Object.fromEntries(names.map((name) => [name, plain(fields[name])])),
        ...(required.length > 0 ? { required } : {}),
      };
  return { content: { "application/json": { schema } } };
}

function responses(operation: Operation, route: RestRoute): Json {
  const status = String(route.status ?? 200);
  const type = answerType(operation);
  const success =
    status === "204"
      ? { description: "Done" }
      : { description: "Success", content: { [type]: { schema: plain(operation.output) } } };
  const codes = operation.errors.length > 0 ? `: ${operation.errors.join(", ")}` : "";
  const failure = {
    description: `Refused or failed${codes}`,
    content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
  };
  return { [status]: success, default: failure };
}

function answerType(operation: Operation): string {
  if (operation.kind === "watch") return "text/event-stream";
  if (operation.answers === "text") return "text/plain";
  return operation.answers === "file" ? "application/octet-stream" : "application/json";
}

/** The schema without what is no JSON Schema: the library's own symbols. */
function plain(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema ?? {}));
}
