/** Media types: told from content, compared, chosen for downloads. */

import { expect, test } from "bun:test";
import {
  downloadType,
  isInlineType,
  SNIFF_BYTES,
  sameType,
  sniffType,
} from "../../src/tools/mime.ts";

/** Bytes written one character each. */
const bytes = (text: string) => Buffer.from(text, "latin1");
const ftyp = (brand: string) => bytes(`\0\0\0\x18ftyp${brand}\0\0\0\0mp42isom`);
const riff = (kind: string) => bytes(`RIFF\x24\0\0\0${kind}fmt `);

function zip(...names: string[]): Buffer {
  const entries = names.map((name) => {
    const [file, content = ""] = name.split("=");
    const header = Buffer.alloc(30);
    header.write("PK\x03\x04", "latin1");
    header.writeUInt16LE(file?.length ?? 0, 26);
    return Buffer.concat([header, bytes((file ?? "") + content)]);
  });
  return Buffer.concat([...entries, bytes("PK\x01\x02")]);
}

function ole(classId: string): Buffer {
  const head = Buffer.alloc(2048);
  head.write("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "latin1");
  head.writeUInt16LE(9, 30);
  head.writeUInt16LE(1, 48);
  head.write(classId, 512 * 2 + 80, "latin1");
  return head;
}

test("binary formats are told by their content", async () => {
  const picture = new Bun.Image(
    Buffer.from("R0lGODlhAQABAIAAAP8AAP///ywAAAAAAQABAAACAkQBADs=", "base64"),
  );
  const rows: [string, Uint8Array, string][] = [
    ["png", await picture.png().bytes(), "image/png .png"],
    ["jpeg", await picture.jpeg().bytes(), "image/jpeg .jpg"],
    ["webp", await picture.webp().bytes(), "image/webp .webp"],
    ["gif", bytes("GIF89a\x01\0"), "image/gif .gif"],
    ["bmp", bytes("BM\x36\0\0\0"), "image/bmp .bmp"],
    ["tiff", bytes("II*\0\x08\0"), "image/tiff .tiff"],
    ["ico", bytes("\0\0\x01\0\x01\0"), "image/x-icon .ico"],
    ["avif", ftyp("avif"), "image/avif .avif"],
    ["heic", ftyp("heic"), "image/heic .heic"],
    ["heif", ftyp("mif1"), "image/heif .heif"],
    ["mp4", ftyp("isom"), "video/mp4 .mp4"],
    ["mp4 of another brand", ftyp("XAVC"), "video/mp4 .mp4"],
    ["m4a", ftyp("M4A "), "audio/x-m4a .m4a"],
    ["m4v", ftyp("M4V "), "video/x-m4v .m4v"],
    ["quicktime", ftyp("qt  "), "video/quicktime .mov"],
    ["quicktime of old", bytes("\0\0\0\x08moov\0\0"), "video/quicktime .mov"],
    ["3gp", ftyp("3gp4"), "video/3gpp .3gp"],
    ["3g2", ftyp("3g2a"), "video/3gpp2 .3g2"],
    ["webm", bytes("\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"), "video/webm .webm"],
    ["mkv", bytes("\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska"), "video/x-matroska .mkv"],
    ["avi", riff("AVI "), "video/x-msvideo .avi"],
    ["wav", riff("WAVE"), "audio/wav .wav"],
    ["mp3 with tags", bytes("ID3\x04\0"), "audio/mpeg .mp3"],
    ["mp3 without", bytes("\xff\xfb\x90\x64"), "audio/mpeg .mp3"],
    ["aac", bytes("\xff\xf1\x50\x80"), "audio/aac .aac"],
    ["flac", bytes('fLaC\0\0\0"'), "audio/flac .flac"],
    ["opus", bytes(`OggS\0${"\0".repeat(23)}OpusHead`), "audio/ogg .oga"],
    ["theora", bytes(`OggS\0${"\0".repeat(23)}\x80theora`), "video/ogg .ogv"],
    ["pdf", bytes("%PDF-1.7\n%\xe2\xe3"), "application/pdf .pdf"],
    ["pdf after blanks", bytes("\n\n%PDF-1.7\n%\xe2\xe3"), "application/pdf .pdf"],
    ["zip", zip("a.txt=hello"), "application/zip .zip"],
    ["empty zip", bytes(`PK\x05\x06${"\0".repeat(18)}`), "application/zip .zip"],
    [
      "docx",
      zip("[Content_Types].xml=<x/>", "_rels/.rels", "word/document.xml"),
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document .docx",
    ],
    [
      "xlsx",
      zip("[Content_Types].xml=<x/>", "xl/workbook.xml"),
      "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet .xlsx",
    ],
    [
      "pptx",
      zip("_rels/.rels", "ppt/presentation.xml"),
      "application/vnd.openxmlformats-officedocument.presentationml.presentation .pptx",
    ],
    [
      "odt",
      zip("mimetype=application/vnd.oasis.opendocument.text", "content.xml"),
      "application/vnd.oasis.opendocument.text .odt",
    ],
    ["epub", zip("mimetype=application/epub+zip", "a"), "application/epub+zip .epub"],
    ["jar", zip("META-INF/MANIFEST.MF=x"), "application/java-archive .jar"],
    ["apk", zip("AndroidManifest.xml=x"), "application/vnd.android.package-archive .apk"],
    ["doc", ole("\x06\x09\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F"), "application/msword .doc"],
    ["xls", ole("\x20\x08\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F"), "application/vnd.ms-excel .xls"],
    ["another compound file", ole(""), "application/x-ole-storage "],
    ["gzip", Bun.gzipSync("x"), "application/gzip .gz"],
    ["7z", bytes("7z\xbc\xaf'\x1c\0\x04"), "application/x-7z-compressed .7z"],
    ["rar", bytes("Rar!\x1a\x07\x01\0"), "application/x-rar-compressed .rar"],
    ["tar", bytes(`${"a".repeat(257)}ustar\x0000`), "application/x-tar .tar"],
    ["sqlite", bytes("SQLite format 3\0"), "application/vnd.sqlite3 .sqlite"],
    ["wasm", bytes("\0asm\x01\0\0\0"), "application/wasm .wasm"],
    ["woff2", bytes("wOF2\0\x01"), "font/woff2 .woff2"],
    ["nothing known", bytes("\x00\x01\x02\x03\x04"), "application/octet-stream "],
  ];
  for (const [name, start, expected] of rows) {
    const { type, extension } = sniffType(start);
    expect({ name, got: `${type} ${extension}` }).toEqual({ name, got: expected });
  }
});

test("text formats are told by their beginning", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="1"/>';
  const rows: [string, string][] = [
    ["hello", "text/plain; charset=utf-8"],
    ["", "text/plain"],
    ["grüße", "text/plain; charset=utf-8"],
    ["\ufeffhello", "text/plain; charset=utf-8"],
    [svg, "image/svg+xml"],
    [`  <!-- a --> <!-- b -->\n${svg}`, "image/svg+xml"],
    [`<?xml version="1.0"?>\n<!DOCTYPE svg>${svg}`, "image/svg+xml"],
    ["<svg>without its name space</svg>", "text/plain; charset=utf-8"],
    ["<!DOCTYPE html><html></html>", "text/html; charset=utf-8"],
    ['<html><meta charset="windows-1251">', "text/html; charset=windows-1251"],
    ['<?xml version="1.0" encoding="UTF-8"?><a/>', "text/xml; charset=UTF-8"],
    ["\n\n<HTML >", "text/html; charset=utf-8"],
    ["<script>alert(1)</script>", "text/html; charset=utf-8"],
    ["<bold>", "text/plain; charset=utf-8"],
    ['<?xml version="1.0"?><note/>', "text/xml; charset=utf-8"],
    ['<?xml version="1.0"?><rss version="2.0">', "application/rss+xml"],
    ['{"a": [1, 2]}', "application/json"],
    ["[1, 2]\n", "application/json"],
    ["5", "text/plain; charset=utf-8"],
    ['"text"', "text/plain; charset=utf-8"],
    ["{broken", "text/plain; charset=utf-8"],
    ['{"type": "Feature"}', "application/geo+json"],
    ['{"a":1}\n{"a":2}\n', "application/x-ndjson"],
    ["a,b,c\n1,2,3\n", "text/csv"],
    ['name,text\n1,"a, b"', "text/csv"],
    ['a,b\n"two\nlines, one field",2\n', "text/csv"],
    ["a\tb\n1\t2", "text/tab-separated-values"],
    ["one, two\nthree", "text/plain; charset=utf-8"],
    ["BEGIN:VCARD\r\nVERSION:3.0", "text/vcard"],
    ["BEGIN:VCALENDAR\nVERSION:2.0", "text/calendar"],
    ["WEBVTT\n\n00:00.000 --> 00:01.000", "text/vtt"],
    ["1\n00:00:01,000 --> 00:00:02,000\nHi", "application/x-subrip"],
    ["{\\rtf1 x}", "text/rtf"],
    ["#!/usr/bin/env python3\n", "text/x-python"],
    ["#!/usr/bin/perl -w\n", "text/x-perl"],
    ["#!/usr/bin/env -S node --x\n", "text/javascript"],
    ["#!/usr/bin/perlish\n", "text/plain; charset=utf-8"],
    ["#!/bin/sh\n", "text/x-shellscript"],
    ["#!/usr/bin/node\n", "text/javascript"],
    ["<?php echo 1;", "text/x-php"],
    ["body { color: red }", "text/plain; charset=utf-8"],
  ];
  for (const [text, expected] of rows) {
    expect({ text, got: sniffType(Buffer.from(text)).type }).toEqual({ text, got: expected });
  }
});

test("charsets other than UTF-8 are named", () => {
  const rows: [Uint8Array, string][] = [
    [bytes("gr\xfc\xdfe"), "text/plain; charset=iso-8859-1"],
    [bytes("\x93quoted\x94"), "text/plain; charset=windows-1252"],
    [Buffer.from("\ufeffhi", "utf16le"), "text/plain; charset=utf-16le"],
    [bytes("\xfe\xff\0h\0i"), "text/plain; charset=utf-16be"],
  ];
  for (const [start, expected] of rows) expect(sniffType(start).type).toBe(expected);
});

test("of a long file only the beginning counts, also where it cuts a character or a value", () => {
  const fill = (text: string, unit: string) => Buffer.from(text + unit.repeat(SNIFF_BYTES));
  const rows: [Uint8Array, string][] = [
    [fill("a", "ü"), "text/plain; charset=utf-8"],
    [fill('{"a": [', '"x", '), "application/json"],
    [fill("{ this is prose", " on"), "text/plain; charset=utf-8"],
    [fill("a,b\n", "1,2\n"), "text/csv"],
    [fill("", '{"a":1}\n'), "application/x-ndjson"],
    [fill("<p>", " \0"), "application/octet-stream"],
    [Buffer.concat([Buffer.alloc(SNIFF_BYTES, "a"), bytes("\0\0")]), "text/plain; charset=utf-8"],
  ];
  for (const [index, [start, expected]] of rows.entries()) {
    expect({ index, got: sniffType(start).type }).toEqual({ index, got: expected });
  }
});

test("no content makes sniffing fail or slow", () => {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  const starts = [
    "PK\x03\x04",
    "RIFF",
    "\0\0\0\x18ftyp",
    "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "<?xml ",
    "{",
    "[",
  ];
  for (let round = 0; round < 2_000; round++) {
    const noise = Buffer.from(Array.from({ length: random() * 4 }, random));
    const { type } = sniffType(Buffer.concat([bytes(starts[round % starts.length] ?? ""), noise]));
    expect(type).toMatch(/^[\w.+-]+\/[\w.+-]+(; charset=[\w-]+)?$/);
  }
  for (const unit of ["<!--", "[", "{", '"', ",", "<svg ", "\n", "#!", "PK\x03\x04"]) {
    sniffType(bytes(unit.repeat(SNIFF_BYTES)));
  }
});

test("types are the same under their other names, whatever the parameters", () => {
  const same: [string, string][] = [
    ["application/pdf", "application/x-pdf"],
    ["text/plain; charset=utf-8", "text/plain"],
    ["Audio/X-WAV", "audio/wav"],
    ["audio/wave", "audio/vnd.wave"],
    ["application/unheard-of", "application/unheard-of;q=1"],
  ];
  const other: [string, string][] = [
    ["image/png", "image/jpeg"],
    ["image/jpg", "image/jpeg"],
    ["text/html", "text/plain"],
    ["", "image/png"],
    ["constructor", "image/png"],
  ];
  for (const [one, two] of same) expect([one, two, sameType(one, two)]).toEqual([one, two, true]);
  for (const [one, two] of other) expect([one, two, sameType(one, two)]).toEqual([one, two, false]);
});

test("downloads: scripts and pictures that carry scripts are never shown in place", () => {
  const rows: [string, boolean][] = [
    ["image/png", true],
    ["image/jpeg", true],
    ["video/mp4", true],
    ["audio/mpeg", true],
    ["application/pdf", true],
    ["image/svg+xml", false],
    ["text/html; charset=utf-8", false],
    ["text/plain; charset=utf-8", false],
    ["image/avif", false],
    ["application/octet-stream", false],
    ["", false],
  ];
  for (const [type, inline] of rows) expect([type, isInlineType(type)]).toEqual([type, inline]);
});

test("downloads: the extension decides the type of svg, css and scripts only", () => {
  const rows: [string, string, string][] = [
    ["a.svg", "text/xml; charset=utf-8", "image/svg+xml"],
    ["a.css", "text/plain; charset=utf-8", "text/css"],
    ["a.min.js", "text/plain; charset=utf-8", "text/javascript"],
    ["a.mjs", "text/plain", "text/javascript"],
    ["a.png", "image/jpeg", "image/jpeg"],
    ["svg", "text/plain", "text/plain"],
    ["a.constructor", "image/png", "image/png"],
    ["a.bin", "", "application/octet-stream"],
  ];
  for (const [name, stored, expected] of rows) {
    expect([name, downloadType(name, stored)]).toEqual([name, expected]);
  }
});
