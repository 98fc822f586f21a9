/**
 * Media types: told from a file's first bytes, compared, and chosen for downloads. A table of our
 * own: the known libraries tell no text formats (SVG, JSON, CSV, HTML) or read whole streams, and
 * what counts here is that a field's `mimeTypes` mean what they mean to the reference.
 */

import { binaryType } from "./mime-signatures.ts";
import { declaredCharset, textType } from "./mime-text.ts";

/** As many bytes of a file's start as sniffing looks at; more changes nothing. */
export const SNIFF_BYTES = 3_072;

export interface SniffedType {
  /** With its charset for the text types: `text/plain; charset=utf-8`. */
  readonly type: string;
  /** With its dot, `.png`; empty where a type has no usual one. */
  readonly extension: string;
}

export const UNKNOWN_TYPE = "application/octet-stream";

/** Usual extension, then other names of the same type. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  "application/epub+zip": ["epub"],
  "application/geo+json": ["geojson"],
  "application/gpx+xml": ["gpx"],
  "application/gzip": ["gz", "application/x-gzip", "application/x-gunzip", "application/gzipped"],
  "application/java-archive": ["jar", "application/jar", "application/x-java-archive"],
  "application/json": ["json"],
  "application/msword": ["doc", "application/vnd.ms-word"],
  "application/ogg": ["ogg", "application/x-ogg"],
  "application/pdf": ["pdf", "application/x-pdf"],
  "application/postscript": ["ps"],
  "application/rss+xml": ["rss", "text/rss"],
  "application/atom+xml": ["atom"],
  "application/vnd.android.package-archive": ["apk"],
  "application/vnd.apache.parquet": ["parquet", "application/x-parquet"],
  "application/vnd.apple.mpegurl": ["m3u", "audio/mpegurl", "application/x-mpegurl"],
  "application/vnd.debian.binary-package": ["deb"],
  "application/vnd.google-earth.kml+xml": ["kml"],
  "application/vnd.microsoft.portable-executable": ["exe"],
  "application/vnd.ms-cab-compressed": ["cab"],
  "application/vnd.ms-excel": ["xls", "application/msexcel"],
  "application/vnd.ms-powerpoint": ["ppt", "application/mspowerpoint"],
  "application/vnd.ms-visio.drawing.main+xml": ["vsdx"],
  "application/vnd.oasis.opendocument.graphics": ["odg"],
  "application/vnd.oasis.opendocument.presentation": ["odp"],
  "application/vnd.oasis.opendocument.spreadsheet": ["ods"],
  "application/vnd.oasis.opendocument.text": ["odt"],
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": ["pptx"],
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ["xlsx"],
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ["docx"],
  "application/vnd.sqlite3": ["sqlite", "application/x-sqlite3"],
  "application/wasm": ["wasm"],
  "application/x-7z-compressed": ["7z"],
  "application/x-bittorrent": ["torrent"],
  "application/x-bzip2": ["bz2"],
  "application/x-mobipocket-ebook": ["mobi"],
  "application/x-ndjson": ["ndjson"],
  "application/x-rar-compressed": ["rar", "application/x-rar"],
  "application/x-rpm": ["rpm"],
  "application/x-shockwave-flash": ["swf"],
  "application/x-subrip": ["srt", "application/x-srt", "text/x-srt"],
  "application/x-tar": ["tar"],
  "application/x-xz": ["xz"],
  "application/xhtml+xml": ["html"],
  "application/zip": ["zip", "application/x-zip", "application/x-zip-compressed"],
  "application/zstd": ["zst"],
  "audio/aac": ["aac"],
  "audio/aiff": ["aiff", "audio/x-aiff"],
  "audio/amr": ["amr", "audio/amr-nb"],
  "audio/ape": ["ape"],
  "audio/basic": ["au"],
  "audio/flac": ["flac"],
  "audio/midi": ["midi", "audio/mid", "audio/sp-midi", "audio/x-mid", "audio/x-midi"],
  "audio/mp4": ["mp4", "audio/x-mp4a"],
  "audio/mpeg": ["mp3", "audio/x-mpeg", "audio/mp3"],
  "audio/ogg": ["oga"],
  "audio/wav": ["wav", "audio/x-wav", "audio/vnd.wave", "audio/wave"],
  "audio/x-m4a": ["m4a"],
  "font/collection": ["ttc"],
  "font/otf": ["otf"],
  "font/ttf": ["ttf", "font/sfnt", "application/x-font-ttf", "application/font-sfnt"],
  "font/woff": ["woff"],
  "font/woff2": ["woff2"],
  "image/avif": ["avif"],
  "image/bmp": ["bmp", "image/x-bmp", "image/x-ms-bmp"],
  "image/bpg": ["bpg"],
  "image/gif": ["gif"],
  "image/heic": ["heic"],
  "image/heic-sequence": ["heic"],
  "image/heif": ["heif"],
  "image/heif-sequence": ["heif"],
  "image/jp2": ["jp2"],
  "image/jpeg": ["jpg"],
  "image/jpx": ["jpf"],
  "image/jxl": ["jxl"],
  "image/jxr": ["jxr", "image/vnd.ms-photo"],
  "image/png": ["png"],
  "image/svg+xml": ["svg"],
  "image/tiff": ["tiff"],
  "image/vnd.adobe.photoshop": ["psd", "image/x-psd", "application/photoshop"],
  "image/vnd.mozilla.apng": ["png"],
  "image/webp": ["webp"],
  "image/x-icns": ["icns"],
  "image/x-icon": ["ico"],
  "image/x-xcf": ["xcf"],
  "model/gltf-binary": ["glb"],
  "text/calendar": ["ics"],
  "text/csv": ["csv"],
  "text/html": ["html"],
  "text/javascript": ["js", "application/x-javascript", "application/javascript"],
  "text/plain": ["txt"],
  "text/rtf": ["rtf", "application/rtf"],
  "text/tab-separated-values": ["tsv"],
  "text/vcard": ["vcf"],
  "text/vtt": ["vtt"],
  "text/x-lua": ["lua"],
  "text/x-perl": ["pl"],
  "text/x-php": ["php"],
  "text/x-python": ["py", "text/x-script.python", "application/x-python"],
  "text/x-ruby": ["rb", "application/x-ruby"],
  "text/x-shellscript": ["sh", "text/x-sh", "application/x-shellscript", "application/x-sh"],
  "text/xml": ["xml", "application/xml"],
  "video/3gpp": ["3gp", "video/3gp", "audio/3gpp"],
  "video/3gpp2": ["3g2", "video/3g2", "audio/3gpp2"],
  "video/mp4": ["mp4"],
  "video/mpeg": ["mpeg"],
  "video/ogg": ["ogv"],
  "video/quicktime": ["mov"],
  "video/webm": ["webm", "audio/webm"],
  "video/x-flv": ["flv"],
  "video/x-m4v": ["m4v"],
  "video/x-matroska": ["mkv"],
  "video/x-ms-asf": ["asf", "video/asf", "video/x-ms-wmv"],
  "video/x-msvideo": ["avi", "video/avi", "video/msvideo"],
};

/** Types that a browser may show in place; everything else is offered for saving. */
const INLINE_TYPES = new Set(
  `image/png image/jpg image/jpeg image/gif image/webp image/x-icon image/bmp
  video/webm video/mp4 video/3gpp video/quicktime video/x-ms-wmv
  audio/basic audio/aiff audio/mpeg audio/midi audio/mp3 audio/wave audio/wav audio/x-wav
  audio/x-mpeg audio/x-m4a audio/aac application/pdf application/x-pdf`.split(/\s+/),
);

/** Types that sniffing cannot tell, or tells too loosely to be usable in a page. */
const FORCED_TYPES: Readonly<Record<string, string>> = {
  ".svg": "image/svg+xml",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
};

const WITH_CHARSET = new Set(["text/plain", "text/html", "text/xml"]);

/**
 * The type of a file from its start (`SNIFF_BYTES` of it, or all when it is shorter). Never throws:
 * what is neither known nor text is `application/octet-stream`.
 */
export function sniffType(start: Uint8Array): SniffedType {
  const bytes = start.subarray(0, SNIFF_BYTES);
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const binary = binaryType(head);
  if (binary === "image/png" && /acTL/.test(head.slice(8, 64))) {
    return sniffed("image/vnd.mozilla.apng");
  }
  if (binary !== undefined) return sniffed(binary);
  const charset = charsetOf(bytes, head);
  if (charset === undefined) return sniffed(UNKNOWN_TYPE);
  const text = new TextDecoder(charset === "" ? "utf-8" : charset).decode(bytes);
  const type = textType({ text, whole: start.length < SNIFF_BYTES });
  const declared = type === "text/plain" ? undefined : declaredCharset(text, type);
  return sniffed(type, declared ?? charset);
}

/**
 * Whether two types are the same one: parameters and case do not count, other names of a type do
 * (`application/x-pdf`).
 */
export function sameType(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

/** Whether files of a (stored) type may be shown in place; parameters make it another type. */
export function isInlineType(type: string): boolean {
  return INLINE_TYPES.has(type);
}

/** The Content-Type to send: the stored one, but for extensions whose type must be exact. */
export function downloadType(fileName: string, storedType: string): string {
  const dot = fileName.lastIndexOf(".");
  const forced = dot === -1 ? undefined : FORCED_TYPES[fileName.slice(dot)];
  return forced ?? (storedType === "" ? UNKNOWN_TYPE : storedType);
}

/** Empty: of an empty file, which is text all the same. */
type Charset = "" | "utf-8" | "utf-16be" | "utf-16le" | "windows-1252" | "iso-8859-1";

function sniffed(type: string, charset = ""): SniffedType {
  const shown = WITH_CHARSET.has(type) && charset !== "" ? `${type}; charset=${charset}` : type;
  const extension = TYPES[type]?.[0];
  return { type: shown, extension: extension === undefined ? "" : `.${extension}` };
}

const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries(TYPES).flatMap(([type, [, ...others]]) =>
    others.map((other): [string, string] => [other, type]),
  ),
);

function canonical(type: string): string {
  const bare = (type.split(";", 1)[0] ?? "").trim().toLowerCase();
  return ALIASES.get(bare) ?? bare;
}

/** Undefined: not text. */
function charsetOf(bytes: Uint8Array, head: string): Charset | undefined {
  if (head === "") return "";
  if (head.startsWith("\xef\xbb\xbf")) return "utf-8";
  if (head.startsWith("\xfe\xff")) return "utf-16be";
  if (head.startsWith("\xff\xfe")) return "utf-16le";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells binary data.
  if (/[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(head)) return undefined;
  if (isUtf8(bytes)) return "utf-8";
  return /[\x80-\x9f]/.test(head) ? "windows-1252" : "iso-8859-1";
}

/** Streaming mode does not mind that the last character may be cut. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
