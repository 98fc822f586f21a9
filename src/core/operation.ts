/**
 * An operation is defined once; every wire, the API document, the command line and the client's
 * types come from it.
 */

import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { assert } from "../base/errors.ts";
import type { ByteSpan } from "../infra/files/storage.ts";
import type { RateLimit } from "../tools/token-bucket.ts";
import type { Access, Caller } from "./access.ts";
import type { Context } from "./context.ts";
import type { Stream } from "./session.ts";

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Where the REST wire mounts an operation. */
export interface RestRoute {
  readonly method: HttpMethod;
  /** `/api/rooms/:room_id/join`: a parameter is the input field of the same name. */
  readonly path: string;
  /** Status of a success; 200 by default, 204 when the output is nothing. */
  readonly status?: number;
}

interface Common<I extends TSchema> {
  /** `noun.verb` */
  readonly name: string;
  /** One line for the API document. */
  readonly summary: string;
  readonly input: I;
  readonly access: Access<Static<I>>;
  /** Beside the general request limit; may depend on input and caller. */
  readonly limit?: RateLimit | ((input: Static<I>, caller: Caller) => RateLimit | undefined);
  /** Error codes of its own, for the API document. */
  readonly errors: readonly string[];
  readonly rest: readonly RestRoute[];
  /** Input fields that come from the query string although the method has a body. */
  readonly query?: readonly string[];
  /** The whole request body is this one input field. */
  readonly bodyField?: string;
  /**
   * Bytes; `LIMITS.httpBodyBytesMax` by default. Above: 413. A function gets the path's parameters,
   * and may refuse them before the body is read.
   */
  readonly bodyBytesMax?: number | ((params: Readonly<Record<string, string>>) => number);
  /**
   * How the route speaks. own: a token that is present but not valid is 401 `invalid_token`, errors
   * carry `code`. records: as clients of the records API expect it: such a call goes on as guest,
   * errors are `{status, message, data}`, bodies may be forms, whose files are in the context's
   * request. Default: own.
   */
  readonly dialect?: "own" | "records";
  /**
   * Names under which rate limit rules of the settings count it. Where the path has a `collection`,
   * `list` stands for `posts:list` and `*:list`.
   */
  readonly rateTags?: readonly string[];
  /** Successes stay out of the request log: they would drown the rest, or show secrets. */
  readonly quiet?: boolean;
  /**
   * Room channel frames of this type run it, their `data` being input. `*`: frames of a type that no
   * other operation takes; input is `type` and `data` then.
   */
  readonly frame?: string;
}

export interface CallDefinition<I extends TSchema, O extends TSchema> extends Common<I> {
  readonly kind: "read" | "write";
  readonly output: O;
  /**
   * value: JSON. file: `run` answers a `FileAnswer`, `output` is `FileOutput`; the REST wire sends
   * the bytes, other wires do not carry it. redirect: a `RedirectAnswer`, sent with the route's
   * status. text: a `TextAnswer`, sent as it is. Default: value.
   */
  readonly answers?: "value" | "file" | "redirect" | "text";
  run(ctx: Context, input: Static<I>): Promise<Static<O>>;
}

export interface WatchDefinition<I extends TSchema, O extends TSchema> extends Common<I> {
  readonly kind: "watch";
  /** Shape of one message's data. */
  readonly output: O;
  /** Attaches the stream; returns once it is set up. Whoever ends the stream ends the watch. */
  open(ctx: Context, input: Static<I>, stream: Stream): Promise<void>;
}

/** An operation as the kernel and the wires hold it: inputs are whatever validation let through. */
export type CallOperation = CallDefinition<TSchema, TSchema>;
export type WatchOperation = WatchDefinition<TSchema, TSchema>;
export type Operation = CallOperation | WatchOperation;

/**
 * Bytes as an answer, unread: a download. The wire answers conditional and range requests by what
 * is stated here, so `run` looks at none of their headers.
 */
export interface FileAnswer {
  /** Media type. */
  readonly type: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** With its quotes. */
  readonly etag?: string;
  /** Beside those of type, length, range and age; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole content, or a part of it. Called at most once. */
  body(span?: ByteSpan): Blob | ReadableStream<Uint8Array>;
}

/** Where a browser goes next. */
export interface RedirectAnswer {
  /** Absolute, or relative to the address that was asked for. */
  readonly location: string;
}

export interface TextAnswer {
  /** Media type, with its parameters. */
  readonly type: string;
  readonly text: string;
}

/** The shape of a `TextAnswer` for the API document. */
export const TextOutput = Type.Unsafe<TextAnswer>({ type: "string" });

/** The shape of a `FileAnswer` for the API document. */
export const FileOutput = Type.Unsafe<FileAnswer>({ type: "string", format: "binary" });

const NAME = /^[a-z][a-zA-Z0-9]*(\.[a-z][a-zA-Z0-9]*)+$/;

/** Keeps the precise types inside the definition and hands out the general form. */
export function defineOperation<I extends TSchema, O extends TSchema>(
  definition: CallDefinition<I, O>,
): CallOperation {
  assert(NAME.test(definition.name), `operation name ${definition.name}`);
  return definition as unknown as CallOperation;
}

export function defineWatch<I extends TSchema, O extends TSchema>(
  definition: WatchDefinition<I, O>,
): WatchOperation {
  assert(NAME.test(definition.name), `operation name ${definition.name}`);
  return definition as unknown as WatchOperation;
}
