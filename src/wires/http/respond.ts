/** Answers in HTTP: JSON, errors, and the headers every answer carries. */

import { AppError, errorBody, toAppError } from "../../base/errors.ts";
import type { FileAnswer, Operation, RedirectAnswer, TextAnswer } from "../../core/operation.ts";
import { contentRange, rangeAnswer } from "../../tools/byte-range.ts";

/** Sent with everything; file downloads take the frame option off again. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
  "x-xss-protection": "1; mode=block",
};

/** An answer that is no Response yet: its headers are set in one go with those of all answers. */
export interface Reply {
  readonly status: number;
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

const JSON_HEADERS = { "content-type": "application/json" } as const;
const NO_HEADERS = {} as const;

export function jsonReply(value: unknown, status: number): Reply {
  if (value === undefined || status === 204) {
    return { status: 204, body: null, headers: NO_HEADERS };
  }
  return { status, body: JSON.stringify(value), headers: JSON_HEADERS };
}

export function toResponse({ body, status, headers }: Reply): Response {
  return new Response(body, { status, headers });
}

/** A file or the part of it that the request asks for (RFC 9110, sections 13 and 14). */
export function fileResponse(file: FileAnswer, request: Request): Response {
  const answer = rangeAnswer(request, file);
  const headers = new Headers({
    "accept-ranges": "bytes",
    "last-modified": new Date(file.modifiedAt).toUTCString(),
    ...file.headers,
  });
  if (file.etag !== undefined) headers.set("etag", file.etag);
  const range = contentRange(answer, file.bytes);
  if (range !== undefined) headers.set("content-range", range);
  const { status } = answer;
  if (status !== 200 && status !== 206) {
    // What failed is not to be kept for as long as the file may be.
    if (status !== 304) headers.delete("cache-control");
    return new Response(null, { status, headers });
  }
  headers.set("content-type", file.type);
  const { first, last } = status === 206 ? answer : { first: 0, last: file.bytes - 1 };
  headers.set("content-length", String(last - first + 1));
  if (request.method === "HEAD") return new Response(null, { status, headers });
  // Of a whole file the runtime would send the range asked for, also where that must not be.
  const whole = file.bytes === 0 || !request.headers.has("range");
  return new Response(whole ? file.body() : file.body({ first, last }), { status, headers });
}

/** Of this moment: nobody keeps it. */
export function textReply({ type, text }: TextAnswer, status: number): Reply {
  return { status, body: text, headers: { "content-type": type, "cache-control": "no-store" } };
}

export function redirectReply({ location }: RedirectAnswer, status: number): Reply {
  return { status, body: null, headers: { location } };
}

/** The public form of anything thrown; `code` is left out where clients do not know it. */
export function errorReply(thrown: unknown, dialect: Operation["dialect"] = "own"): Reply {
  const error = toAppError(thrown);
  const { code, ...common } = errorBody(error);
  const body = dialect === "records" ? (error.body ?? common) : { ...common, code };
  const { headers, ...reply } = jsonReply(body, error.status);
  if (error.retryAfter === undefined) return { ...reply, headers };
  return { ...reply, headers: { ...headers, "retry-after": String(error.retryAfter) } };
}

export function errorResponse(thrown: unknown, dialect: Operation["dialect"] = "own"): Response {
  return toResponse(errorReply(thrown, dialect));
}

/** The answer to a path that is no route's, in the form that clients of either dialect read. */
export function notFound(): Response {
  return errorResponse(
    new AppError({ kind: "not_found", code: "not_found", message: "There is nothing here." }),
    "records",
  );
}

/** Which origins browsers may call from. */
export class Cors {
  readonly #base = { ...SECURITY_HEADERS, vary: "Origin" };
  /** Of most answers: a kept object is copied in half the time that a plain one takes. */
  readonly #json = new Headers({ ...this.#base, ...JSON_HEADERS });
  readonly #patterns: readonly RegExp[];
  readonly #any: boolean;

  /** Origins as `https://app.example`, with `*` inside for a part, or `*` for all. */
  constructor(origins: readonly string[]) {
    this.#any = origins.includes("*");
    this.#patterns = origins.map(
      (origin) => new RegExp(`^${origin.split("*").map(RegExp.escape).join("[^/]*")}$`, "i"),
    );
  }

  /**
   * These headers with those that every answer to this request carries. To be put into a response
   * at once: the next call may give the same object with other values.
   */
  complete(
    headers: Readonly<Record<string, string>>,
    { origin, requestId }: { readonly origin: string | null; readonly requestId: string },
  ): Headers | Record<string, string> {
    const allowed = this.#allowed(origin);
    if (headers === JSON_HEADERS && !allowed) {
      this.#json.set("x-request-id", requestId);
      return this.#json;
    }
    const own = allowed ? { "access-control-allow-origin": allowed } : undefined;
    return { ...this.#base, ...own, ...headers, "x-request-id": requestId };
  }

  apply(request: Request, headers: Headers): void {
    headers.append("vary", "Origin");
    const allowed = this.#allowed(request.headers.get("origin"));
    if (allowed) headers.set("access-control-allow-origin", allowed);
  }

  /** OPTIONS on any path, with or without preflight headers. */
  preflight(request: Request): Response {
    const response = new Response(null, { status: 204 });
    const { headers } = response;
    this.apply(request, headers);
    if (!request.headers.has("origin")) return response;
    headers.append("vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    headers.set("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
    const wanted = request.headers.get("access-control-request-headers");
    if (wanted) headers.set("access-control-allow-headers", wanted);
    headers.set("access-control-max-age", "86400");
    return response;
  }

  #allowed(origin: string | null): string | undefined {
    if (!origin) return undefined;
    if (this.#any) return "*";
    return this.#patterns.some((pattern) => pattern.test(origin)) ? origin : undefined;
  }
}
