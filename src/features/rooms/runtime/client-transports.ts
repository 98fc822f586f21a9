/**
 * The connections of a client that speaks the media engine's own language (mediasoup-client): one
 * to send, one to receive, and what it consumes. close: both transports.
 */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type {
  MediaConsumer,
  MediaPeer,
  MediaRoom,
  PeerState,
} from "../../../infra/media/engine.ts";
import type { RtpCapabilities } from "../../../tools/sdp/types.ts";

export const DIRECTIONS = ["send", "recv"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface ClientTransportsOptions {
  readonly participantId: string;
  readonly media: MediaRoom;
  /** Of all transports together: closed when the last of them is. */
  readonly onState: (state: PeerState) => void;
  /** What was sent went with its transport. */
  readonly onSendClosed: () => void;
}

export interface ConsumeWish {
  readonly producerId: string;
  readonly capabilities: RtpCapabilities;
}

export class ClientTransports {
  readonly #options: ClientTransportsOptions;
  readonly #peers = new Map<string, MediaPeer>();
  readonly #consumers = new Map<string, MediaConsumer>();
  #opening = new Set<Direction>();
  #closed = false;

  constructor(options: ClientTransportsOptions) {
    this.#options = options;
  }

  get peers(): readonly MediaPeer[] {
    return [...this.#peers.values()];
  }

  get consumers(): readonly MediaConsumer[] {
    return [...this.#consumers.values()];
  }

  get capabilities(): RtpCapabilities {
    return this.#options.media.capabilities;
  }

  /** Errors: 409 `transport_exists`, 503 `media_unavailable`. */
  async open(direction: Direction): Promise<MediaPeer> {
    const { participantId, media } = this.#options;
    const id = `${participantId}-${direction}`;
    if (this.#peers.has(id) || this.#opening.has(direction)) {
      throw fail.conflict("transport_exists", "There is such a transport already.");
    }
    this.#opening.add(direction);
    try {
      const peer = await media.createPeer(id, { channel: false });
      if (this.#closed) {
        peer.close();
        throw fail.unavailable("media_unavailable", "The connection was lost. Try again.");
      }
      this.#peers.set(id, peer);
      peer.onState((state) => this.#follow(peer, { direction, state }));
      return peer;
    } finally {
      this.#opening.delete(direction);
    }
  }

  #follow(peer: MediaPeer, news: { direction: Direction; state: PeerState }): void {
    const { direction, state } = news;
    const { onState, onSendClosed } = this.#options;
    if (state === "closed") {
      this.#peers.delete(peer.id);
      peer.close();
      if (direction === "send") onSendClosed();
    }
    if (state !== "closed" || this.#peers.size === 0) onState(state);
  }

  /** Error: 404 `transport_not_found`. */
  get(id: string): MediaPeer {
    const peer = this.#peers.get(id);
    if (peer) return peer;
    throw fail.not_found("transport_not_found", "There is no such transport.");
  }

  /** Paused, as clients of this sort expect it. Errors: 409 `cannot_consume`, `too_many_consumers`. */
  async consume(id: string, { producerId, capabilities }: ConsumeWish): Promise<MediaConsumer> {
    if (this.#consumers.size >= LIMITS.clientConsumersMax) {
      throw fail.conflict("too_many_consumers", "This connection receives too much already.");
    }
    const consumer = await this.get(id).consume({ producerId, capabilities, paused: true });
    if (!consumer) throw fail.conflict("cannot_consume", "The client cannot receive that source.");
    this.#consumers.set(consumer.id, consumer);
    consumer.onProducerClose(() => this.#consumers.delete(consumer.id));
    return consumer;
  }

  /** Error: 404 `consumer_not_found`. */
  consumer(id: string): MediaConsumer {
    const consumer = this.#consumers.get(id);
    if (consumer) return consumer;
    throw fail.not_found("consumer_not_found", "There is no such consumer.");
  }

  closeConsumer(id: string): void {
    this.consumer(id).close();
    this.#consumers.delete(id);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    this.#consumers.clear();
  }
}
