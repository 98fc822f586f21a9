/**
 * Data channels: frames `{type, data}` in MsgPack or JSON run the operation of that frame type.
 * Success says nothing of its own (the operation's events do); failure is an `error` event.
 */

import { fail, toAppError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ParticipantCaller } from "../../core/access.ts";
import type { Kernel } from "../../core/execute.ts";
import type { ChannelAcceptor, FrameChannel } from "../../core/wire.ts";
import { decodeFrame, type Frame } from "../../tools/codec.ts";
import { TokenBuckets } from "../../tools/token-bucket.ts";

/** `count` is the burst; refilled at `roomFramesPerSecond`. */
const RATE = {
  count: LIMITS.roomFramesBurst,
  windowMs: (LIMITS.roomFramesBurst / LIMITS.roomFramesPerSecond) * 1000,
};

export function dataChannelWire(kernel: Kernel): ChannelAcceptor {
  return { accept: (channel) => new ChannelConnection(kernel, channel) };
}

/** One channel. Frames run one after another, so that two chat lines keep their order. */
class ChannelConnection {
  readonly #kernel: Kernel;
  readonly #channel: FrameChannel;
  readonly #rate = new TokenBuckets(1);
  #badFrames = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(kernel: Kernel, channel: FrameChannel) {
    this.#kernel = kernel;
    this.#channel = channel;
    channel.onFrame((frame) => {
      // The rate bounds how many can wait here: none is queued that the bucket did not let in.
      if (this.#admit(frame)) this.#tail = this.#tail.then(() => this.#run(frame));
    });
  }

  #admit(frame: Frame): boolean {
    if (this.#channel.session.ended) return false;
    const waitMs = this.#rate.take("frames", RATE, this.#kernel.runtime.clock.monotonic());
    const length = typeof frame === "string" ? Buffer.byteLength(frame) : frame.byteLength;
    if (waitMs > 0) {
      this.#refuse(fail.rate_limited("rate_limited", "Too many frames: slow down."));
    } else if (length > LIMITS.roomEventFrameBytesMax) {
      const kib = LIMITS.roomEventFrameBytesMax / 1024;
      this.#refuse(fail.too_large("frame_too_large", `A frame has at most ${kib} KiB.`));
    } else return true;
    return false;
  }

  async #run(frame: Frame): Promise<void> {
    if (this.#channel.session.ended) return;
    try {
      const { codec, value } = decodeFrame(frame);
      this.#channel.useCodec(codec);
      const { type, data } = readEnvelope(value);
      const operation = this.#kernel.registry.frame(type);
      if (!operation || operation.kind === "watch") {
        throw fail.invalid("unknown_type", `There is no event type ${type} for clients.`);
      }
      const caller = this.#channel.session.caller as ParticipantCaller;
      const place = { room_id: caller.roomId, participant_id: caller.participantId };
      const options = { caller, requestId: this.#kernel.runtime.ids.record() };
      const given = operation.frame === "*" ? { type, data } : data;
      await this.#kernel.call(operation, () => ({ ...given, ...place }), options);
      this.#badFrames = 0;
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  #refuse(thrown: unknown): void {
    const { code, message } = toAppError(thrown);
    this.#channel.send({ type: "error", data: { code, message } });
    this.#badFrames += 1;
    if (this.#badFrames >= LIMITS.roomBadFramesMax) this.#channel.session.end("protocol_error");
  }
}

function readEnvelope(value: unknown): { type: string; data: Record<string, unknown> } {
  if (isRecord(value) && typeof value.type === "string" && value.type.length <= 64) {
    const data = value.data ?? {};
    if (isRecord(data)) return { type: value.type, data };
  }
  throw fail.invalid("malformed_frame", "A frame is {type, data}: a short text and an object.");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
