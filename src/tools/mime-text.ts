/** Media types of text formats, told from a file's beginning. */

/** What is known of the beginning: `whole` when it is all of the file. */
export interface TextHead {
  readonly text: string;
  readonly whole: boolean;
}

/** Tags that start an HTML page, as the WHATWG's MIME sniffing standard lists them. */
const HTML_START =
  /^<(!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[\s>]/i;

/** Root elements of XML formats that have a type of their own. */
const XML_ROOTS: readonly (readonly [pattern: RegExp, type: string])[] = [
  [/<!doctype html|<html\s+xmlns=/i, "application/xhtml+xml"],
  [/<rss[\s>]/, "application/rss+xml"],
  [/<feed\s[^>]*http:\/\/www\.w3\.org\/2005\/Atom/, "application/atom+xml"],
  [/<kml\s/, "application/vnd.google-earth.kml+xml"],
  [/<gpx\s/, "application/gpx+xml"],
];

const INTERPRETERS: readonly (readonly [name: RegExp, type: string])[] = [
  [/^(node|nodejs)$/, "text/javascript"],
  [/^python[23]?$/, "text/x-python"],
  [/^perl$/, "text/x-perl"],
  [/^ruby$/, "text/x-ruby"],
  [/^php$/, "text/x-php"],
  [/^lua$/, "text/x-lua"],
  [/^(sh|bash|dash|zsh|ksh|csh|tcsh)$/, "text/x-shellscript"],
];

const TIMES = /^1\r?\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\r?\n\S/;

/** The type of a text; `text/plain` when nothing more is known of it. */
export function textType(head: TextHead): string {
  const { text } = head;
  const start = text.trimStart();
  return (
    (isSvg(start) ? "image/svg+xml" : undefined) ??
    (HTML_START.test(start) ? "text/html" : undefined) ??
    xmlType(start) ??
    scriptType(text) ??
    prefixType(text) ??
    jsonType(head) ??
    tableType(head) ??
    "text/plain"
  );
}

/** After comments, an `svg` element; with an XML declaration it may stand further down. */
function isSvg(start: string): boolean {
  if (/^<\?xml\s[^>]*version/.test(start)) return start.includes("<svg");
  let rest = start;
  while (rest.startsWith("<!--")) {
    const end = rest.indexOf("-->");
    if (end === -1) return false;
    rest = rest.slice(end + 3).trimStart();
  }
  return /^<svg[\s>][^>]*http:\/\/www\.w3\.org\/2000\/svg/.test(rest);
}

function xmlType(start: string): string | undefined {
  if (!/^<\?xml[\s>]/i.test(start)) return undefined;
  const near = start.slice(0, 1024);
  return XML_ROOTS.find(([pattern]) => pattern.test(near))?.[1] ?? "text/xml";
}

function scriptType(text: string): string | undefined {
  if (/^<\?(php|[\n\r ])/i.test(text)) return "text/x-php";
  // `#!/usr/bin/perl -w`, `#!/usr/bin/env -S node`
  const program = /^#![ \t]*(?:\S*\/env[ \t]+(?:-S[ \t]+)?)?(?:\S*\/)?(\S+)/.exec(text)?.[1];
  return INTERPRETERS.find(([name]) => program !== undefined && name.test(program))?.[1];
}

function prefixType(text: string): string | undefined {
  if (text.startsWith("{\\rtf")) return "text/rtf";
  if (/^BEGIN:VCARD\r?\n/i.test(text)) return "text/vcard";
  if (/^BEGIN:VCALENDAR\r?\n/i.test(text)) return "text/calendar";
  if (/^WEBVTT([\n\r\t ]|$)/.test(text)) return "text/vtt";
  if (text.startsWith("#EXTM3U")) return "application/vnd.apple.mpegurl";
  return TIMES.test(text) ? "application/x-subrip" : undefined;
}

/** A lone string, number or word is text, not JSON. */
function jsonType({ text, whole }: TextHead): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  if (whole && isJson(text)) return kindOfJson(text);
  const lines = completeLines({ text, whole }).filter((line) => line.trim() !== "");
  if (lines.length > 1 && lines.every(isJson)) return "application/x-ndjson";
  // Of a longer file only the beginning can be judged: a value that goes on like one.
  const begins = /^\s*(\{\s*("|\})|\[\s*(["[{\]\d-]|true|false|null))/.test(text);
  return !whole && begins ? kindOfJson(text) : undefined;
}

function kindOfJson(text: string): string {
  const kind = /"type"\s*:\s*"(Feature|FeatureCollection|Point|Polygon|LineString)"/.test(text);
  return kind && /^\s*\{/.test(text) ? "application/geo+json" : "application/json";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Two or more lines of one and the same number (two at least) of separated fields. */
function tableType(head: TextHead): string | undefined {
  const isTable = (separator: string) => {
    const counts = fieldCounts(head, separator).slice(0, 10);
    const [first = 0] = counts;
    return counts.length >= 2 && first >= 2 && counts.every((count) => count === first);
  };
  if (isTable(",")) return "text/csv";
  return isTable("\t") ? "text/tab-separated-values" : undefined;
}

/** Fields of each line; separators and line ends between quotes do not count. */
function fieldCounts({ text, whole }: TextHead, separator: string): number[] {
  const counts: number[] = [];
  let [start, fields, quoted] = [0, 1, false];
  const endLine = (end: number) => {
    const line = text.slice(start, end).trim();
    if (line !== "" && !line.startsWith("#")) counts.push(fields);
    [start, fields] = [end + 1, 1];
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) fields++;
    else if (char === "\n" && !quoted) endLine(at);
  }
  if (whole && !quoted) endLine(text.length);
  return counts;
}

/** The encoding that an XML or HTML text says it has; undefined where it says none. */
export function declaredCharset(text: string, type: string): string | undefined {
  const pattern =
    type === "text/xml"
      ? /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w-]+)["']/i
      : /<meta\s[^>]*charset\s*=\s*["']?([\w-]+)/i;
  return pattern.exec(text)?.[1];
}

/** The last line of a beginning may be cut, and says nothing. */
function completeLines({ text, whole }: TextHead): string[] {
  const lines = text.split(/\r?\n/);
  return whole ? lines : lines.slice(0, -1);
}
