/** Thumbs: sizes, cuts, formats, bounds. */

import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { LIMITS } from "../../src/base/limits.ts";
import {
  createThumbs,
  parseThumbSpec,
  planThumb,
  type ThumbResult,
} from "../../src/infra/files/thumbs.ts";
import { Gate } from "../../src/tools/gate.ts";

type Pixel = readonly [red: number, green: number, blue: number, alpha: number];
const RED: Pixel = [255, 0, 0, 255];
const GREEN: Pixel = [0, 255, 0, 255];
const BLUE: Pixel = [0, 0, 255, 255];
const NONE: Pixel = [0, 0, 0, 0];

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(Bun.hash.crc32(body), body.length + 4);
  return out;
}

/** A PNG whose pixels `at` names. */
function png(width: number, height: number, at: (x: number, y: number) => Pixel): Uint8Array {
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(at(x, y), (width * 4 + 1) * y + 1 + x * 4);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const data = chunk("IDAT", deflateSync(rows));
  return Buffer.concat([signature, chunk("IHDR", header), data, chunk("IEND", Buffer.alloc(0))]);
}

/** A third of its width, or height, in each of three colours. */
const across = (width: number, height: number) =>
  png(width, height, (x) => [RED, GREEN, BLUE][Math.floor((x * 3) / width)] ?? NONE);
const down = (width: number, height: number) =>
  png(width, height, (_x, y) => [RED, GREEN, BLUE][Math.floor((y * 3) / height)] ?? NONE);

async function make(bytes: Uint8Array, size: string): Promise<ThumbResult> {
  const spec = parseThumbSpec(size);
  if (!spec) throw new Error(`${size} is no size`);
  return createThumbs().make({ key: "k", bytes: bytes.length, load: async () => bytes }, spec);
}

async function made(bytes: Uint8Array, size: string) {
  const result = await make(bytes, size);
  if (result.kind !== "made") throw new Error(`served the original: ${result.reason}`);
  const { width, height } = await new Bun.Image(result.bytes).metadata();
  return { ...result, width, height };
}

/** The nearest of the test colours at a place given as parts of the sides. */
async function colourAt(bytes: Uint8Array, x: number, y: number): Promise<string> {
  const image = await new Bun.Image(bytes).png({ compressionLevel: 0 }).bytes();
  const { width, height } = await new Bun.Image(bytes).metadata();
  const { cropPng } = await import("../../src/infra/files/png-crop.ts");
  const area = { left: Math.floor(x * (width - 1)), top: Math.floor(y * (height - 1)) };
  const dot = await cropPng(image, { ...area, width: 1, height: 1 });
  // The one pixel's bytes stand right behind the block's header and its row's filter.
  const at = Buffer.from(dot).indexOf("IDAT") + 4 + 2 + 5 + 1;
  const [red = 0, green = 0, blue = 0, alpha = 0] = dot.subarray(at, at + 4);
  if (alpha < 128) return "none";
  const most = Math.max(red, green, blue);
  return most === red ? "red" : most === green ? "green" : "blue";
}

test("sizes are read, and nothing else is", () => {
  const rows: [string, string][] = [
    ["100x50", "100x50 cover"],
    ["100x50t", "100x50 cover_top"],
    ["100x50b", "100x50 cover_bottom"],
    ["100x50f", "100x50 fit"],
    ["0x50", "0x50 scale"],
    ["100x0", "100x0 scale"],
    ["100x0f", "100x0 scale"],
    ["0x0", "none"],
    ["100", "none"],
    ["100x50x", "none"],
    ["-1x50", "none"],
    ["1e3x5", "none"],
    [" 1x1", "none"],
    ["12345678901x1", "none"],
    ["", "none"],
  ];
  for (const [text, expected] of rows) {
    const spec = parseThumbSpec(text);
    const shown = spec ? `${spec.width}x${spec.height} ${spec.mode}` : "none";
    expect({ text, shown }).toEqual({ text, shown: expected });
  }
});

test("each mode has its size", async () => {
  const rows: [number, number, string, number, number][] = [
    [400, 300, "100x100", 100, 100],
    [300, 400, "100x50t", 100, 50],
    [300, 400, "50x100b", 50, 100],
    [400, 300, "100x100f", 100, 75],
    [300, 400, "100x100f", 75, 100],
    [40, 30, "100x100f", 40, 30],
    [400, 300, "0x60", 80, 60],
    [400, 300, "60x0", 60, 45],
    [40, 30, "80x0", 80, 60],
    [40, 30, "100x100", 100, 100],
    [1000, 2, "10x10f", 10, 1],
    [1000, 2, "10x10", 10, 10],
    [2, 1000, "10x10", 10, 10],
    [1, 1, "7x3", 7, 3],
    [7, 13, "7x13", 7, 13],
    [1001, 667, "100x67", 100, 67],
  ];
  for (const [width, height, size, toWidth, toHeight] of rows) {
    const thumb = await made(across(width, height), size);
    const got = { width, height, size, to: [thumb.width, thumb.height] };
    expect(got).toEqual({ width, height, size, to: [toWidth, toHeight] });
  }
});

test("a cut keeps the middle, the top or the bottom", async () => {
  const rows: [Uint8Array, string, string, string][] = [
    [down(90, 270), "60x60", "green", "green"],
    [down(90, 270), "60x60t", "red", "red"],
    [down(90, 270), "60x60b", "blue", "blue"],
    [across(270, 90), "60x60", "green", "green"],
    [across(270, 90), "60x60f", "red", "blue"],
    [down(9, 27), "60x60", "green", "green"],
    [down(9, 27), "60x60b", "blue", "blue"],
    [down(90, 270), "0x90", "red", "blue"],
  ];
  for (const [index, [bytes, size, first, last]] of rows.entries()) {
    const thumb = await made(bytes, size);
    const got = [await colourAt(thumb.bytes, 0.05, 0.05), await colourAt(thumb.bytes, 0.95, 0.95)];
    expect({ index, got }).toEqual({ index, got: [first, last] });
  }
});

test("JPEG stays JPEG, WebP and PNG become PNG and keep what is clear", async () => {
  const halfClear = png(200, 100, (x) => (x < 100 ? NONE : RED));
  const jpeg = await new Bun.Image(halfClear).jpeg().bytes();
  const webp = await new Bun.Image(halfClear).webp({ lossless: true }).bytes();
  expect((await made(jpeg, "50x50")).type).toBe("image/jpeg");
  for (const source of [halfClear, webp]) {
    const thumb = await made(source, "50x50");
    expect(thumb.type).toBe("image/png");
    expect(await colourAt(thumb.bytes, 0.1, 0.5)).toBe("none");
    expect(await colourAt(thumb.bytes, 0.9, 0.5)).toBe("red");
  }
});

test("the first frame of a GIF is used", async () => {
  const gif = Buffer.from("R0lGODlhAQABAIAAAP8AAP///ywAAAAAAQABAAACAkQBADs=", "base64");
  const thumb = await made(gif, "20x10");
  expect([thumb.type, thumb.width, thumb.height]).toEqual(["image/png", 20, 10]);
  expect(await colourAt(thumb.bytes, 0.5, 0.5)).toBe("red");
});

test("a photo is turned as its camera noted", async () => {
  const jpeg = await new Bun.Image(across(90, 30)).jpeg({ quality: 95 }).bytes();
  // EXIF with the one entry Orientation = 6: a quarter turn clockwise.
  const exif = Buffer.from(
    "ffe100224578696600004d4d002a000000080001011200030000000100060000",
    "hex",
  );
  const turned = Buffer.concat([jpeg.subarray(0, 2), exif, Buffer.alloc(4), jpeg.subarray(2)]);
  const thumb = await made(turned, "0x90");
  expect([thumb.width, thumb.height]).toEqual([30, 90]);
  expect(await colourAt(thumb.bytes, 0.5, 0.05)).toBe("red");
  expect(await colourAt(thumb.bytes, 0.5, 0.95)).toBe("blue");
  expect(await colourAt((await made(turned, "30x30b")).bytes, 0.5, 0.5)).toBe("blue");
});

test("what cannot be made is served as it is, with the reason", async () => {
  const small = across(30, 30);
  const bomb = Buffer.from(small);
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  bomb.writeUInt32BE(Bun.hash.crc32(bomb.subarray(12, 29)), 29);
  const rows: [string, Uint8Array, string, string][] = [
    ["no picture", Buffer.from("hello"), "10x10", "unreadable"],
    ["empty", new Uint8Array(0), "10x10", "unreadable"],
    ["cut short", small.subarray(0, 60), "10x10", "unreadable"],
    ["svg", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), "10x10", "unreadable"],
    ["too many pixels", bomb, "10x10", "too_large"],
    ["too large a thumb", small, `${LIMITS.thumbSideMax + 1}x1`, "too_large"],
    ["too long a side", across(3, 1), `0x${LIMITS.thumbSideMax}`, "too_large"],
  ];
  for (const [name, bytes, size, reason] of rows) {
    const result = await make(bytes, size);
    expect({ name, result }).toEqual({ name, result: { kind: "original", reason } as ThumbResult });
  }
});

test("a large source is not even loaded, a vanished one is no error", async () => {
  const thumbs = createThumbs();
  const spec = { width: 10, height: 10, mode: "cover" } as const;
  const load = async () => {
    throw new Error("loaded");
  };
  const large = { key: "a", bytes: LIMITS.thumbSourceBytesMax + 1, load };
  expect(await thumbs.make(large, spec)).toEqual({ kind: "original", reason: "too_large" });
  const gone = { key: "b", bytes: 1, load: async () => undefined };
  expect(await thumbs.make(gone, spec)).toEqual({ kind: "original", reason: "unreadable" });
  await expect(thumbs.make({ key: "c", bytes: 1, load }, spec)).rejects.toThrow("loaded");
});

test("those who ask for the same thumb share it, few are made at once, too many get the original", async () => {
  const thumbs = createThumbs();
  const picture = across(60, 60);
  const spec = { width: 10, height: 10, mode: "cover" } as const;
  const held = Promise.withResolvers<void>();
  let loads = 0;
  const source = (key: string) => ({
    key,
    bytes: picture.length,
    load: async () => {
      loads++;
      await held.promise;
      return picture;
    },
  });
  const same = [thumbs.make(source("a"), spec), thumbs.make(source("a"), spec)];
  expect(same[0]).toBe(same[1]);
  const others = Array.from({ length: LIMITS.thumbsWaitingMax + 1 }, (_, index) =>
    thumbs.make(source(`b${index}`), spec),
  );
  await Promise.resolve();
  expect(loads).toBe(LIMITS.thumbsRunningMax);
  expect(await thumbs.make(source("c"), spec)).toEqual({ kind: "original", reason: "busy" });
  held.resolve();
  const kinds = new Set((await Promise.all([...same, ...others])).map((result) => result.kind));
  expect([...kinds]).toEqual(["made"]);
  expect((await thumbs.make(source("a"), spec)).kind).toBe("made");
});

test("no step of a plan has more pixels than picture and thumb, and every cut lies within", () => {
  const sides = [1, 2, 3, 7, 99, 100, 101, 640, 1333, 4000];
  const modes = ["cover", "cover_top", "cover_bottom"] as const;
  for (const width of sides) {
    for (const height of sides) {
      for (const [toWidth, toHeight] of [
        [1, 1],
        [100, 100],
        [33, 77],
        [640, 99],
      ] as const) {
        for (const mode of modes) {
          const plan = planThumb({ width, height }, { width: toWidth, height: toHeight, mode });
          expect([plan.width, plan.height]).toEqual([toWidth, toHeight]);
          if (!plan.cut) continue;
          const base = plan.scaled ?? { width, height };
          const { left, top } = plan.cut;
          expect(
            Math.min(left, top, plan.cut.width - 1, plan.cut.height - 1),
          ).toBeGreaterThanOrEqual(0);
          expect(left + plan.cut.width).toBeLessThanOrEqual(base.width);
          expect(top + plan.cut.height).toBeLessThanOrEqual(base.height);
          expect(base.width * base.height).toBeLessThanOrEqual(
            Math.max(width * height, toWidth * toHeight) + base.width + base.height,
          );
        }
      }
    }
  }
});

test("a gate runs in order, refuses beyond its bound, and frees the place of what throws", async () => {
  const gate = new Gate({ runningMax: 1, waitingMax: 2, refuse: () => new Error("full") });
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const run = (name: string) => gate.run(async () => void order.push(name));
  const failing = gate.run(async () => {
    await first.promise;
    throw new Error("broken");
  });
  const [second, third] = [run("second"), run("third")];
  await expect(gate.run(async () => undefined)).rejects.toThrow("full");
  first.resolve();
  await expect(failing).rejects.toThrow("broken");
  await Promise.all([second, third]);
  expect(order).toEqual(["second", "third"]);
  await Promise.resolve();
  expect([gate.running, gate.waiting]).toEqual([0, 0]);
});
