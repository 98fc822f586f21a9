/** A section of an answer as the line parser leaves it. */

/** Nothing about a field's type can be relied on: read it with `textOf`. */
export interface ParsedMedia {
  readonly type?: unknown;
  readonly port?: unknown;
  readonly protocol?: unknown;
  readonly payloads?: unknown;
  readonly mid?: unknown;
  readonly direction?: unknown;
  readonly sctpPort?: unknown;
  readonly simulcast?: object | undefined;
  readonly rtp?: readonly object[];
  readonly fmtp?: readonly object[];
  readonly rtcpFb?: readonly object[] | undefined;
  readonly ext?: readonly object[] | undefined;
  readonly rids?: readonly object[] | undefined;
  readonly ssrcs?: readonly object[] | undefined;
  readonly ssrcGroups?: readonly object[] | undefined;
}

/** A field of a parsed line as text; empty when it is missing. */
export function textOf(line: object, field: string): string {
  const value: unknown = Object.hasOwn(line, field) ? Reflect.get(line, field) : undefined;
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
