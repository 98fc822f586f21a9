/** Conditional and range requests for a stored file (RFC 9110, sections 13 and 14). */

export interface FileState {
  readonly bytes: number;
  /** Milliseconds since the epoch of its last change. */
  readonly modifiedAt: number;
  /** With its quotes, `"abc"`; undefined where the file has none. */
  readonly etag?: string | undefined;
}

/** What to answer: a status and, for 206, the first and last byte (both included). */
export type RangeAnswer =
  | { readonly status: 200 }
  | { readonly status: 206; readonly first: number; readonly last: number }
  | { readonly status: 304 }
  | { readonly status: 412 }
  | { readonly status: 416 };

interface Conditions {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
}

const FULL: RangeAnswer = { status: 200 };

/**
 * Decides a GET or HEAD of `file` in the order of RFC 9110 section 13.2.2. Several ranges and ranges
 * that are not understood are answered with the whole file, as section 14.2 allows.
 */
export function rangeAnswer({ method, headers }: Conditions, file: FileState): RangeAnswer {
  if (!meetsUnchanged(headers, file)) return { status: 412 };
  const isRead = method === "GET" || method === "HEAD";
  const noneMatch = headers.get("if-none-match");
  if (noneMatch !== null) {
    if (listsTag(noneMatch, file.etag, "weak")) return { status: isRead ? 304 : 412 };
  } else if (isRead && !changedSince(headers.get("if-modified-since"), file)) {
    return { status: 304 };
  }
  const range = headers.get("range");
  // Ranges are defined for GET alone.
  if (range === null || method !== "GET" || !rangeStillHolds(headers.get("if-range"), file)) {
    return FULL;
  }
  return select(range, file.bytes);
}

/** The value of Content-Range: of the part sent, or of the file where no part could be. */
export function contentRange(answer: RangeAnswer, bytes: number): string | undefined {
  if (answer.status === 206) return `bytes ${answer.first}-${answer.last}/${bytes}`;
  return answer.status === 416 ? `bytes */${bytes}` : undefined;
}

function meetsUnchanged(headers: Conditions["headers"], file: FileState): boolean {
  const match = headers.get("if-match");
  if (match !== null) return listsTag(match, file.etag, "strong");
  const since = parseDate(headers.get("if-unmodified-since"));
  return since === undefined || seconds(file.modifiedAt) <= since;
}

/** A date that cannot be read counts as none. */
function changedSince(header: string | null, file: FileState): boolean {
  const since = parseDate(header);
  return since === undefined || seconds(file.modifiedAt) > since;
}

function rangeStillHolds(header: string | null, file: FileState): boolean {
  if (header === null) return true;
  if (/^(W\/)?"/.test(header)) return listsTag(header, file.etag, "strong");
  return parseDate(header) === seconds(file.modifiedAt);
}

function listsTag(list: string, etag: string | undefined, compare: "weak" | "strong"): boolean {
  if (list.trim() === "*") return true;
  if (etag === undefined) return false;
  if (compare === "strong" && etag.startsWith("W/")) return false;
  const wanted = etag.replace(/^W\//, "");
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (compare === "weak" ? tag.replace(/^W\//, "") : tag) === wanted);
}

function select(header: string, bytes: number): RangeAnswer {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header);
  if (!match) return FULL;
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") return FULL;
  if (from === "") {
    // The last so many bytes.
    const count = Math.min(Number(to), bytes);
    return count === 0 ? { status: 416 } : { status: 206, first: bytes - count, last: bytes - 1 };
  }
  const first = Number(from);
  const last = to === "" ? bytes - 1 : Math.min(Number(to), bytes - 1);
  const reversed = to !== "" && Number(to) < first;
  return reversed || first >= bytes ? { status: 416 } : { status: 206, first, last };
}

/** Whole seconds, as HTTP dates have no more. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function parseDate(header: string | null): number | undefined {
  const ms = header === null ? Number.NaN : Date.parse(header);
  return Number.isNaN(ms) ? undefined : seconds(ms);
}
