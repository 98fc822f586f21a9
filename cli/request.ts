/** An operation's call as a REST request: the reverse of how the REST wire reads one. */

import { assert } from "../src/base/errors.ts";
import type { HttpMethod, Operation } from "../src/core/operation.ts";

export interface RestRequest {
  readonly method: HttpMethod;
  /** With the query. */
  readonly path: string;
  readonly body: unknown;
}

type Input = Readonly<Record<string, unknown>>;

/** Fields of the path go there; the rest is the query of a GET or DELETE, else the body. */
export function describeRequest(operation: Operation, input: Input): RestRequest {
  const route = operation.rest[0];
  assert(route, `operation ${operation.name} has a route`);
  const rest = new Map(Object.entries(input).filter(([, value]) => value !== undefined));
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => {
    const value = rest.get(name);
    assert(typeof value === "string", `${operation.name} is called with ${name}`);
    rest.delete(name);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  const hasBody = route.method !== "GET" && route.method !== "DELETE";
  for (const [name, value] of [...rest]) {
    if (hasBody && !operation.query?.includes(name)) continue;
    query.set(name, String(value));
    rest.delete(name);
  }
  const { bodyField } = operation;
  const body = bodyField ? rest.get(bodyField) : Object.fromEntries(rest);
  const search = query.size > 0 ? `?${query}` : "";
  return { method: route.method, path: path + search, body: hasBody ? body : undefined };
}
