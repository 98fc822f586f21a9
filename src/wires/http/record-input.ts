/**
 * Input of operations that speak as clients of the records API expect it: JSON leniently read, or a
 * form, with files or without.
 */

import type { TSchema } from "@sinclair/typebox";
import { fail } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Operation } from "../../core/operation.ts";
import { readMultipartForm } from "../../infra/files/uploads.ts";
import type { SentFiles } from "../../tools/fields/upload.ts";
import { type FormEntry, inferForm, JSON_PAYLOAD } from "../../tools/form.ts";
import { parseFirstObject } from "../../tools/lenient-json.ts";
import { isWithoutBody, readBytes, readMarkedText, statedLength, unlessGone } from "./body.ts";
import { bytesMaxOf, convert, pickQuery, type RequestParts } from "./input.ts";

/** Where temporary files of uploads go, and what names them. */
export interface UploadPlace {
  readonly ids: Ids;
  readonly dir: string;
}

export interface RecordInput {
  readonly input: Record<string, unknown>;
  readonly files?: SentFiles | undefined;
  /** Removes temporary files that nobody took; to be called whatever comes of the request. */
  readonly dispose?: (() => Promise<void>) | undefined;
}

type Body = Readonly<Record<string, unknown>> | undefined;
type Received = Omit<RecordInput, "input"> & { readonly body: Body };

/** The path wins over the body, the body over the query. Errors: 400 for bodies, 404, 413. */
export async function readRecordInput(
  operation: Operation,
  parts: RequestParts,
  place: UploadPlace,
): Promise<RecordInput> {
  const { method } = parts.request;
  const hasBody = method !== "GET" && method !== "HEAD";
  const { body, files, dispose } = hasBody ? await readBody(operation, parts, place) : NOTHING;
  const query = pickQuery(operation, parts, hasBody);
  const { bodyField } = operation;
  const input = bodyField
    ? { ...query, [bodyField]: body, ...parts.params }
    : { ...query, ...body, ...parts.params };
  return { input, files, dispose };
}

const NOTHING: Received = { body: undefined };

/** The type's name is compared as it is, and only its beginning; a body without any is refused. */
async function readBody(
  operation: Operation,
  parts: RequestParts,
  place: UploadPlace,
): Promise<Received> {
  const { request } = parts;
  if (isWithoutBody(request)) return NOTHING;
  const bytesMax = bytesMaxOf(operation, parts);
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("multipart/form-data")) {
    statedLength(request, bytesMax);
    return readForm(operation, request, { ...place, bodyBytesMax: bytesMax });
  }
  if (type.startsWith("application/json")) {
    const text = await readMarkedText(request, bytesMax);
    return text === "" ? NOTHING : { body: parseBody(text) };
  }
  const bytes = await readBytes(request, bytesMax);
  if (bytes.length === 0) return NOTHING;
  if (type.startsWith("application/x-www-form-urlencoded")) {
    const entries = [...new URLSearchParams(new TextDecoder().decode(bytes))];
    return formInput(operation, entries);
  }
  throw fail.invalid("unsupported_content_type", "The body's content type is not supported.");
}

/** A byte order mark is no JSON. */
function parseBody(text: string): Body {
  const value = parseFirstObject(text, LIMITS.recordJsonDepthMax);
  if (value === undefined) throw fail.invalid("invalid_json", "The body is not a JSON object.");
  return value ?? undefined;
}

async function readForm(
  operation: Operation,
  request: Request,
  options: UploadPlace & { readonly bodyBytesMax: number },
) {
  const form = await unlessGone(request, () => readMultipartForm(request, options));
  const dispose = () => form.dispose();
  try {
    return { ...formInput(operation, form.entries), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * Records take a form's values for what they look like. Where the input has a shape of its own, its
 * fields say what they are: a password of digits is no number.
 */
function formInput(
  operation: Operation,
  entries: readonly FormEntry[],
): { readonly body: Body; readonly files: SentFiles } {
  const inferred = inferForm(entries);
  if (operation.bodyField) return inferred;
  const fields = (operation.input.properties ?? {}) as Record<string, TSchema>;
  const texts = new Map<string, string[]>();
  for (const [key, value] of entries) {
    if (typeof value !== "string" || key === JSON_PAYLOAD) continue;
    const known = texts.get(key);
    if (known) known.push(value);
    else texts.set(key, [value]);
  }
  const shaped = [...texts].map(
    ([key, values]) => [key, shapedValue(fields[key], values)] as const,
  );
  const payload = inferForm(entries.filter(([key]) => key === JSON_PAYLOAD)).body;
  return { body: { ...Object.fromEntries(shaped), ...payload }, files: inferred.files };
}

function shapedValue(schema: TSchema | undefined, texts: readonly string[]): unknown {
  if (schema?.type !== "array") return convert(schema ?? {}, texts[0] ?? "");
  return texts.map((text) => convert(schema.items as TSchema, text));
}
