/** Frames of channels and sockets: JSON as text, MsgPack as bytes. */

import { Decoder, Encoder } from "@msgpack/msgpack";
import { fail } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";

export type Codec = "msgpack" | "json";
export type Frame = string | Uint8Array;

/** Nothing is shared between calls but the encoder's buffer, which is copied out. */
const encoder = () => new Encoder({ maxDepth: LIMITS.jsonDepthMax, ignoreUndefined: true });

export function encodeFrame(codec: Codec, value: unknown): Frame {
  return codec === "json" ? JSON.stringify(value) : encoder().encode(value);
}

/** Error: 400 `malformed_frame` for what is neither. */
export function decodeFrame(frame: Frame): { readonly codec: Codec; readonly value: unknown } {
  const codec = typeof frame === "string" ? "json" : "msgpack";
  try {
    const value: unknown = typeof frame === "string" ? JSON.parse(frame) : decoder().decode(frame);
    return { codec, value };
  } catch {
    throw fail.invalid("malformed_frame", `The frame is not valid ${codec}.`);
  }
}

/** No length in a frame may exceed the frame itself, so a few bytes cannot ask for gigabytes. */
function decoder(): Decoder {
  const most = LIMITS.roomEventFrameBytesMax * 8;
  return new Decoder({
    maxStrLength: most,
    maxBinLength: most,
    maxArrayLength: most,
    maxMapLength: most,
    maxExtLength: most,
  });
}
