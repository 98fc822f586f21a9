/**
 * The type of a file by its content: what a client says about it, name included, counts for
 * nothing. The common types of pictures, sound, video, documents, archives, fonts and text; the
 * runtime has no such detection of its own.
 */

import { sniffContainer } from "./containers.ts";
import { carries, type MimeType, SIGNATURES } from "./signatures.ts";
import { sniffText } from "./texts.ts";

/** How much of a file is looked at. */
export const SNIFF_BYTES = 3_072;

const BINARY: MimeType = { mime: "application/octet-stream", extension: "" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: these bytes are what no text contains
const NO_TEXT = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** `head` is the beginning of the file, of which `SNIFF_BYTES` are looked at. */
export function sniffMime(head: Uint8Array, size: number): MimeType {
  const seen = head.subarray(0, SNIFF_BYTES);
  const bytes = Buffer.from(seen.buffer, seen.byteOffset, seen.byteLength).toString("latin1");
  const known = sniffContainer(bytes) ?? SIGNATURES.find((signature) => carries(bytes, signature));
  if (known) return { mime: known.mime, extension: known.extension };
  if (NO_TEXT.test(bytes)) return BINARY;
  return sniffText(new TextDecoder().decode(seen), size <= seen.byteLength);
}
