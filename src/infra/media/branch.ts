/**
 * One router of a room: the room's first, one on another worker when the room outgrew the first, or
 * one with the payload types of clients that offer. What is produced on one branch comes to another
 * through a pipe, at its first use. close: transports → router (pipes, and all in them).
 */

import type { types } from "mediasoup";
import { type AppError, assert } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { type ChannelFrame, lostWorker, type PeerOptions } from "./engine.ts";
import { MediasoupPeer, type PeerRoom } from "./peer.ts";
import type { WorkerPlace } from "./workers.ts";

/** Start of the worker's estimate of what a client can receive: the top layer fits at once. */
const OUTGOING_BITRATE_BPS = 2_000_000;

/** Seconds without a consent check (RFC 7675) until ICE counts as disconnected: the shortest. */
const CONSENT_TIMEOUT_S = 10;

/** The stream of the one channel, which clients open with `{negotiated: true, id: 0}`. */
const STREAM_ID = 0;

/** What a branch needs of its room. */
export interface BranchRoom {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly log: Log;
  closedBecause(): AppError | undefined;
  /** Where a producer of the room is; undefined when it is gone. */
  origin(producerId: string): Branch | undefined;
  addProducer(producer: types.Producer, branch: Branch): void;
  peerClosed(peer: MediasoupPeer, branch: Branch): void;
  /** The worker under one of its branches died. */
  lose(): void;
  close(): void;
}

export interface BranchOptions {
  readonly room: BranchRoom;
  readonly place: WorkerPlace;
  readonly codecs: types.RouterRtpCodecCapability[];
  /** Whether any client may be here: not only those with certain payload types. */
  readonly ordinary: boolean;
}

interface BranchParts extends BranchOptions {
  readonly router: types.Router;
  readonly direct: types.DirectTransport;
  /** What the server says to the room; every peer consumes it on its own subchannel. */
  readonly out: types.DataProducer;
}

/** Error: what the worker answered; a router begun is closed. */
export async function openBranch(options: BranchOptions): Promise<Branch> {
  const { place, codecs } = options;
  const router = await place.process.worker.createRouter({ mediaCodecs: codecs });
  try {
    const size = LIMITS.channelFrameBytesMax;
    const direct = await router.createDirectTransport({
      maxSendMessageSize: size,
      maxReceiveMessageSize: size,
    });
    const out = await direct.produceData({ label: "room" });
    return new Branch({ ...options, router, direct, out });
  } catch (thrown) {
    router.close();
    throw thrown;
  }
}

export class Branch implements PeerRoom {
  readonly room: BranchRoom;
  readonly place: WorkerPlace;
  readonly router: types.Router;
  readonly ordinary: boolean;
  readonly #direct: types.DirectTransport;
  readonly #out: types.DataProducer;
  readonly #peers = new Set<MediasoupPeer>();
  /** Of peers, those on their way in included. */
  readonly #transports = new Set<types.Transport>();
  /** What came through pipes, by the id of the original. */
  readonly #piped = new Map<string, Promise<string | undefined>>();
  #consumers = 0;
  #closed = false;

  constructor(parts: BranchParts) {
    this.room = parts.room;
    this.place = parts.place;
    this.router = parts.router;
    this.ordinary = parts.ordinary;
    this.#direct = parts.direct;
    this.#out = parts.out;
    this.place.slot.branches.add(this);
    this.router.observer.on("newtransport", (transport) => this.#keep(transport));
  }

  #keep(transport: types.Transport): void {
    if (transport.type !== "webrtc") return;
    this.#transports.add(transport);
    transport.observer.once("close", () => this.#transports.delete(transport));
  }

  get addresses(): readonly string[] {
    return this.room.addresses;
  }

  /** What it costs its worker, for placement: a stream out costs about as much as any other. */
  get load(): number {
    return 1 + this.#peers.size + this.#consumers;
  }

  get peers(): number {
    return this.#peers.size;
  }

  closedBecause(): AppError | undefined {
    return this.room.closedBecause();
  }

  /** The id under which the producer is known here; undefined when it is gone. */
  async local(producerId: string): Promise<string | undefined> {
    const origin = this.room.origin(producerId);
    if (origin === undefined || origin === this) return origin && producerId;
    let piped = this.#piped.get(producerId);
    if (piped === undefined) {
      piped = this.#pipe(producerId, origin);
      this.#piped.set(producerId, piped);
    }
    return piped;
  }

  hasProducer(producerId: string): boolean {
    return this.room.origin(producerId) !== undefined;
  }

  addProducer(producer: types.Producer): void {
    this.room.addProducer(producer, this);
  }

  addConsumer(consumer: types.Consumer): void {
    this.#consumers++;
    consumer.observer.once("close", () => this.#consumers--);
  }

  removePeer(peer: MediasoupPeer): void {
    this.#peers.delete(peer);
    this.room.peerClosed(peer, this);
  }

  sendTo(subchannel: number, frame: ChannelFrame): void {
    this.send(frame, { required: subchannel });
  }

  /** Error: what the worker answered, or why the room is closed. */
  async openPeer(id: string, subchannel: number, options: PeerOptions): Promise<MediasoupPeer> {
    const withChannel = options.channel !== false;
    const transport = await this.#inTime(
      this.router.createWebRtcTransport({
        webRtcServer: this.place.process.server,
        enableSctp: withChannel,
        preferUdp: true,
        iceConsentTimeout: CONSENT_TIMEOUT_S,
        initialAvailableOutgoingBitrate: OUTGOING_BITRATE_BPS,
      }),
    );
    try {
      const tap = withChannel ? await this.#openChannel(transport, subchannel) : undefined;
      const reason = this.closedBecause();
      if (reason !== undefined || this.#closed) throw reason ?? lostWorker();
      const log = this.room.log.child({ peer: id });
      const peer = new MediasoupPeer({ id, subchannel, room: this, transport, tap, log });
      this.#peers.add(peer);
      return peer;
    } catch (thrown) {
      transport.close();
      throw thrown;
    }
  }

  /** Returns what hears the client. */
  async #openChannel(transport: types.WebRtcTransport, subchannel: number) {
    const [down, up] = await Promise.all([
      this.#inTime(
        transport.consumeData({ dataProducerId: this.#out.id, subchannels: [subchannel] }),
      ),
      this.#inTime(
        transport.produceData({ sctpStreamParameters: { streamId: STREAM_ID, ordered: true } }),
      ),
    ]);
    assert(down.sctpStreamParameters?.streamId === STREAM_ID, "the first stream is number 0");
    return this.#inTime(this.#direct.consumeData({ dataProducerId: up.id }));
  }

  /**
   * What the worker answers after the close is closed by itself: its parent is gone already, and
   * what listens for it on the worker's channel would stay as long as the worker.
   */
  async #inTime<Part extends { close(): void }>(making: Promise<Part>): Promise<Part> {
    const part = await making;
    if (!this.#closed) return part;
    part.close();
    throw this.closedBecause() ?? lostWorker();
  }

  send(frame: ChannelFrame, to: { required?: number; ignored?: number | undefined }): void {
    const text = typeof frame === "string";
    const bytes = text ? Buffer.byteLength(frame) : frame.byteLength;
    assert(bytes <= LIMITS.channelFrameBytesMax, `a frame of ${bytes} bytes fits the channel`);
    if (this.#closed || this.#peers.size === 0) return;
    const message = text ? frame : Buffer.from(frame.buffer, frame.byteOffset, bytes);
    this.#out.send(message, undefined, undefined, to.required, to.ignored);
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.place.slot.branches.delete(this);
    for (const peer of [...this.#peers]) peer.close();
    // The worker's WebRtcServer keeps every transport that only goes with its router.
    for (const transport of [...this.#transports]) transport.close();
    this.router.close();
  }

  async #pipe(producerId: string, origin: Branch): Promise<string | undefined> {
    try {
      const { pipeProducer } = await origin.router.pipeToRouter({
        producerId,
        router: this.router,
        // Both ends may be on one worker, where an id is taken once.
        keepId: false,
        enableSctp: false,
      });
      const id = pipeProducer?.id;
      pipeProducer?.observer.once("close", () => this.#piped.delete(producerId));
      return id;
    } catch (cause) {
      this.#piped.delete(producerId);
      // Its owner left while it was on its way.
      if (this.closedBecause() !== undefined || !this.hasProducer(producerId)) return undefined;
      throw cause;
    }
  }
}
