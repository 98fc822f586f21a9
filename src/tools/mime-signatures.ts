/**
 * Media types of binary formats, told from a file's first bytes (the formats' own specifications
 * and registrations). Pure tables; what they find is named as in `mime.ts`.
 */

/** A media type, the offset of its signature, and the signature with one character for a byte. */
type Signature = readonly [type: string, offset: number, bytes: string];

const SIGNATURES: readonly Signature[] = [
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF87a"],
  ["image/gif", 0, "GIF89a"],
  ["image/bmp", 0, "BM"],
  ["image/tiff", 0, "II*\0"],
  ["image/tiff", 0, "MM\0*"],
  ["image/x-icon", 0, "\0\0\x01\0"],
  ["image/x-icon", 0, "\0\0\x02\0"],
  ["image/x-icns", 0, "icns"],
  ["image/vnd.adobe.photoshop", 0, "8BPS"],
  ["image/jxl", 0, "\xff\x0a"],
  ["image/jxl", 0, "\0\0\0\x0cJXL \r\n\x87\n"],
  ["image/jp2", 20, "jp2 "],
  ["image/jxr", 0, "II\xbc\x01"],
  ["image/x-xcf", 0, "gimp xcf"],
  ["image/bpg", 0, "BPG\xfb"],
  ["video/x-flv", 0, "FLV\x01"],
  ["video/mpeg", 0, "\0\0\x01\xba"],
  ["video/mpeg", 0, "\0\0\x01\xb3"],
  ["video/x-ms-asf", 0, "0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel"],
  ["audio/mpeg", 0, "ID3"],
  ["audio/mpeg", 0, "\xff\xfb"],
  ["audio/mpeg", 0, "\xff\xfa"],
  ["audio/mpeg", 0, "\xff\xf3"],
  ["audio/mpeg", 0, "\xff\xf2"],
  ["audio/mpeg", 0, "\xff\xe3"],
  ["audio/mpeg", 0, "\xff\xe2"],
  ["audio/aac", 0, "\xff\xf1"],
  ["audio/aac", 0, "\xff\xf9"],
  ["audio/flac", 0, 'fLaC\0\0\0"'],
  ["audio/midi", 0, "MThd"],
  ["audio/amr", 0, "#!AMR"],
  ["audio/basic", 0, ".snd"],
  ["audio/ape", 0, "MAC "],
  ["application/gzip", 0, "\x1f\x8b"],
  ["application/x-bzip2", 0, "BZh"],
  ["application/x-xz", 0, "\xfd7zXZ\0"],
  ["application/zstd", 0, "(\xb5/\xfd"],
  ["application/x-7z-compressed", 0, "7z\xbc\xaf'\x1c"],
  ["application/x-rar-compressed", 0, "Rar!\x1a\x07\0"],
  ["application/x-rar-compressed", 0, "Rar!\x1a\x07\x01\0"],
  ["application/x-tar", 257, "ustar"],
  ["application/vnd.ms-cab-compressed", 0, "MSCF\0\0\0\0"],
  ["application/x-rpm", 0, "\xed\xab\xee\xdb"],
  ["application/vnd.debian.binary-package", 0, "!<arch>\ndebian-binary"],
  ["application/postscript", 0, "%!PS-Adobe-"],
  ["application/vnd.sqlite3", 0, "SQLite format 3\0"],
  ["application/wasm", 0, "\0asm"],
  ["application/x-elf", 0, "\x7fELF"],
  ["application/vnd.microsoft.portable-executable", 0, "MZ"],
  ["application/x-shockwave-flash", 0, "FWS"],
  ["application/x-shockwave-flash", 0, "CWS"],
  ["application/x-mobipocket-ebook", 60, "BOOKMOBI"],
  ["application/vnd.apache.parquet", 0, "PAR1"],
  ["application/x-bittorrent", 0, "d8:announce"],
  ["model/gltf-binary", 0, "glTF\x02\0\0\0"],
  ["font/woff", 0, "wOFF"],
  ["font/woff2", 0, "wOF2"],
  ["font/otf", 0, "OTTO\0"],
  ["font/ttf", 0, "\0\x01\0\0\0"],
  ["font/collection", 0, "ttcf"],
];

/** ISO base media files (MP4 and kin) name themselves in the four bytes after `ftyp`. */
const BRANDS: Readonly<Record<string, string>> = {
  avif: "image/avif",
  avis: "image/avif",
  heic: "image/heic",
  heix: "image/heic",
  hevc: "image/heic-sequence",
  hevx: "image/heic-sequence",
  mif1: "image/heif",
  heim: "image/heif",
  heis: "image/heif",
  avic: "image/heif",
  msf1: "image/heif-sequence",
  "qt  ": "video/quicktime",
  moov: "video/quicktime",
  "mqt ": "video/quicktime",
  "M4A ": "audio/x-m4a",
  "M4B ": "audio/mp4",
  "M4P ": "audio/mp4",
  "F4A ": "audio/mp4",
  "F4B ": "audio/mp4",
  "M4V ": "video/x-m4v",
  M4VH: "video/x-m4v",
  M4VP: "video/x-m4v",
  "jp2 ": "image/jp2",
  "jpx ": "image/jpx",
};

/** Kinds of a RIFF file (WebP, WAVE, AVI), at offset 8. */
const RIFF: Readonly<Record<string, string>> = {
  WEBP: "image/webp",
  WAVE: "audio/wav",
  "AVI ": "video/x-msvideo",
};

/** QuickTime files without `ftyp` start with one of its atoms. */
const QUICKTIME_ATOMS: readonly string[] = ["moov\0", "mdat\0", "free\0", "skip\0", "pnot\0"];

/** Ogg: the first packet, at offset 28, names the codec. */
const OGG: readonly (readonly [start: string, type: string])[] = [
  ["\x7fFLAC", "audio/ogg"],
  ["\x01vorbis", "audio/ogg"],
  ["OpusHead", "audio/ogg"],
  ["Speex   ", "audio/ogg"],
  ["\x80theora", "video/ogg"],
  ["fishead\0", "video/ogg"],
];

/** A zip file with entries, without any, and one part of several. */
const ZIP_STARTS: readonly string[] = ["PK\x03\x04", "PK\x05\x06", "PK\x07\x08"];

const OFFICE = "application/vnd.openxmlformats-officedocument.";
/** A folder that only one kind of Office document has. */
const OFFICE_FOLDERS: readonly (readonly [folder: string, type: string])[] = [
  ["word/", `${OFFICE}wordprocessingml.document`],
  ["xl/", `${OFFICE}spreadsheetml.sheet`],
  ["ppt/", `${OFFICE}presentationml.presentation`],
  ["visio/", "application/vnd.ms-visio.drawing.main+xml"],
];
const APK_ENTRIES: readonly string[] = ["AndroidManifest.xml", "classes.dex", "resources.arsc"];

/** Class ids (bytes 80 to 96 of the root entry) of the older Office's compound files. */
const OLE_CLASSES: readonly (readonly [id: string, type: string])[] = [
  ["\x06\x09\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "application/msword"],
  ["\x20\x08\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "application/vnd.ms-excel"],
  ["\x10\x08\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "application/vnd.ms-excel"],
  ["\x10\x8d\x81d\x9bO\xcf\x11\x86\xea\0\xaa\0\xb9)\xe8", "application/vnd.ms-powerpoint"],
];

/**
 * The type of a binary format, or undefined. `head` is the file's start, one character for a byte
 * (latin1).
 */
export function binaryType(head: string): string | undefined {
  return containerType(head) ?? signatureType(head);
}

function signatureType(head: string): string | undefined {
  const found = SIGNATURES.find(([, offset, bytes]) => head.startsWith(bytes, offset));
  return found?.[0];
}

function containerType(head: string): string | undefined {
  if (head.slice(0, 1024).includes("%PDF-")) return "application/pdf";
  if (ZIP_STARTS.some((start) => head.startsWith(start))) return zipType(head);
  if (head.startsWith("RIFF")) return RIFF[head.slice(8, 12)];
  if (head.startsWith("FORM") && /^AIF[FC]/.test(head.slice(8, 12))) return "audio/aiff";
  if (head.startsWith("ftyp", 4) && head.length >= 12) return brandType(head.slice(8, 12));
  if (QUICKTIME_ATOMS.some((atom) => head.startsWith(atom, 4))) return "video/quicktime";
  if (head.startsWith("OggS\0")) return oggType(head);
  if (head.startsWith("\x1aE\xdf\xa3")) return matroskaType(head);
  if (head.startsWith("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) return oleType(head);
  return undefined;
}

function brandType(brand: string): string {
  const known = BRANDS[brand];
  if (known !== undefined) return known;
  if (/^3g[2]/.test(brand)) return "video/3gpp2";
  return /^3g/.test(brand) ? "video/3gpp" : "video/mp4";
}

function oggType(head: string): string {
  const found = OGG.find(([start]) => head.startsWith(start, 28));
  return found?.[1] ?? "application/ogg";
}

/** The element 42 82 (DocType) says which of the two it is. */
function matroskaType(head: string): string {
  const at = head.indexOf("\x42\x82");
  const kind = at === -1 ? "" : head.slice(at, at + 16);
  return kind.includes("webm") ? "video/webm" : "video/x-matroska";
}

function zipType(head: string): string {
  // The entry `mimetype` comes first and unpacked; the next entry's `PK` follows its text.
  const found = /^mimetype(application\/[\w.+-]+)/.exec(head.slice(30, 160))?.[1];
  const declared = found?.replace(/PK$/, "");
  if (declared && /opendocument|epub\+zip/.test(declared)) return declared;
  const names = zipNames(head);
  for (const [folder, type] of OFFICE_FOLDERS) {
    if (names.some((name) => name.startsWith(folder))) return type;
  }
  if (names.some((name) => APK_ENTRIES.includes(name))) {
    return "application/vnd.android.package-archive";
  }
  if (/^META-INF\/(MANIFEST\.MF)?$/.test(names[0] ?? "")) return "application/java-archive";
  return "application/zip";
}

/** Names of the entries whose local headers lie within what was read. */
function zipNames(head: string): string[] {
  const names: string[] = [];
  for (let at = head.indexOf("PK\x03\x04"); at !== -1; at = head.indexOf("PK\x03\x04", at + 4)) {
    const length = head.charCodeAt(at + 26) + head.charCodeAt(at + 27) * 256;
    names.push(head.slice(at + 30, at + 30 + (Number.isNaN(length) ? 0 : length)));
  }
  return names;
}

/** The root entry stands at the start of the directory, whose first sector byte 48 names. */
function oleType(head: string): string {
  const sectorBytes = head.charCodeAt(30) === 12 ? 4096 : 512;
  const sector = head.charCodeAt(48) + head.charCodeAt(49) * 256;
  const id = head.slice(sectorBytes * (sector + 1) + 80, sectorBytes * (sector + 1) + 96);
  return OLE_CLASSES.find(([known]) => known === id)?.[1] ?? "application/x-ole-storage";
}
