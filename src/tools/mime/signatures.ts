/** File types that their first bytes tell, in the order they are tried. */

export interface MimeType {
  /** Without parameters. */
  readonly mime: string;
  /** With its dot; "" for types without a usual one. */
  readonly extension: string;
}

interface Signature extends MimeType {
  readonly offset: number;
  /** Each character is one byte; `?` at 0xFFFF stands for any. */
  readonly bytes: string;
}

const ANY = "\uffff";

function at(offset: number, bytes: string, type: readonly [string, string]): Signature {
  return { offset, bytes, mime: type[0], extension: type[1] };
}

const MP3 = ["audio/mpeg", ".mp3"] as const;
const AAC = ["audio/aac", ".aac"] as const;
const TIFF = ["image/tiff", ".tiff"] as const;

export const SIGNATURES: readonly Signature[] = [
  at(0, "\x89PNG\r\n\x1a\n", ["image/png", ".png"]),
  at(0, "\xff\xd8\xff", ["image/jpeg", ".jpg"]),
  at(0, "GIF87a", ["image/gif", ".gif"]),
  at(0, "GIF89a", ["image/gif", ".gif"]),
  at(0, `RIFF${ANY}${ANY}${ANY}${ANY}WEBP`, ["image/webp", ".webp"]),
  at(0, `RIFF${ANY}${ANY}${ANY}${ANY}WAVE`, ["audio/wav", ".wav"]),
  at(0, `RIFF${ANY}${ANY}${ANY}${ANY}AVI LIST`, ["video/x-msvideo", ".avi"]),
  at(0, "%PDF-", ["application/pdf", ".pdf"]),
  at(0, "\xef\xbb\xbf%PDF-", ["application/pdf", ".pdf"]),
  at(0, "II*\x00", TIFF),
  at(0, "MM\x00*", TIFF),
  at(0, "BM", ["image/bmp", ".bmp"]),
  at(0, "8BPS", ["image/vnd.adobe.photoshop", ".psd"]),
  at(0, "\x00\x00\x01\x00", ["image/x-icon", ".ico"]),
  at(0, "\xff\x0a", ["image/jxl", ".jxl"]),
  at(0, "\x00\x00\x00\x0cJXL \r\n\x87\n", ["image/jxl", ".jxl"]),
  at(0, "\x00\x00\x00\x0cjP  \r\n\x87\n", ["image/jp2", ".jp2"]),
  at(0, "ID3", MP3),
  at(0, "\xff\xfb", MP3),
  at(0, "\xff\xf3", MP3),
  at(0, "\xff\xf2", MP3),
  at(0, "\xff\xf1", AAC),
  at(0, "\xff\xf9", AAC),
  at(0, "fLaC\x00\x00\x00\x22", ["audio/flac", ".flac"]),
  at(0, "MThd", ["audio/midi", ".midi"]),
  at(0, "#!AMR", ["audio/amr", ".amr"]),
  at(0, `FORM${ANY}${ANY}${ANY}${ANY}AIFF`, ["audio/aiff", ".aiff"]),
  at(0, "FLV\x01", ["video/x-flv", ".flv"]),
  at(0, "\x00\x00\x01\xba", ["video/mpeg", ".mpeg"]),
  at(0, "\x00\x00\x01\xb3", ["video/mpeg", ".mpeg"]),
  at(0, "7z\xbc\xaf\x27\x1c", ["application/x-7z-compressed", ".7z"]),
  at(0, "\x1f\x8b\x08", ["application/gzip", ".gz"]),
  at(0, "BZh", ["application/x-bzip2", ".bz2"]),
  at(0, "\xfd7zXZ\x00", ["application/x-xz", ".xz"]),
  at(0, "\x28\xb5\x2f\xfd", ["application/zstd", ".zst"]),
  at(0, "Rar!\x1a\x07", ["application/x-rar-compressed", ".rar"]),
  at(257, "ustar", ["application/x-tar", ".tar"]),
  at(0, "SQLite format 3\x00", ["application/vnd.sqlite3", ".sqlite"]),
  at(0, "\x00asm", ["application/wasm", ".wasm"]),
  at(0, "wOFF", ["font/woff", ".woff"]),
  at(0, "wOF2", ["font/woff2", ".woff2"]),
  at(0, "\x00\x01\x00\x00\x00", ["font/ttf", ".ttf"]),
  at(0, "OTTO\x00", ["font/otf", ".otf"]),
  at(0, "\x7fELF", ["application/x-elf", ""]),
  at(0, "MZ", ["application/vnd.microsoft.portable-executable", ".exe"]),
  at(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ["application/x-ole-storage", ""]),
  at(0, "%!PS-Adobe-", ["application/postscript", ".ps"]),
  at(0, "{\\rtf", ["text/rtf", ".rtf"]),
];

/** Whether the bytes at the signature's place are its own. `head` holds one byte a character. */
export function carries(head: string, signature: Signature): boolean {
  const { offset, bytes } = signature;
  if (head.length < offset + bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== ANY && bytes[i] !== head[offset + i]) return false;
  }
  return true;
}

/** Other names by which a field may allow a type. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  "application/gzip": ["application/x-gzip", "application/x-gunzip"],
  "application/pdf": ["application/x-pdf"],
  "application/vnd.sqlite3": ["application/x-sqlite3"],
  "application/x-rar-compressed": ["application/x-rar"],
  "application/zip": ["application/x-zip", "application/x-zip-compressed"],
  "audio/aiff": ["audio/x-aiff"],
  "audio/midi": ["audio/mid", "audio/x-mid", "audio/x-midi", "audio/sp-midi"],
  "audio/mp4": ["audio/x-mp4a"],
  "audio/mpeg": ["audio/x-mpeg", "audio/mp3"],
  "audio/wav": ["audio/x-wav", "audio/vnd.wave", "audio/wave"],
  "font/ttf": ["font/sfnt", "application/x-font-ttf", "application/font-sfnt"],
  "image/bmp": ["image/x-bmp", "image/x-ms-bmp"],
  "image/vnd.adobe.photoshop": ["image/x-psd", "application/photoshop"],
  "text/rtf": ["application/rtf"],
  "text/xml": ["application/xml"],
  "video/3gpp": ["video/3gp", "audio/3gpp"],
  "video/3gpp2": ["video/3g2", "audio/3gpp2"],
  "video/webm": ["audio/webm"],
  "video/x-msvideo": ["video/avi", "video/msvideo"],
};

/** Whether a sniffed type is among the allowed ones; case and parameters of these do not count. */
export function isAllowedMime(mime: string, allowed: readonly string[]): boolean {
  const names = [mime, ...(Object.hasOwn(ALIASES, mime) ? (ALIASES[mime] ?? []) : [])];
  return allowed.some((type) => names.includes((type.split(";")[0] ?? "").trim().toLowerCase()));
}
