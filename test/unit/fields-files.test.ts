/** Names under which files are stored, and what their content says they are. */

import { expect, test } from "bun:test";
import { readUpload } from "../../src/tools/fields/read-upload.ts";
import { storedFileName } from "../../src/tools/file-name.ts";
import { SNIFF_BYTES, sniffMime } from "../../src/tools/mime/sniff.ts";
import { seeded } from "./fields-fixture.ts";

const R = "[a-z0-9]{10}";

test.each([
  ["a.txt", `a${R}_${R}.txt`],
  ["test.tar.gz", `test_${R}.tar.gz`],
  ["My Photo v1.0 final.jpg", `my_photo_v1_${R}.0final.jpg`],
  ["myTestDB.png", `my_test_db_${R}.png`],
  ["HTMLParser2Go.js", `htmlparser2_go_${R}.js`],
  ["A1B.png", `a1_b_${R}.png`],
  [".bashrc", `${R}_${R}.bashrc`],
  ["noext", `noext_${R}.bin`],
  ["..", `${R}_${R}.bin`],
  ["ünïcode.jpg", `n_code_${R}.jpg`],
  ["日本.png", `${R}_${R}.png`],
  ["../../etc/passwd", `${R}_${R}.etcpasswd`],
  ["a/b\\c.txt", `a_b_c_${R}.txt`],
  ["a\0b c.t\nx\u202et", `a_b_c_${R}.txt`],
  ["test.JPG", `test_${R}.JPG`],
  ["foo.p*-+=#g!", `foo_${R}.p*-+=#g`],
  ["foo.é", `foo_${R}.bin`],
  ["name.", `name_${R}.bin`],
  ["file.t.", `file_${R}.t`],
  [`file.${"x".repeat(30)}`, `file_${R}.x{20}`],
  [`${"x".repeat(200)}.txt`, `x{100}_${R}.txt`],
  [`${"x".repeat(1e6)}.txt`, `x{100}_${R}.txt`],
])("%j is stored under a safe name", (original, pattern) => {
  const random = seeded();
  const name = storedFileName(original, { random, sniffedExtension: ".bin" });
  const literal = pattern.replace(/[.*+=#](?=[\w*+=#-]|$)(?![{\d])/g, "\\$&");
  expect(name).toMatch(new RegExp(`^${literal}$`));
  expect(storedFileName(original, { random, sniffedExtension: "" })).not.toBe(name);
});

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (ch) => ch.charCodeAt(0));
}

const ENTRY = `PK\x03\x04${"\0".repeat(26)}`;

test.each([
  ["\x89PNG\r\n\x1a\n...", "image/png", ".png"],
  ["\xff\xd8\xff\xe0", "image/jpeg", ".jpg"],
  ["GIF89a", "image/gif", ".gif"],
  ["RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp", ".webp"],
  ["RIFF\x01\x02\x03\x04WAVEfmt ", "audio/wav", ".wav"],
  ["\0\0\0\x20ftypavif", "image/avif", ".avif"],
  ["\0\0\0\x20ftypheic", "image/heic", ".heic"],
  ["\0\0\0\x20ftypisom", "video/mp4", ".mp4"],
  ["\0\0\0\x20ftypM4A ", "audio/x-m4a", ".m4a"],
  ["\0\0\0\x14ftypqt  ", "video/quicktime", ".mov"],
  ["\x1aE\xdf\xa3\x9fB\x82\x84webm", "video/webm", ".webm"],
  [`OggS${"\0".repeat(24)}OpusHead`, "audio/ogg", ".oga"],
  ["ID3\x03", "audio/mpeg", ".mp3"],
  ["%PDF-1.4", "application/pdf", ".pdf"],
  [`${ENTRY}a.txt`, "application/zip", ".zip"],
  [
    `${ENTRY}[Content_Types].xml...${ENTRY}word/document.xml`,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".docx",
  ],
  [`${ENTRY}mimetypeapplication/epub+zip`, "application/epub+zip", ".epub"],
  ["\x1f\x8b\x08\0", "application/gzip", ".gz"],
  [`${"x".repeat(257)}ustar\0`, "application/x-tar", ".tar"],
  ["SQLite format 3\0", "application/vnd.sqlite3", ".sqlite"],
  ["\0\x01\x02", "application/octet-stream", ""],
  ["", "text/plain", ".txt"],
  ["hello", "text/plain", ".txt"],
  ["hello\0", "application/octet-stream", ""],
  ['{"a":1}', "application/json", ".json"],
  ["{not json}", "text/plain", ".txt"],
  ["  <!DOCTYPE html>", "text/html", ".html"],
  ["<p>x</p>", "text/html", ".html"],
  ['<?xml version="1.0"?><a/>', "text/xml", ".xml"],
  ['<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml", ".svg"],
  ['<?xml version="1.0"?>\n<!-- x --><svg/>', "image/svg+xml", ".svg"],
  ["a,b\n1,2\n3,4\n", "text/csv", ".csv"],
  ["a, b\nno table\n", "text/plain", ".txt"],
  ["#!/bin/sh\n", "text/x-shellscript", ".sh"],
])("%j is %s", (text, mime, extension) => {
  expect(sniffMime(bytes(text), text.length)).toEqual({ mime, extension });
});

test("only the beginning of a file counts, and no beginning takes long", () => {
  const long = `{"a":"${"x".repeat(10_000)}`;
  expect(sniffMime(bytes(long), long.length).mime).toBe("application/json");
  for (const part of [
    "<!---->",
    "<!--",
    "<?xml ",
    "a,\n",
    '"',
    "<!DOCTYPE svg>",
    " ",
    "[[",
    "PK\x03\x04",
  ]) {
    const head = bytes(part.repeat(SNIFF_BYTES));
    expect(sniffMime(head, head.length).mime).not.toBe("image/svg+xml");
  }
});

test("an upload is what its content is, not what it is called", async () => {
  const file = new File(["<svg/>"], "Photo.png", { type: "image/png" });
  const upload = await readUpload(file, seeded());
  expect(upload).toMatchObject({ originalName: "Photo.png", size: 6, mimeType: "image/svg+xml" });
  expect(upload.name).toMatch(/^photo_[a-z0-9]{10}\.png$/);
  expect(await upload.content.text()).toBe("<svg/>");
  const nameless = await readUpload(new File(["%PDF-1.7"], "report"), seeded());
  expect(nameless.name).toMatch(/^report_[a-z0-9]{10}\.pdf$/);
});
