/** Answers of every kind as JSON, and the parts of them that a step wants compared. */

import type { CallOptions, Json, JsonObject } from "./script.ts";
import { sortKeys } from "./transcript.ts";

const TEXT = /^text\/|\+xml|javascript/;

/** The body as JSON: JSON itself, texts as they are, other content as its length and hash. */
export async function readAnswer(
  response: Response,
  content: NonNullable<CallOptions["content"]>,
): Promise<Json> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length === 0) return null;
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/json")) {
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as Json;
    } catch {
      return "<not JSON>";
    }
  }
  if (content === "image") return imageSize(Buffer.from(bytes));
  if (content === "zip") return bytes[0] === 0x50 && bytes[1] === 0x4b ? "<zip>" : "<no zip>";
  if (TEXT.test(type)) return new TextDecoder().decode(bytes);
  const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 16);
  return `<${bytes.length} bytes ${hash}>`;
}

/** `png 100x50`: two encoders give the same picture in different bytes. */
function imageSize(bytes: Buffer): Json {
  if (bytes.toString("latin1", 1, 4) === "PNG") {
    return `<png ${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}>`;
  }
  return "<no png>";
}

export function valueAt(value: Json, path: string): Json | undefined {
  let at: Json | undefined = value;
  for (const key of path.split(".")) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as JsonObject)[key];
  }
  return at;
}

/** The answer with what the step does not compare taken out or replaced. */
export function shape(answer: Json, step: CallOptions): Json {
  let value = step.only === undefined ? answer : pick(answer, step.only);
  for (const path of step.typeOnly ?? []) {
    value = replaceAt(value, path.split("."), (found) => `<${typeName(found)}>`);
  }
  for (const [path, pattern] of Object.entries(step.like ?? {})) {
    value = replaceAt(value, path.split("."), (found) => {
      return new RegExp(pattern).test(String(found)) ? `<like ${pattern}>` : found;
    });
  }
  if (step.unordered === undefined) return value;
  const keys = step.unordered === "" ? [] : step.unordered.split(".");
  return replaceAt(value, keys, (found) => {
    if (!Array.isArray(found)) return found;
    const text = (item: Json) => JSON.stringify(sortKeys(item));
    return [...found].sort((a, b) => (text(a) < text(b) ? -1 : 1));
  });
}

function pick(answer: Json, paths: readonly string[]): Json {
  const found = paths.map((path) => [path, valueAt(answer, path) ?? "<nothing>"] as const);
  return Object.fromEntries(found);
}

function replaceAt(value: Json, keys: readonly string[], change: (found: Json) => Json): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      return key === "*" || key === String(index) ? replaceAt(item, rest, change) : item;
    });
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => {
    return [name, key === "*" || key === name ? replaceAt(item, rest, change) : item] as const;
  });
  return Object.fromEntries(entries);
}

function typeName(value: Json): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}
