/**
 * Operating errors. Everything that can go wrong because of input, state or the outside world is an
 * AppError; a programmer's mistake is an assertion. The message is public, the cause only reaches
 * the log.
 */

/** Each kind with what it is called on every wire. Close codes are WebSocket close codes. */
export const ERROR_KINDS = {
  invalid: { status: 400, trpc: "BAD_REQUEST", close: 4400 },
  unauthenticated: { status: 401, trpc: "UNAUTHORIZED", close: 4401 },
  payment: { status: 402, trpc: "PAYMENT_REQUIRED", close: 4402 },
  forbidden: { status: 403, trpc: "FORBIDDEN", close: 4403 },
  not_found: { status: 404, trpc: "NOT_FOUND", close: 4404 },
  conflict: { status: 409, trpc: "CONFLICT", close: 4409 },
  too_large: { status: 413, trpc: "PAYLOAD_TOO_LARGE", close: 1009 },
  rate_limited: { status: 429, trpc: "TOO_MANY_REQUESTS", close: 4429 },
  internal: { status: 500, trpc: "INTERNAL_SERVER_ERROR", close: 1011 },
  unimplemented: { status: 501, trpc: "NOT_IMPLEMENTED", close: 4501 },
  unavailable: { status: 503, trpc: "SERVICE_UNAVAILABLE", close: 1013 },
} as const;

export type ErrorKind = keyof typeof ERROR_KINDS;

/** One field's fault, as clients of the records API expect it under `data.<field>`. */
export interface FieldError {
  readonly code: string;
  readonly message: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface AppErrorOptions {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Seconds until the same call may succeed; the REST wire sends it as Retry-After. */
  readonly retryAfter?: number;
  /** In place of the whole envelope in the records dialect: a challenge that its clients know. */
  readonly body?: Readonly<Record<string, unknown>>;
}

interface AppErrorFields extends AppErrorOptions {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
}

export class AppError extends Error {
  override readonly name = "AppError";
  readonly kind: ErrorKind;
  /** Machine-readable reason in snake case, `owner_must_transfer`. */
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly retryAfter: number | undefined;
  readonly body: Readonly<Record<string, unknown>> | undefined;

  constructor(fields: AppErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.kind = fields.kind;
    this.code = fields.code;
    this.data = fields.data ?? {};
    this.retryAfter = fields.retryAfter;
    this.body = fields.body;
  }

  get status(): number {
    return ERROR_KINDS[this.kind].status;
  }
}

type Fail = (code: string, message: string, options?: AppErrorOptions) => AppError;

/** One maker for each kind: `throw fail.conflict("room_full", "The room is full.")`. */
export const fail = Object.fromEntries(
  Object.keys(ERROR_KINDS).map((kind) => [
    kind,
    (code: string, message: string, options: AppErrorOptions = {}) =>
      new AppError({ ...options, kind: kind as ErrorKind, code, message }),
  ]),
) as Readonly<Record<ErrorKind, Fail>>;

/** The public form of an error: the body of every REST error and `error` on every other wire. */
export interface ErrorBody {
  readonly status: number;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly code?: string;
}

/**
 * Any thrown value as an AppError. What is not one already becomes `internal` with a message that
 * says nothing about the inside; the original stays as the cause, for the log.
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return fail.internal("internal", "Something went wrong on the server.", { cause: thrown });
}

export function errorBody(error: AppError): ErrorBody {
  return { status: error.status, message: error.message, data: error.data, code: error.code };
}

/** 400 with one entry per field, in the envelope of the records API. */
export function fieldErrors(fields: Readonly<Record<string, FieldError>>): AppError {
  return fail.invalid("validation_failed", "The submitted data is not valid.", { data: fields });
}

/** Throws a programmer's error: something the code itself guarantees is not so. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Closes an exhaustive switch: unreachable unless a case was forgotten. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
