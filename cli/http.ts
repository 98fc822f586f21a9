/** Calls of a server's REST routes, for commands. */

import { AppError, ERROR_KINDS, type ErrorKind, fail } from "../src/base/errors.ts";

export interface JsonRequest {
  readonly method: string;
  readonly url: string;
  readonly token?: string | undefined;
  /** Sent as JSON; undefined: no body. */
  readonly body?: unknown;
  readonly limitMs: number;
}

/**
 * The answer's JSON, undefined for an empty one. Errors: the server's own, as it states them; 503
 * `server_unreachable` where nothing listens, `server_unanswering` where nothing comes back, and
 * `not_our_server` for what is no JSON.
 */
export async function requestJson(request: JsonRequest): Promise<unknown> {
  const { status, text } = await send(request);
  const value = parse(text);
  if (status < 200 || status > 299) throw statedError(request, status, value);
  if (text !== "" && value === undefined) throw notOurs(request, status);
  return value;
}

async function send({ method, url, token, body, limitMs }: JsonRequest) {
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: token }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A token must not follow to wherever an answer points.
      redirect: "error",
      signal: AbortSignal.timeout(limitMs),
    });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    const { origin } = new URL(url);
    if (cause instanceof Error && cause.name === "TimeoutError") {
      const message = `The server at ${origin} did not answer within ${limitMs / 1000} s.`;
      throw fail.unavailable("server_unanswering", message, { cause });
    }
    const message = `No server can be reached at ${origin}.`;
    throw fail.unavailable("server_unreachable", message, { cause });
  }
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function statedError(request: JsonRequest, status: number, value: unknown): AppError {
  if (typeof value !== "object" || value === null) return notOurs(request, status);
  const { message, data, code } = value as Record<string, unknown>;
  if (typeof message !== "string") return notOurs(request, status);
  const kind = kindOf(status);
  return new AppError({
    kind,
    code: typeof code === "string" ? code : kind,
    message,
    data: typeof data === "object" && data !== null ? { ...data } : {},
  });
}

function kindOf(status: number): ErrorKind {
  const kinds = Object.entries(ERROR_KINDS) as [ErrorKind, { readonly status: number }][];
  const kind = kinds.find(([, entry]) => entry.status === status)?.[0];
  return kind ?? (status >= 500 ? "internal" : "invalid");
}

function notOurs({ url }: JsonRequest, status: number): AppError {
  const message = `What answers at ${new URL(url).origin} is not this server (status ${status}).`;
  return fail.unavailable("not_our_server", message);
}
