/** Thumbs of stored pictures, made by the runtime's image codec on its own threads. */

import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { Gate } from "../../tools/gate.ts";
import { cropPng, type Rectangle } from "./png-crop.ts";

/**
 * `cover` fills the box and cuts what stands out, at both edges or at one; `fit` stays within it
 * and never enlarges; `scale` has one side of the box open (0) and keeps the aspect ratio.
 */
export interface ThumbSpec {
  readonly width: number;
  readonly height: number;
  readonly mode: "cover" | "cover_top" | "cover_bottom" | "fit" | "scale";
}

export type ThumbResult =
  | { readonly kind: "made"; readonly bytes: Uint8Array; readonly type: "image/jpeg" | "image/png" }
  | { readonly kind: "original"; readonly reason: "too_large" | "unreadable" | "busy" };

export interface ThumbSource {
  /** Names the thumb: those who ask for one that is being made share it. */
  readonly key: string;
  readonly bytes: number;
  /** Called when its turn has come; undefined: the file is gone. */
  readonly load: () => Promise<Uint8Array | undefined>;
}

export interface Thumbs {
  /**
   * The thumb, or why the original is to be served. JPEG stays JPEG, every other format becomes
   * PNG; of animations the first frame counts, and a photo is turned as its camera noted. Throws
   * what `load` throws.
   */
  make(source: ThumbSource, spec: ThumbSpec): Promise<ThumbResult>;
}

const MODES = { "": "cover", t: "cover_top", b: "cover_bottom", f: "fit" } as const;
const JPEG_QUALITY = 90;

/** `100x50`, `100x50t`, `100x50b`, `100x50f`, `0x50`, `100x0`; undefined for anything else. */
export function parseThumbSpec(text: string): ThumbSpec | undefined {
  const match = /^(\d{1,9})x(\d{1,9})([tbf]?)$/.exec(text);
  if (!match) return undefined;
  const [width, height] = [Number(match[1]), Number(match[2])];
  if (width === 0 && height === 0) return undefined;
  const mode = width === 0 || height === 0 ? "scale" : MODES[match[3] as keyof typeof MODES];
  return { width, height, mode };
}

/** At most `thumbsRunningMax` at once; `thumbsWaitingMax` wait. */
export function createThumbs(): Thumbs {
  const gate = new Gate({
    runningMax: LIMITS.thumbsRunningMax,
    waitingMax: LIMITS.thumbsWaitingMax,
    refuse: () => fail.unavailable("thumbs_busy", "Too many thumbs are being made."),
  });
  // Bounded by the gate: an entry lives as long as its run.
  const making = new Map<string, Promise<ThumbResult>>();
  return {
    make(source, spec) {
      const { width, height, mode } = spec;
      const key = `${width}x${height}:${mode}:${source.key}`;
      const known = making.get(key);
      if (known) return known;
      if (gate.waiting >= LIMITS.thumbsWaitingMax) return Promise.resolve(original("busy"));
      const result = gate.run(() => makeThumb(source, spec)).finally(() => making.delete(key));
      making.set(key, result);
      return result;
    },
  };
}

async function makeThumb(source: ThumbSource, spec: ThumbSpec): Promise<ThumbResult> {
  if (source.bytes > LIMITS.thumbSourceBytesMax) return original("too_large");
  const bytes = await source.load();
  // The codec takes an empty buffer for one that was given away.
  if (bytes === undefined || bytes.length === 0) return original("unreadable");
  try {
    return await render(bytes, spec);
  } catch (error) {
    return original(reasonOf(error));
  }
}

function original(reason: "too_large" | "unreadable" | "busy"): ThumbResult {
  return { kind: "original", reason };
}

/** Rethrows what is no fault of the picture. */
function reasonOf(error: unknown): "too_large" | "unreadable" {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ERR_IMAGE_TOO_MANY_PIXELS") return "too_large";
  if (!code.startsWith("ERR_IMAGE_")) throw error;
  return "unreadable";
}

async function render(bytes: Uint8Array, spec: ThumbSpec): Promise<ThumbResult> {
  const { width, height, format } = await open(bytes).metadata();
  const plan = planThumb({ width, height }, spec);
  if (Math.max(plan.width, plan.height) > LIMITS.thumbSideMax) return original("too_large");
  const image = open(await cut(bytes, plan)).resize(plan.width, plan.height, { fit: "fill" });
  if (format !== "jpeg")
    return { kind: "made", type: "image/png", bytes: await image.png().bytes() };
  const jpeg = await image.jpeg({ quality: JPEG_QUALITY }).bytes();
  return { kind: "made", type: "image/jpeg", bytes: jpeg };
}

/** The picture's part that the thumb shows, as a picture; the whole one is left as it is. */
async function cut(bytes: Uint8Array, { cut: area, scaled }: ThumbPlan): Promise<Uint8Array> {
  if (!area) return bytes;
  const image = open(bytes);
  const sized = scaled ? image.resize(scaled.width, scaled.height, { fit: "fill" }) : image;
  return cropPng(await sized.png({ compressionLevel: 0 }).bytes(), area);
}

function open(bytes: Uint8Array): Bun.Image {
  return new Bun.Image(bytes, { maxPixels: LIMITS.thumbPixelsMax });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** First scale to `scaled`, then cut, then scale to the size; the first two where they are there. */
export interface ThumbPlan extends Size {
  readonly scaled?: Size;
  readonly cut?: Rectangle;
}

/** Sizes as the reference rounds them; no side is ever 0. */
export function planThumb(source: Size, { width, height, mode }: ThumbSpec): ThumbPlan {
  const ratio = source.width / source.height;
  if (mode === "scale") {
    if (width === 0) return { width: atLeastOne(Math.round(height * ratio)), height };
    return { width, height: atLeastOne(Math.round(width / ratio)) };
  }
  if (mode === "fit") return planFit(source, { width, height });
  const box = { width, height };
  const { base, part } = planCover(source, box);
  const spare = base.height - part.height;
  const top = { cover: Math.floor(spare / 2), cover_top: 0, cover_bottom: spare }[mode];
  const left = Math.floor((base.width - part.width) / 2);
  if (part.width === base.width && part.height === base.height) return box;
  const scaled = base === source ? {} : { scaled: base };
  return { ...box, ...scaled, cut: { left, top, ...part } };
}

/**
 * What is cut, and from which size of the picture. It is shrunk before and enlarged after the cut,
 * whichever is due, so that no step holds more pixels than the picture or the thumb.
 */
function planCover(source: Size, box: Size): { readonly base: Size; readonly part: Size } {
  const factor = Math.max(box.width / source.width, box.height / source.height);
  if (factor >= 1) {
    const width = Math.min(source.width, atLeastOne(Math.round(box.width / factor)));
    const height = Math.min(source.height, atLeastOne(Math.round(box.height / factor)));
    return { base: source, part: { width, height } };
  }
  const width = Math.max(box.width, Math.round(source.width * factor));
  const height = Math.max(box.height, Math.round(source.height * factor));
  return { base: { width, height }, part: box };
}

function planFit(source: Size, box: Size): ThumbPlan {
  const { width, height } = source;
  if (width <= box.width && height <= box.height) return { width, height };
  const ratio = width / height;
  if (ratio > box.width / box.height) {
    return { width: box.width, height: atLeastOne(Math.floor(box.width / ratio)) };
  }
  return { width: atLeastOne(Math.floor(box.height * ratio)), height: box.height };
}

function atLeastOne(side: number): number {
  return Math.max(1, side);
}
