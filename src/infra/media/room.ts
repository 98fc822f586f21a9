/**
 * One room: a router, and a direct transport that joins its peers' channels to this process.
 * close: router → its transports, producers, consumers; peers are marked closed. A dead worker took
 * all of that with it; then the room is lost, and says so once.
 */

import type { types } from "mediasoup";
import { type AppError, assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import type { RtpCapabilities } from "../../tools/sdp/types.ts";
import type { ChannelFrame, MediaPeer, MediaRoom } from "./engine.ts";
import { Listeners } from "./listeners.ts";
import { ROUTER_CODECS, routerCapabilities } from "./parameters.ts";
import { MediasoupPeer, type PeerRoom } from "./peer.ts";

/** Start of the worker's estimate of what a client can receive: the top layer fits at once. */
const OUTGOING_BITRATE_BPS = 2_000_000;

/** Seconds without a consent check (RFC 7675) until ICE counts as disconnected: the shortest. */
const CONSENT_TIMEOUT_S = 10;

/** The stream of the one channel, which clients open with `{negotiated: true, id: 0}`. */
const STREAM_ID = 0;

/** Subchannel numbers are 16 bits wide in the worker. */
const SUBCHANNEL_MAX = 65_535;

export interface RoomOptions {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly log: Log;
  /** Called once when the room ends, lost or closed. */
  readonly onEnd: (room: MediasoupRoom) => void;
}

interface RoomParts extends RoomOptions {
  readonly server: types.WebRtcServer;
  readonly router: types.Router;
  readonly direct: types.DirectTransport;
  /** What the server says to the room; every peer consumes it on its own subchannel. */
  readonly out: types.DataProducer;
}

/** Error: what the worker answered; a router begun is closed. */
export async function openRoom(
  { worker, server }: { worker: types.Worker; server: types.WebRtcServer },
  options: RoomOptions,
): Promise<MediasoupRoom> {
  const router = await worker.createRouter({ mediaCodecs: ROUTER_CODECS });
  try {
    const size = LIMITS.channelFrameBytesMax;
    const direct = await router.createDirectTransport({
      maxSendMessageSize: size,
      maxReceiveMessageSize: size,
    });
    const out = await direct.produceData({ label: "room" });
    return new MediasoupRoom({ ...options, server, router, direct, out });
  } catch (thrown) {
    router.close();
    throw thrown;
  }
}

export class MediasoupRoom implements MediaRoom, PeerRoom {
  readonly id: string;
  readonly capabilities: RtpCapabilities;
  readonly router: types.Router;
  readonly addresses: readonly string[];
  readonly #server: types.WebRtcServer;
  readonly #direct: types.DirectTransport;
  readonly #out: types.DataProducer;
  readonly #log: Log;
  readonly #onEnd: (room: MediasoupRoom) => void;
  readonly #losses: Listeners<void>;
  readonly #peers = new Map<string, MediasoupPeer>();
  readonly #subchannels = new Set<number>();
  readonly #producers = new Set<string>();
  #lastSubchannel = 0;
  #end: "closed" | "lost" | undefined;

  constructor(parts: RoomParts) {
    this.id = parts.id;
    this.router = parts.router;
    this.addresses = parts.addresses;
    this.capabilities = routerCapabilities(parts.router.rtpCapabilities);
    this.#server = parts.server;
    this.#direct = parts.direct;
    this.#out = parts.out;
    this.#onEnd = parts.onEnd;
    this.#log = parts.log.child({ room: parts.id });
    this.#losses = new Listeners("lost", this.#log);
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /** What this room costs its worker, for placement. */
  get load(): number {
    return 1 + this.#subchannels.size;
  }

  onLost(listener: () => void): void {
    this.#losses.add(listener);
  }

  async createPeer(peerId: string): Promise<MediaPeer> {
    const reason = this.closedBecause();
    if (reason !== undefined) throw reason;
    assert(!this.#peers.has(peerId), `peer ${peerId} is created once`);
    const subchannel = this.#takeSubchannel();
    try {
      const peer = await this.#openPeer(peerId, subchannel);
      this.#peers.set(peerId, peer);
      return peer;
    } catch (cause) {
      this.#subchannels.delete(subchannel);
      throw this.closedBecause() ?? lostWorker(cause);
    }
  }

  broadcast(frame: ChannelFrame, except?: string): void {
    if (this.#peers.size > 0) this.#send(frame, { ignored: this.#subchannelOf(except) });
  }

  close(): void {
    if (this.closed) return;
    this.#end = "closed";
    this.router.close();
    this.#finish();
  }

  /** For the worker's supervisor: the worker is gone, and the router with it. */
  lose(): void {
    if (this.closed) return;
    this.#end = "lost";
    this.#finish();
    this.#losses.emit();
  }

  closedBecause(): AppError | undefined {
    if (this.#end === undefined) return undefined;
    if (this.#end === "lost") return lostWorker();
    return fail.conflict("room_closed", "The room is closed.");
  }

  hasProducer(producerId: string): boolean {
    return this.#producers.has(producerId);
  }

  addProducer(producer: types.Producer): void {
    this.#producers.add(producer.id);
    producer.observer.once("close", () => this.#producers.delete(producer.id));
  }

  removePeer(peer: MediasoupPeer): void {
    this.#subchannels.delete(peer.subchannel);
    this.#peers.delete(peer.id);
  }

  sendTo(subchannel: number, frame: ChannelFrame): void {
    this.#send(frame, { required: subchannel });
  }

  async #openPeer(id: string, subchannel: number): Promise<MediasoupPeer> {
    const transport = await this.router.createWebRtcTransport({
      webRtcServer: this.#server,
      enableSctp: true,
      preferUdp: true,
      iceConsentTimeout: CONSENT_TIMEOUT_S,
      initialAvailableOutgoingBitrate: OUTGOING_BITRATE_BPS,
    });
    try {
      const [down, up] = await Promise.all([
        transport.consumeData({ dataProducerId: this.#out.id, subchannels: [subchannel] }),
        transport.produceData({ sctpStreamParameters: { streamId: STREAM_ID, ordered: true } }),
      ]);
      assert(down.sctpStreamParameters?.streamId === STREAM_ID, "the first stream is number 0");
      const tap = await this.#direct.consumeData({ dataProducerId: up.id });
      const reason = this.closedBecause();
      if (reason !== undefined) throw reason;
      const log = this.#log.child({ peer: id });
      return new MediasoupPeer({ id, subchannel, room: this, transport, tap, log });
    } catch (thrown) {
      transport.close();
      throw thrown;
    }
  }

  #send(frame: ChannelFrame, to: { required?: number; ignored?: number | undefined }): void {
    const text = typeof frame === "string";
    const bytes = text ? Buffer.byteLength(frame) : frame.byteLength;
    assert(bytes <= LIMITS.channelFrameBytesMax, `a frame of ${bytes} bytes fits the channel`);
    if (this.closed) return;
    const message = text ? frame : Buffer.from(frame.buffer, frame.byteOffset, bytes);
    this.#out.send(message, undefined, undefined, to.required, to.ignored);
  }

  #subchannelOf(peerId: string | undefined): number | undefined {
    return peerId === undefined ? undefined : this.#peers.get(peerId)?.subchannel;
  }

  /** The next free number: one just given up is not used again while others are left. */
  #takeSubchannel(): number {
    assert(this.#subchannels.size < SUBCHANNEL_MAX, "a room has fewer than 65535 peers");
    do this.#lastSubchannel = (this.#lastSubchannel % SUBCHANNEL_MAX) + 1;
    while (this.#subchannels.has(this.#lastSubchannel));
    this.#subchannels.add(this.#lastSubchannel);
    return this.#lastSubchannel;
  }

  #finish(): void {
    for (const peer of [...this.#peers.values()]) peer.close();
    this.#onEnd(this);
  }
}

/** 503 for everything that a dead worker was asked. */
export function lostWorker(cause?: unknown): AppError {
  return fail.unavailable("media_unavailable", "The media worker was lost.", { cause });
}
