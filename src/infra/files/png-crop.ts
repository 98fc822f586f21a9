/**
 * Cuts a rectangle out of a picture (PNG, W3C Recommendation, third edition). The runtime's image
 * codec resizes but does not cut. It is asked for PNG without compression, whose rows come
 * unfiltered, so that cutting is copying of rows; packing and unpacking run off the event loop.
 * Libraries that decode PNG in JavaScript take a hundred times as long, on the loop.
 */

import { promisify } from "node:util";
import { deflate, inflate } from "node:zlib";
import { assert } from "../../base/errors.ts";

export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
/** Each row begins with the number of its filter. */
const FILTER_BYTES = 1;
const PIXEL_BYTES = 4;
const RGBA = 6;
const unpack = promisify<Uint8Array, Buffer>(inflate);
const pack = promisify<Uint8Array, { level: number }, Buffer>(deflate);

/**
 * `png` as `new Bun.Image(…).png({ compressionLevel: 0 })` writes it: 8 bits, RGBA, rows without
 * filters. The rectangle lies within it. Colour profiles are kept.
 */
export async function cropPng(png: Uint8Array, area: Rectangle): Promise<Uint8Array> {
  const chunks = readChunks(png);
  const header = chunks.find(({ type }) => type === "IHDR")?.data;
  assert(header && header[8] === 8 && header[9] === RGBA && header[12] === 0, "PNG of 8-bit RGBA");
  const width = new DataView(header.buffer, header.byteOffset).getUint32(0);
  const packed = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
  const rows = cutRows(await unpack(Buffer.concat(packed)), width, area);
  const cut = { type: "IDAT", data: await pack(rows, { level: 0 }) };
  const kept = chunks.filter(({ type }) => ["iCCP", "sRGB", "gAMA", "cHRM"].includes(type));
  const all = [headerOf(header, area), ...kept, cut, { type: "IEND", data: new Uint8Array(0) }];
  return Buffer.concat([SIGNATURE, ...all.flatMap(writeChunk)]);
}

function cutRows(rows: Uint8Array, width: number, area: Rectangle): Uint8Array {
  const stride = FILTER_BYTES + width * PIXEL_BYTES;
  const cutStride = FILTER_BYTES + area.width * PIXEL_BYTES;
  const cut = new Uint8Array(cutStride * area.height);
  for (let row = 0; row < area.height; row++) {
    const start = stride * (area.top + row);
    assert(rows[start] === 0, "rows of an uncompressed PNG have no filter");
    const from = start + FILTER_BYTES + area.left * PIXEL_BYTES;
    const pixels = rows.subarray(from, from + area.width * PIXEL_BYTES);
    cut.set(pixels, cutStride * row + FILTER_BYTES);
  }
  return cut;
}

function headerOf(header: Uint8Array, { width, height }: Rectangle): Chunk {
  const data = header.slice();
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  return { type: "IHDR", data };
}

function readChunks(png: Uint8Array): Chunk[] {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = view.getUint32(at);
    const type = Buffer.from(png.subarray(at + 4, at + 8)).toString("latin1");
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function writeChunk({ type, data }: Chunk): Uint8Array[] {
  const name = Buffer.from(type, "latin1");
  const [length, checksum] = [new Uint8Array(4), new Uint8Array(4)];
  new DataView(length.buffer).setUint32(0, data.length);
  new DataView(checksum.buffer).setUint32(0, Bun.hash.crc32(data, Bun.hash.crc32(name)));
  return [length, name, data, checksum];
}
