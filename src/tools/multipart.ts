/**
 * Reads `multipart/form-data` (RFC 7578, RFC 2046 section 5.1) from a stream, holding one chunk of
 * it at a time. Parts go to sinks that the caller opens, one after another, in their order.
 */

import { fail } from "../base/errors.ts";

export interface MultipartBounds {
  /** Reached: 413 `too_many_parts`. */
  readonly partsMax: number;
  /** Header lines of one part. Reached: 400. */
  readonly headBytesMax: number;
  /** All that is read from the stream. Reached: 413 `body_too_large`. */
  readonly bodyBytesMax: number;
}

export interface PartHead {
  readonly name: string;
  /** The last segment of the path it was sent with; undefined where none was sent. */
  readonly filename: string | undefined;
  /** As the sender states it; undefined where it does not. */
  readonly type: string | undefined;
}

/** Where a part's content goes. A rejected promise ends the reading with its error. */
export interface PartSink {
  /** The chunk is a view of what was read: a sink that keeps it makes a copy. */
  write(chunk: Uint8Array): Promise<void> | void;
  end(): Promise<void> | void;
}

export interface MultipartOptions {
  readonly boundary: string;
  readonly bounds: MultipartBounds;
  readonly open: (head: PartHead) => PartSink;
}

const BOUNDARY_CHARS_MAX = 200;
/** What may stand before the first part. */
const PREAMBLE_BYTES_MAX = 64 * 1024;
const PADDING_BYTES_MAX = 256;
const CRLF = "\r\n";

/** The boundary of a multipart/form-data Content-Type; undefined for other types and without one. */
export function multipartBoundary(contentType: string): string | undefined {
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType)) return undefined;
  const match = /;\s*boundary=(?:"([^"\r\n]+)"|([^\s;,"]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  return boundary !== undefined && boundary.length <= BOUNDARY_CHARS_MAX ? boundary : undefined;
}

/**
 * Reads all parts. Errors: 400 `malformed_multipart` for what breaks the format or ends early, 413
 * at the bounds, and what the sinks throw. A sink that was not ended got no whole part.
 */
export async function readMultipart(
  body: AsyncIterable<Uint8Array>,
  { boundary, bounds, open }: MultipartOptions,
): Promise<void> {
  const input = new Input(body, bounds.bodyBytesMax);
  const delimiter = Buffer.from(`${CRLF}--${boundary}`);
  try {
    await input.takeUntil(delimiter, PREAMBLE_BYTES_MAX);
    for (let parts = 0; await startsPart(input); parts++) {
      if (parts >= bounds.partsMax) {
        throw fail.too_large("too_many_parts", "The form has too many parts.");
      }
      const head = await input.takeUntil(Buffer.from(CRLF + CRLF), bounds.headBytesMax);
      const sink = open(parseHead(head.toString("utf8")));
      await input.pipeUntil(delimiter, sink);
      await sink.end();
    }
  } finally {
    await input.close();
  }
}

/** After a delimiter: `--` ends the form, padding and a line end (left in place) start a part. */
async function startsPart(input: Input): Promise<boolean> {
  if ((await input.peek(2)) === "--") return false;
  for (let padding = 0; padding <= PADDING_BYTES_MAX; padding++) {
    const start = await input.peek(2);
    if (start === CRLF) return true;
    if (start[0] !== " " && start[0] !== "\t") break;
    input.skip(1);
  }
  throw malformed("A delimiter is followed by something else than a line end.");
}

/** The unread rest of the stream, refilled as needed. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #bytesMax: number;
  /** Starts with a line end: the first delimiter need not have one before it. */
  #rest: Buffer = Buffer.from(CRLF);
  #bytes = 0;
  #ended = false;

  constructor(body: AsyncIterable<Uint8Array>, bytesMax: number) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#bytesMax = bytesMax;
  }

  /** The next `count` bytes, left in place, one character for each. */
  async peek(count: number): Promise<string> {
    while (this.#rest.length < count) await this.#refill();
    return this.#rest.toString("latin1", 0, count);
  }

  skip(count: number): void {
    this.#rest = this.#rest.subarray(count);
  }

  /** What stands before `mark`, which is consumed too. */
  async takeUntil(mark: Buffer, bytesMax: number): Promise<Buffer> {
    let from = 0;
    for (;;) {
      const at = this.#rest.indexOf(mark, from);
      if (at > bytesMax || (at === -1 && this.#rest.length > bytesMax + mark.length)) {
        throw malformed("A part's headers are too long, or it has none.");
      }
      if (at !== -1) {
        const taken = this.#rest.subarray(0, at);
        this.skip(at + mark.length);
        return taken;
      }
      from = Math.max(0, this.#rest.length - mark.length + 1);
      await this.#refill();
    }
  }

  /** Hands everything before `mark` to the sink, in the pieces it comes in. */
  async pipeUntil(mark: Buffer, sink: PartSink): Promise<void> {
    for (;;) {
      const at = this.#rest.indexOf(mark);
      // The rest's end may be the beginning of the mark.
      const safe = at === -1 ? Math.max(0, this.#rest.length - mark.length + 1) : at;
      if (safe > 0) await sink.write(this.#rest.subarray(0, safe));
      this.skip(at === -1 ? safe : at + mark.length);
      if (at !== -1) return;
      await this.#refill();
    }
  }

  /** Lets go of the stream; what follows the last delimiter is not read. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.();
  }

  async #refill(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) {
      this.#ended = true;
      throw malformed("The body ends within a part.");
    }
    this.#bytes += value.length;
    if (this.#bytes > this.#bytesMax) {
      throw fail.too_large("body_too_large", "The body is too large.");
    }
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.length);
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }
}

function parseHead(text: string): PartHead {
  const headers = new Map<string, string>();
  // A line that begins with a blank goes on with the one before it.
  for (const line of text.replace(/\r\n[ \t]+/g, " ").split(CRLF)) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw malformed("A part has a line that is no header.");
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const disposition = headers.get("content-disposition") ?? "";
  const name = parameter(disposition, "name");
  if (!/^form-data\s*;/i.test(disposition) || name === undefined) {
    throw malformed("A part has no name.");
  }
  const filename = extendedParameter(disposition) ?? parameter(disposition, "filename");
  return { name, filename: filename?.replace(/^.*[/\\]/s, ""), type: headers.get("content-type") };
}

/** A quoted parameter keeps backslashes, unless they stand before a quote or a backslash. */
function parameter(disposition: string, name: string): string | undefined {
  const pattern = /;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gs;
  for (const [, key, quoted, bare] of disposition.matchAll(pattern)) {
    if (key?.toLowerCase() === name) return quoted?.replace(/\\(["\\])/g, "$1") ?? bare ?? "";
  }
  return undefined;
}

/** `filename*=UTF-8''na%C3%AFve.txt` (RFC 8187); undefined where it cannot be read. */
function extendedParameter(disposition: string): string | undefined {
  const match = /^utf-8'[^']*'(.*)$/is.exec(parameter(disposition, "filename*") ?? "");
  if (match?.[1] === undefined) return undefined;
  try {
    return decodeURIComponent(match[1]);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function malformed(reason: string) {
  return fail.invalid("malformed_multipart", "The form's body is not well-formed.", {
    cause: new Error(reason),
  });
}
