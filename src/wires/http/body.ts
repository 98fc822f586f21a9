/** Request bodies, bounded before they are read. */

import { AppError, fail } from "../../base/errors.ts";
import { parseJson } from "../../core/wire.ts";

/**
 * The body as a value; undefined when there is none. Errors: 413 `body_too_large` as soon as the
 * length is known, 400 `unsupported_content_type`, 400 `invalid_json`.
 */
export async function readJsonBody(request: Request, bytesMax: number): Promise<unknown> {
  if (isWithoutBody(request)) return undefined;
  const text = await readText(request, bytesMax);
  if (text === "") return undefined;
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "" && type !== "application/json" && type !== "text/plain") {
    throw fail.invalid("unsupported_content_type", "Send the body as application/json.");
  }
  return parseJson(text);
}

/** By the stated length where there is one: asking for `body` makes a stream. */
export function isWithoutBody(request: Request): boolean {
  const length = request.headers.get("content-length");
  return length === null ? !request.body : length === "0";
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  return new TextDecoder().decode(await readBytes(request, bytesMax));
}

/**
 * The whole body with its byte order mark, if any; what is no UTF-8 becomes U+FFFD. Error: 413
 * `body_too_large` as soon as its length is known.
 */
export async function readMarkedText(request: Request, bytesMax: number): Promise<string> {
  const length = statedLength(request, bytesMax);
  if (length === undefined) {
    const bytes = await readBytes(request, bytesMax);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }
  try {
    // Faster than bytes that are decoded here. It leaves a mark out; nothing else makes it shorter.
    const text = await request.text();
    return Buffer.byteLength(text) < length ? `\u{feff}${text}` : text;
  } catch (error) {
    throw readingFailed(request, error);
  }
}

/** The whole body. Error: 413 `body_too_large` as soon as its length is known. */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  return unlessGone(request, () => collect(request, bytesMax));
}

/** Error: 400 `client_gone` where the reading failed because nobody sends any more. */
export async function unlessGone<T>(request: Request, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw readingFailed(request, error);
  }
}

function readingFailed(request: Request, error: unknown): unknown {
  if (error instanceof AppError || !request.signal.aborted) return error;
  return fail.invalid("client_gone", "The client is gone.");
}

/** The body's length where it is stated. Error: 413 `body_too_large` where that is too much. */
export function statedLength(request: Request, bytesMax: number): number | undefined {
  const stated = request.headers.get("content-length");
  if (stated === null) return undefined;
  const length = Number(stated);
  if (length > bytesMax) throw tooLarge(bytesMax);
  return length;
}

async function collect(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (statedLength(request, bytesMax) !== undefined) return request.bytes();
  // Without a length the bytes are counted as they come.
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request.body ?? []) {
    total += chunk.byteLength;
    if (total > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(bytesMax: number) {
  const kib = Math.floor(bytesMax / 1024);
  return fail.too_large("body_too_large", `The body is larger than ${kib} KiB.`);
}
