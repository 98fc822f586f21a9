/** What wires share: they translate between a protocol and the kernel, nothing more. */

import { fail } from "../base/errors.ts";
import type { Ids } from "../base/ids.ts";
import { LIMITS } from "../base/limits.ts";
import type { Codec, Frame } from "../tools/codec.ts";
import { isDeeper } from "../tools/json-depth.ts";
import type { Session } from "./session.ts";

/**
 * A channel of messages that a feature opened for one client and that a wire speaks on: the wire
 * decodes the client's frames, runs the operations they name, and says what is wrong with them.
 */
export interface FrameChannel {
  /** Ends with the client; ending it ends the client's part in the feature. */
  readonly session: Session;
  /** Sends one message in the codec the client speaks. */
  send(message: unknown): void;
  onFrame(listener: (frame: Frame) => void): void;
  /** The client spoke in this codec: everything to it follows in kind. */
  useCodec(codec: Codec): void;
}

/** Where features hand over channels they opened. */
export interface ChannelAcceptor {
  accept(channel: FrameChannel): void;
}

const REQUEST_ID = /^[\w.:-]+$/;

/** The client's own request id where it is a sane one, else a fresh one. */
export function requestIdFrom(given: string | null | undefined, ids: Ids): string {
  if (given && given.length <= LIMITS.requestIdCharsMax && REQUEST_ID.test(given)) return given;
  return ids.record();
}

/** The token of an Authorization header, with or without `Bearer `; undefined when there is none. */
export function bearerToken(header: string | null | undefined): string | undefined {
  if (!header) return undefined;
  const token = header.replace(/^bearer /i, "");
  return token === "" ? undefined : token;
}

/**
 * Parses JSON from outside. An empty text is undefined. Errors: 400 `invalid_json` for what is not
 * JSON or is nested deeper than `LIMITS.jsonDepthMax`.
 */
export function parseJson(text: string): unknown {
  if (text.trim() === "") return undefined;
  if (isDeeper(text, LIMITS.jsonDepthMax)) {
    throw fail.invalid("invalid_json", `JSON may be nested ${LIMITS.jsonDepthMax} levels deep.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw fail.invalid("invalid_json", "The body is not valid JSON.");
  }
}
