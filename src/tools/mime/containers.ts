/** File types inside a container that many share: zip, the MP4 family, Matroska, Ogg. */

import type { MimeType } from "./signatures.ts";

function type(mime: string, extension: string): MimeType {
  return { mime, extension };
}

/** Undefined for no container known here. `head` holds one byte a character. */
export function sniffContainer(head: string): MimeType | undefined {
  const isZip = ["PK\x03\x04", "PK\x05\x06", "PK\x07\x08"].some((mark) => head.startsWith(mark));
  if (isZip) return zipType(head);
  if (head.startsWith("ftyp", 4)) return mp4Type(head);
  if (head.startsWith("\x1aE\xdf\xa3")) {
    if (head.includes("webm")) return type("video/webm", ".webm");
    if (head.includes("matroska")) return type("video/x-matroska", ".mkv");
    return undefined;
  }
  return head.startsWith("OggS") ? oggType(head) : undefined;
}

const OFFICE = "application/vnd.openxmlformats-officedocument";
/** Folders that the entries of an office document are in (ECMA-376). */
const OFFICE_FOLDERS: readonly (readonly [string, MimeType])[] = [
  ["word/", type(`${OFFICE}.wordprocessingml.document`, ".docx")],
  ["xl/", type(`${OFFICE}.spreadsheetml.sheet`, ".xlsx")],
  ["ppt/", type(`${OFFICE}.presentationml.presentation`, ".pptx")],
];

/** What an uncompressed first entry named `mimetype` may say (OpenDocument, EPUB). */
const DECLARED: readonly MimeType[] = [
  type("application/epub+zip", ".epub"),
  type("application/vnd.oasis.opendocument.text", ".odt"),
  type("application/vnd.oasis.opendocument.spreadsheet", ".ods"),
  type("application/vnd.oasis.opendocument.presentation", ".odp"),
  type("application/vnd.oasis.opendocument.graphics", ".odg"),
  type("application/vnd.oasis.opendocument.formula", ".odf"),
];

const ENTRY_NAME_AT = 30;

function zipType(head: string): MimeType {
  const declared = head.startsWith("mimetype", ENTRY_NAME_AT)
    ? DECLARED.find(({ mime }) => head.startsWith(mime, ENTRY_NAME_AT + "mimetype".length))
    : undefined;
  if (declared) return declared;
  const names = head.split("PK\x03\x04").map((entry) => entry.slice(ENTRY_NAME_AT - 4));
  const office = OFFICE_FOLDERS.find(([folder]) => names.some((name) => name.startsWith(folder)));
  if (office) return office[1];
  const java = names.some((name) => name.startsWith("META-INF/MANIFEST.MF"));
  return java ? type("application/java-archive", ".jar") : type("application/zip", ".zip");
}

/** By the brand of ISO/IEC 14496-12; a brand that is not here is plain MP4. */
const BRANDS: readonly (readonly [RegExp, MimeType])[] = [
  [/^avi[fs]/, type("image/avif", ".avif")],
  [/^hei[cx]/, type("image/heic", ".heic")],
  [/^hev[cx]/, type("image/heic-sequence", ".heic")],
  [/^mif1|^hei[ms]/, type("image/heif", ".heif")],
  [/^msf1|^hev[ms]/, type("image/heif-sequence", ".heif")],
  [/^M4A /, type("audio/x-m4a", ".m4a")],
  [/^M4[BP] |^F4[AB] |^NDAS/, type("audio/mp4", ".mp4")],
  [/^M4V[ HP]/, type("video/x-m4v", ".m4v")],
  [/^3g2/, type("video/3gpp2", ".3g2")],
  [/^3g[prse]/, type("video/3gpp", ".3gp")],
  [/^qt {2}/, type("video/quicktime", ".mov")],
];

function mp4Type(head: string): MimeType {
  const brand = head.slice(8, 12);
  const found = BRANDS.find(([pattern]) => pattern.test(brand));
  return found?.[1] ?? type("video/mp4", ".mp4");
}

const OGG_SOUND = ["\x7fFLAC", "\x01vorbis", "OpusHead", "Speex   "];
const OGG_VIDEO = ["\x80theora", "fishead\0", "\x01video\0\0\0"];
/** Where the first page's payload begins (RFC 3533). */
const OGG_CODEC_AT = 28;

function oggType(head: string): MimeType {
  const isOf = (codecs: readonly string[]) =>
    codecs.some((codec) => head.startsWith(codec, OGG_CODEC_AT));
  if (isOf(OGG_SOUND)) return type("audio/ogg", ".oga");
  return isOf(OGG_VIDEO) ? type("video/ogg", ".ogv") : type("application/ogg", ".ogg");
}
