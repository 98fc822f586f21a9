/**
 * The way to one client: the data channel once it is open, else the signalling stream, else
 * nothing. close: the stream ends; the channel is the peer's and closes with it.
 */

import type { EndReason, Stream } from "../../../core/session.ts";
import type { MediaPeer } from "../../../infra/media/engine.ts";
import type { Counter } from "../../../infra/metrics/families.ts";
import type { Codec } from "../../../tools/codec.ts";
import type { RoomMessage } from "../events.ts";

export class Delivery {
  #codec: Codec = "msgpack";
  #peer: MediaPeer | undefined;
  #channelOpen = false;
  #stream: Stream | undefined;
  readonly #onStreamEnd: () => void;
  readonly #delivered: Counter;

  /** `delivered` counts what goes to the channel. */
  constructor(onStreamEnd: () => void, delivered: Counter) {
    this.#onStreamEnd = onStreamEnd;
    this.#delivered = delivered;
  }

  /** The client's; MsgPack until it spoke. */
  get codec(): Codec {
    return this.#codec;
  }

  get channelOpen(): boolean {
    return this.#channelOpen;
  }

  useCodec(codec: Codec): void {
    this.#codec = codec;
  }

  /** Another connection, whose channel is not open yet; undefined: none. */
  setPeer(peer: MediaPeer | undefined): void {
    this.#peer = peer;
    this.#channelOpen = false;
  }

  openChannel(): void {
    this.#channelOpen = true;
  }

  /** One stream at a time: the client that opens another has lost the first. */
  attach(stream: Stream): void {
    const before = this.#stream;
    this.#stream = stream;
    before?.end("replaced");
    stream.onEnd(() => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#onStreamEnd();
    });
  }

  send(message: RoomMessage): void {
    if (this.#channelOpen) {
      this.#peer?.send(message.frame(this.#codec));
      this.#delivered.inc();
    } else this.#stream?.push({ data: message.envelope });
  }

  /** A last message goes both ways: the channel may be gone without our knowing. */
  close(last: RoomMessage | undefined, reason: EndReason): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (last) {
      if (this.#channelOpen) this.#peer?.send(last.frame(this.#codec));
      stream?.push({ data: last.envelope });
    }
    stream?.end(reason);
    this.setPeer(undefined);
  }
}
