/**
 * One Server-Sent Events connection (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * Closing: the session's end closes the response; the client's going ends the session.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import {
  dataText,
  type EndReason,
  type Session,
  type Stream,
  type StreamMessage,
} from "../../core/session.ts";
import type { Counter } from "../../infra/metrics/families.ts";

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(":\n\n");

export interface SseOptions {
  readonly clock: Clock;
  readonly lastEventId?: string;
  /** Counts the messages. */
  readonly delivered?: Counter;
}

export class SseStream implements Stream {
  readonly body: ReadableStream<Uint8Array>;
  readonly lastEventId: string | undefined;
  readonly session: Session;
  readonly #heartbeat: Timer;
  readonly #delivered: Counter | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(session: Session, options: SseOptions) {
    this.session = session;
    this.lastEventId = options.lastEventId;
    this.#delivered = options.delivered;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => session.end("client_gone"),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: LIMITS.outboxBytesMax }),
    );
    this.#heartbeat = options.clock.every(LIMITS.sseHeartbeatMs, () => this.#write(HEARTBEAT));
    // A first byte at once: proxies and browsers take the stream as open.
    this.#write(HEARTBEAT);
    session.onEnd((reason) => this.#close(reason));
  }

  get ended(): boolean {
    return this.session.ended !== undefined;
  }

  push(message: StreamMessage): void {
    this.#write(encoder.encode(eventText(message)));
    if (!this.ended) this.#delivered?.inc();
  }

  end(reason: EndReason): void {
    this.session.end(reason);
  }

  onEnd(listener: (reason: EndReason) => void): void {
    this.session.onEnd(listener);
  }

  /** A reader that stopped reading is cut off once the outbox is full; it starts again by itself. */
  #write(chunk: Uint8Array): void {
    const controller = this.#controller;
    if (!controller || this.ended) return;
    if ((controller.desiredSize ?? 0) < chunk.byteLength) this.end("slow_consumer");
    else controller.enqueue(chunk);
  }

  #close(reason: EndReason): void {
    this.#heartbeat.clear();
    const controller = this.#controller;
    this.#controller = undefined;
    if (!controller || reason === "client_gone") return;
    if (reason === "slow_consumer") {
      // A clean end would wait for the reader who does not read.
      controller.error(new Error("the reader is too slow"));
    } else {
      controller.enqueue(encoder.encode(eventText({ event: "end", data: { reason } })));
      controller.close();
    }
  }
}

/** The data is one line: JSON has no raw line breaks. */
export function eventText(message: StreamMessage): string {
  const id = message.id === undefined ? "" : `id:${message.id}\n`;
  const event = message.event === undefined ? "" : `event:${message.event}\n`;
  return `${id}${event}data:${dataText(message)}\n\n`;
}
