/** Frames of the room's data channel: MsgPack as bytes, JSON as text. */

import { decode, Encoder } from "@msgpack/msgpack";
import type { Json, RoomEvent } from "./shapes.ts";
import { readEvent } from "./shapes.ts";

/** The server refuses longer ones. */
export const FRAME_BYTES_MAX = 64 * 1024;

/** Error: RangeError when the event is longer than the server takes. */
export function encodeEvent(type: string, data: Json): Uint8Array<ArrayBuffer> {
  const frame = new Encoder({ ignoreUndefined: true }).encode({ type, data });
  if (frame.byteLength > FRAME_BYTES_MAX) {
    throw new RangeError(`The ${type} event is longer than ${FRAME_BYTES_MAX} bytes.`);
  }
  return frame;
}

/** Error: ProtocolError and whatever the decoders throw for a malformed frame. */
export function decodeEvent(frame: string | ArrayBuffer): RoomEvent {
  return readEvent(typeof frame === "string" ? JSON.parse(frame) : decode(new Uint8Array(frame)));
}
