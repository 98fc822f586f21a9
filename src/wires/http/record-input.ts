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
  /** Files came; `dispose` removes those that nobody takes, and is to be called in any case. */
  readonly received: (files: SentFiles, dispose: () => Promise<void>) => void;
}

type Body = Readonly<Record<string, unknown>> | undefined;

/** The path wins over the body, the body over the query. Errors: 400 for bodies, 404, 413. */
export async function readRecordInput(
  operation: Operation,
  parts: RequestParts,
  place: UploadPlace,
): Promise<Record<string, unknown>> {
  const { method } = parts.request;
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? await readBody(operation, parts, place) : undefined;
  const query = pickQuery(operation, parts, hasBody);
  const { bodyField } = operation;
  return bodyField
    ? { ...query, [bodyField]: body, ...parts.params }
    : { ...query, ...body, ...parts.params };
}

/** The type's name is compared as it is, and only its beginning; a body without any is refused. */
async function readBody(
  operation: Operation,
  parts: RequestParts,
  place: UploadPlace,
): Promise<Body> {
  const { request } = parts;
  if (isWithoutBody(request)) return undefined;
  const bytesMax = bytesMaxOf(operation, parts);
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("multipart/form-data")) {
    statedLength(request, bytesMax);
    return readForm(operation, request, { ...place, bodyBytesMax: bytesMax });
  }
  if (type.startsWith("application/json")) {
    const text = await readMarkedText(request, bytesMax);
    return text === "" ? undefined : parseBody(text);
  }
  const bytes = await readBytes(request, bytesMax);
  if (bytes.length === 0) return undefined;
  if (type.startsWith("application/x-www-form-urlencoded")) {
    const entries = [...new URLSearchParams(new TextDecoder().decode(bytes))];
    return formInput(operation, entries).body;
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
): Promise<Body> {
  const form = await unlessGone(request, () => readMultipartForm(request, options));
  const dispose = () => form.dispose();
  try {
    const { body, files } = formInput(operation, form.entries);
    options.received(files, dispose);
    return body;
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
