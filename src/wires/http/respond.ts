/** Answers in HTTP: JSON, errors, and the headers every answer carries. */

import { AppError, errorBody, toAppError } from "../../base/errors.ts";
import type { Operation } from "../../core/operation.ts";

/** Sent with everything; file downloads take the frame option off again. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
  "x-xss-protection": "1; mode=block",
};

export function jsonResponse(value: unknown, status: number): Response {
  if (value === undefined || status === 204) return new Response(null, { status: 204 });
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json" },
  });
}

/** The public form of anything thrown; `code` is left out where clients do not know it. */
export function errorResponse(thrown: unknown, dialect: Operation["dialect"] = "own"): Response {
  const error = toAppError(thrown);
  const { code, ...common } = errorBody(error);
  const body = dialect === "records" ? common : { ...common, code };
  const response = jsonResponse(body, error.status);
  if (error.retryAfter !== undefined) {
    response.headers.set("retry-after", String(error.retryAfter));
  }
  return response;
}

export function notFound(): Response {
  return errorResponse(
    new AppError({ kind: "not_found", code: "not_found", message: "There is nothing here." }),
  );
}

/** Which origins browsers may call from. */
export class Cors {
  readonly #patterns: readonly RegExp[];
  readonly #any: boolean;

  /** Origins as `https://app.example`, with `*` inside for a part, or `*` for all. */
  constructor(origins: readonly string[]) {
    this.#any = origins.includes("*");
    this.#patterns = origins.map(
      (origin) => new RegExp(`^${origin.split("*").map(RegExp.escape).join("[^/]*")}$`, "i"),
    );
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
    headers.append("vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    headers.set("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
    const wanted = request.headers.get("access-control-request-headers");
    if (wanted) headers.set("access-control-allow-headers", wanted);
    headers.set("access-control-max-age", "86400");
    return response;
  }

  #allowed(origin: string | null): string | undefined {
    if (this.#any) return "*";
    if (origin && this.#patterns.some((pattern) => pattern.test(origin))) return origin;
    return undefined;
  }
}
