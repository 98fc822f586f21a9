/**
 * One connection of the records' realtime: Server-Sent Events, every one of them exactly an id, an
 * event and one line of data. No heartbeats and no word at the end: its clients know none. Closing:
 * the session's end closes the response; the client's going ends the session.
 */

import { LIMITS } from "../../base/limits.ts";
import {
  dataText,
  type EndReason,
  type Session,
  type Stream,
  type StreamMessage,
} from "../../core/session.ts";
import type { Flusher } from "./flusher.ts";

const encoder = new TextEncoder();

export class RealtimeStream implements Stream {
  readonly body: ReadableStream<Uint8Array>;
  readonly session: Session;
  /** Nothing can be resumed: each connection is a new client. */
  readonly lastEventId = undefined;
  readonly #flusher: Flusher;
  /** Messages that wait for the next flush. */
  #held = "";
  #count = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(session: Session, flusher: Flusher) {
    this.session = session;
    this.#flusher = flusher;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => session.end("client_gone"),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: LIMITS.outboxBytesMax }),
    );
    session.onEnd((reason) => this.#close(reason));
  }

  get ended(): boolean {
    return this.session.ended !== undefined;
  }

  push(message: StreamMessage): void {
    if (this.ended) return;
    const { id = "", event = "" } = message;
    this.#held += `id:${id}\nevent:${event}\ndata:${dataText(message)}\n\n`;
    this.#count += 1;
    this.#flusher.count();
    if (this.#held.length > LIMITS.outboxBytesMax) this.end("slow_consumer");
    else if (this.#count === 1) this.#flusher.soon(() => this.flush());
  }

  /** Sends what is held. A reader that is behind by a whole outbox is cut off. */
  flush(): void {
    const controller = this.#controller;
    if (!controller || this.#held === "") return;
    const chunk = encoder.encode(this.#held);
    this.#held = "";
    this.#count = 0;
    if ((controller.desiredSize ?? 0) < chunk.byteLength) this.end("slow_consumer");
    else controller.enqueue(chunk);
  }

  end(reason: EndReason): void {
    this.session.end(reason);
  }

  onEnd(listener: (reason: EndReason) => void): void {
    this.session.onEnd(listener);
  }

  #close(reason: EndReason): void {
    // What was told before the end is still sent, but not to who does not read it.
    if (reason !== "slow_consumer" && reason !== "client_gone") this.flush();
    const controller = this.#controller;
    this.#controller = undefined;
    this.#held = "";
    if (reason === "slow_consumer") controller?.error(new Error("the reader is too slow"));
    else if (reason !== "client_gone") controller?.close();
  }
}
