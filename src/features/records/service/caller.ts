/** The call as rules see it: `@request` out of the context. */

import { type Caller, isPrivileged } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { Models } from "./models.ts";
import type { RequestAuth, RequestContext, RequestInfo } from "./request.ts";

export interface RequestOptions {
  readonly context?: RequestContext;
  /** Resolved values of the body, as `bodyForRules` gives them. */
  readonly body?: Readonly<Record<string, unknown>>;
}

export function requestInfo(
  context: Context,
  models: Models,
  options: RequestOptions = {},
): RequestInfo {
  return new AskedRequest(context, models, options);
}

/** Most rules ask for little of a request, so each part is made when it is asked for. */
class AskedRequest implements RequestInfo {
  readonly context: RequestContext;
  readonly method: string;
  readonly body: RequestInfo["body"];
  readonly #context: Context;
  readonly #models: Models;
  #query: RequestInfo["query"] | undefined;
  #headers: RequestInfo["headers"] | undefined;
  #auth: RequestAuth | null | undefined;

  constructor(context: Context, models: Models, options: RequestOptions) {
    const { request } = context;
    this.#context = context;
    this.#models = models;
    this.context = options.context ?? (request?.batched ? "batch" : "default");
    this.method = request?.method ?? "";
    this.body = options.body ?? {};
  }

  get query(): RequestInfo["query"] {
    const { request } = this.#context;
    this.#query ??= request ? firstValues(request.query) : {};
    return this.#query;
  }

  get headers(): RequestInfo["headers"] {
    const { request } = this.#context;
    this.#headers ??= request ? snakeCaseNames(request.headers) : {};
    return this.#headers;
  }

  get auth(): RequestAuth | null {
    if (this.#auth === undefined) this.#auth = requestAuth(this.#context.caller, this.#models);
    return this.#auth;
  }
}

function requestAuth(caller: Caller, models: Models): RequestAuth | null {
  if (caller.kind !== "user" && caller.kind !== "superuser") return null;
  const collection = models.find(caller.collection)?.collection;
  if (!collection) return null;
  const { email, emailVisibility, verified } = caller.record;
  return {
    id: caller.id,
    collectionId: collection.id,
    collectionName: collection.name,
    email: typeof email === "string" ? email : "",
    emailVisibility: emailVisibility === true,
    verified: verified === true,
  };
}

/** Superusers, and the server itself: no rule holds them and nothing is hidden from them. */
export function seesAll(context: Context): boolean {
  return isPrivileged(context.caller);
}

function firstValues(query: URLSearchParams): Record<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of query) if (!values.has(name)) values.set(name, value);
  return Object.fromEntries(values);
}

function snakeCaseNames(headers: Headers): Record<string, string> {
  const entries = [...headers].map(([name, value]) => [name.replaceAll("-", "_"), value] as const);
  return Object.fromEntries(entries);
}
