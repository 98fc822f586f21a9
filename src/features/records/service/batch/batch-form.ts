/** The body of a batch: requests as clients write them, and what each of them asks for. */

import { type FieldError, fail, fieldErrors } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { SentFile, SentFiles } from "../../../../tools/fields/upload.ts";

export interface BatchRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly files: SentFiles;
}

export interface BatchAction {
  readonly kind: "create" | "update" | "upsert" | "delete";
  readonly collection: string;
  /** Empty where the address names none. */
  readonly id: string;
  readonly query: URLSearchParams;
}

const METHODS: readonly unknown[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const REQUIRED: FieldError = { code: "validation_required", message: "Cannot be blank." };

/**
 * Reads all requests; a file belongs to `requests.N.field` or `requests[N].field`. Error: 400, with
 * the faults of `requests` as a whole or of each by its place; with none where a type is wrong.
 */
export function readBatch(body: unknown, files: SentFiles, requestsMax: number): BatchRequest[] {
  if (body !== undefined && !isObject(body)) throw malformed();
  const given = body?.requests ?? [];
  if (!Array.isArray(given)) throw malformed();
  const requests = given.map((item, index) => readRequest(item, filesOf(files, index)));
  const faults = batchFaults(requests, requestsMax);
  if (faults) throw fieldErrors({ requests: faults as FieldError });
  return requests;
}

/** Undefined where no batch can do it. */
export function readAction({ method, url }: BatchRequest): BatchAction | undefined {
  const pattern = /^\/api\/collections\/([^/?]+)\/records(?:\/([^/?]+))?(?:\?(.*))?$/s;
  const [found, collection = "", id = "", query = ""] = pattern.exec(url) ?? [];
  if (found === undefined) return undefined;
  const kind = actionKind(method, id !== "");
  return kind && { kind, collection, id, query: new URLSearchParams(query) };
}

function actionKind(method: string, hasId: boolean): BatchAction["kind"] | undefined {
  switch (method) {
    case "POST":
      return hasId ? undefined : "create";
    case "PUT":
      return hasId ? undefined : "upsert";
    case "PATCH":
      return hasId ? "update" : undefined;
    case "DELETE":
      return hasId ? "delete" : undefined;
    default:
      return undefined;
  }
}

function readRequest(item: unknown, files: SentFiles): BatchRequest {
  if (item !== null && !isObject(item)) throw malformed();
  const { method = "", url = "", headers, body } = item ?? {};
  if (typeof (method ?? "") !== "string" || typeof (url ?? "") !== "string") throw malformed();
  if (!isTexts(headers ?? {}) || !isObject(body ?? {})) throw malformed();
  return {
    method: (method ?? "") as string,
    url: (url ?? "") as string,
    headers: (headers ?? {}) as Record<string, string>,
    body: (body ?? {}) as Record<string, unknown>,
    files,
  };
}

function filesOf(files: SentFiles, index: number): SentFiles {
  const prefixes = [`requests.${index}.`, `requests[${index}].`];
  const found = new Map<string, SentFile[]>();
  for (const [key, sent] of files) {
    const prefix = prefixes.find((candidate) => key.startsWith(candidate));
    if (prefix === undefined) continue;
    const field = key.slice(prefix.length);
    found.set(field, [...(found.get(field) ?? []), ...sent]);
  }
  return found;
}

type Faults = FieldError | Readonly<Record<string, Readonly<Record<string, FieldError>>>>;

function batchFaults(requests: readonly BatchRequest[], max: number): Faults | undefined {
  if (requests.length === 0) return REQUIRED;
  if (requests.length > max) return tooLong(max, "requests");
  const each = requests.flatMap((request, index) => {
    const faults = requestFaults(request);
    return Object.keys(faults).length > 0 ? [[String(index), faults] as const] : [];
  });
  return each.length > 0 ? Object.fromEntries(each) : undefined;
}

function requestFaults({ method, url }: BatchRequest): Record<string, FieldError> {
  const faults: Record<string, FieldError> = {};
  if (method === "") faults.method = REQUIRED;
  else if (!METHODS.includes(method)) {
    faults.method = { code: "validation_in_invalid", message: "There is no such method." };
  }
  if (url === "") faults.url = REQUIRED;
  else if (Buffer.byteLength(url) > LIMITS.batchUrlBytesMax) {
    faults.url = tooLong(LIMITS.batchUrlBytesMax, "bytes");
  }
  return faults;
}

function tooLong(max: number, unit: string): FieldError {
  const message = `Must have at most ${max} ${unit}.`;
  return { code: "validation_length_too_long", message, params: { min: 0, max } };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}

function malformed() {
  return fail.invalid("invalid_batch", "The submitted batch could not be read.");
}
