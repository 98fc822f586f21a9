/** Request bodies, bounded before they are read. */

import { fail } from "../../base/errors.ts";
import { parseJson } from "../../core/wire.ts";

/**
 * The body as a value; undefined when there is none. Errors: 413 `body_too_large` as soon as the
 * length is known, 400 `unsupported_content_type`, 400 `invalid_json`.
 */
export async function readJsonBody(request: Request, bytesMax: number): Promise<unknown> {
  if (!request.body) return undefined;
  const text = await readText(request, bytesMax);
  if (text === "") return undefined;
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "" && type !== "application/json" && type !== "text/plain") {
    throw fail.invalid("unsupported_content_type", "Send the body as application/json.");
  }
  return parseJson(text);
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > bytesMax) throw tooLarge(bytesMax);
    return request.text();
  }
  // Without a length the bytes are counted as they come.
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    total += chunk.byteLength;
    if (total > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function tooLarge(bytesMax: number) {
  const kib = Math.floor(bytesMax / 1024);
  return fail.too_large("body_too_large", `The body is larger than ${kib} KiB.`);
}
