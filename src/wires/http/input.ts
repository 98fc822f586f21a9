/** An operation's input out of a request: path, query, body. */

import type { TSchema } from "@sinclair/typebox";
import { fieldErrors } from "../../base/errors.ts";
import type { Operation } from "../../core/operation.ts";
import { readJsonBody } from "./body.ts";

export interface RequestParts {
  /** For operations that name no bound of their own. */
  readonly bodyBytesMax: number;
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly hasQuery: boolean;
  readonly query: URLSearchParams;
}

/** The path wins over the body, the body over the query. Errors: those of the body; 400. */
export async function readInput(operation: Operation, parts: RequestParts): Promise<unknown> {
  const { request } = parts;
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const body = hasBody ? await readJsonBody(request, bytesMaxOf(operation, parts)) : undefined;
  const query = pickQuery(operation, parts, hasBody);
  if (operation.bodyField) {
    return { ...query, [operation.bodyField]: body, ...parts.params };
  }
  if (body !== undefined && (typeof body !== "object" || body === null || Array.isArray(body))) {
    throw fieldErrors({
      body: { code: "validation_invalid_value", message: "The body must be a JSON object." },
    });
  }
  return { ...query, ...body, ...parts.params };
}

/** Errors are those of an operation that looks at its route first: 404. */
export function bytesMaxOf({ bodyBytesMax }: Operation, parts: RequestParts): number {
  if (typeof bodyBytesMax === "function") return bodyBytesMax(parts.params);
  return bodyBytesMax ?? parts.bodyBytesMax;
}

/** Where a body carries the input, only the fields named in `query` may come from the address. */
export function pickQuery(
  operation: Operation,
  parts: RequestParts,
  hasBody: boolean,
): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  if (!parts.hasQuery) return picked;
  const fields = (operation.input.properties ?? {}) as Record<string, TSchema>;
  const fromQuery = hasBody && parts.request.method !== "DELETE";
  for (const [name, schema] of Object.entries(fields)) {
    if (fromQuery && !operation.query?.includes(name)) continue;
    const value = parts.query.get(name);
    if (value !== null) picked[name] = convert(schema, value);
  }
  return picked;
}

/**
 * A value that came as text. What does not convert stays text, for validation to refuse by the
 * field's name.
 */
export function convert(schema: Partial<TSchema>, value: string): unknown {
  switch (schema.type) {
    case "integer":
    case "number":
      return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    case "boolean":
      if (value === "true" || value === "1") return true;
      return value === "false" || value === "0" ? false : value;
    default:
      return value;
  }
}
