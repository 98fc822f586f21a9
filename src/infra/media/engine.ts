/**
 * The media engine as rooms see it: workers that route RTP and SCTP. Room logic is tested on
 * `fake.ts`; `mediasoup.ts` is the real one. Ownership: engine → room → peer → producers and
 * consumers; closing an owner closes what it owns, once, and announces nothing for the owned.
 */

import { type AppError, fail } from "../../base/errors.ts";
import type {
  DtlsParameters,
  MediaKind,
  RtpCapabilities,
  RtpParameters,
  TransportParameters,
} from "../../tools/sdp/types.ts";

export interface MediaWorkerStatus {
  readonly index: number;
  /** Operating system process id; 0 for the fake engine. */
  readonly pid: number;
  readonly port: number;
  readonly alive: boolean;
  readonly rooms: number;
  /** How often this worker was replaced since the start. */
  readonly restarts: number;
}

/** Outcome of asking one candidate. */
export interface Reachability {
  readonly address: string;
  readonly port: number;
  readonly protocol: "udp" | "tcp";
  readonly ok: boolean;
  /** Why not, one line. */
  readonly reason?: string;
  /** From request to answer, milliseconds. */
  readonly rttMs?: number;
}

export interface MediaEngine {
  /** Starts the workers. Error: 503 `media_unavailable` with what is wrong (port taken, no binary). */
  start(): Promise<void>;
  /** Error: 503 `media_unavailable` while no worker is up. */
  createRoom(roomId: string): Promise<MediaRoom>;
  status(): readonly MediaWorkerStatus[];
  /** Resident memory of all workers, bytes. */
  memoryBytes(): Promise<number>;
  /**
   * Asks each worker by STUN at each candidate that clients would be offered. What answers from
   * here may still be closed to others; what does not answer here is closed to all.
   */
  check(): Promise<readonly Reachability[]>;
  close(): Promise<void>;
}

export interface MediaRoom {
  readonly id: string;
  readonly capabilities: RtpCapabilities;
  /** The worker died or the room was closed: nothing below works any more. */
  readonly closed: boolean;
  /** Called once when the worker under this room died (not when `close` was called). */
  onLost(listener: () => void): void;
  /**
   * Somebody else speaks, and loudest: the id of the producer. Nothing tells of silence. Heard from
   * the levels that clients put into their packets (RFC 6464).
   */
  onSpeaker(listener: (producerId: string) => void): void;
  /** Errors: 503 `media_unavailable`, 409 `room_closed`. */
  createPeer(peerId: string, options?: PeerOptions): Promise<MediaPeer>;
  /**
   * Sends to every peer's channel in one call, except `except`. Text frames go out as strings,
   * bytes as binary. Frames above 256 KiB are refused by an assertion.
   */
  broadcast(frame: ChannelFrame, except?: string): void;
  close(): void;
}

export interface PeerOptions {
  /** Default true. */
  readonly channel?: boolean;
  /**
   * For a client that offered: what it receives must come with the payload types it named. Without
   * them it is sent those of the room.
   */
  readonly payloadTypes?: PayloadTypes;
}

/** From 96 to 127, each once; a codec that is left out gets another one. */
export interface PayloadTypes {
  readonly opus?: number;
  readonly vp8?: number;
  readonly h264?: number;
}

/** A data channel message: text (SCTP PPID 51) or binary (PPID 53). */
export type ChannelFrame = string | Uint8Array;

export type PeerState = "new" | "connected" | "suspended" | "closed";

/** One browser's peer connection: what it sends, what it receives, and its channel. */
export interface MediaPeer {
  readonly id: string;
  readonly transport: TransportParameters;
  /** Starts DTLS with the client's fingerprints. Once. Error: 400 `invalid_sdp` when refused. */
  connect(dtls: DtlsParameters): Promise<void>;
  /** New ICE credentials; `transport.ice` changes. */
  restartIce(): Promise<void>;
  /** Error: 400 `invalid_sdp` when the worker refuses the parameters. */
  produce(options: ProduceOptions): Promise<MediaProducer>;
  /** Undefined when this peer cannot receive the producer's codec, or the producer is gone. */
  consume(options: ConsumeOptions): Promise<MediaConsumer | undefined>;
  /** Those of the room, with the payload types it was made with. */
  readonly capabilities: RtpCapabilities;
  /**
   * Restricts what `consume` may send to the codecs (mime types, lower case) of the answer.
   * `extensions` false: no header extensions are sent.
   */
  acceptCodecs(mimeTypes: readonly string[], extensions?: boolean): void;
  /** Sends to this peer's channel; dropped while it is not open. */
  send(frame: ChannelFrame): void;
  onFrame(listener: (frame: ChannelFrame) => void): void;
  /**
   * connected: ICE and DTLS are up. suspended: ICE consent is lost (it may come back). closed, the
   * last one: the client closed DTLS or the channel's SCTP association, or is not who its
   * fingerprint says. Never called after `close`.
   */
  onState(listener: (state: PeerState) => void): void;
  /** The client's channel is up (SCTP connected): from here on `send` reaches it. */
  onChannelOpen(listener: () => void): void;
  /** Undefined when it is closed. */
  stats(): Promise<PeerStats | undefined>;
  close(): void;
}

export interface ProduceOptions {
  readonly kind: MediaKind;
  readonly rtp: RtpParameters;
}

export interface ConsumeOptions {
  readonly producerId: string;
  /** The section of the offer that carries it; undefined: the client finds it by its SSRC. */
  readonly mid?: string;
  /** Of a client that does not answer offers, in place of `acceptCodecs`. */
  readonly capabilities?: RtpCapabilities;
  /** Nothing is sent before `setPaused(false)`. */
  readonly paused?: boolean;
  /** The most of a simulcast source that is wanted; all of it where left out. */
  readonly layers?: Layers;
}

/** Layers of a simulcast source, from 0 (smallest picture, fewest pictures a second). */
export interface Layers {
  readonly spatial: number;
  readonly temporal?: number;
}

export interface MediaProducer {
  readonly id: string;
  readonly kind: MediaKind;
  /** While paused nothing of what the client sends goes on to anybody. At once, without an error. */
  setPaused(paused: boolean): void;
  /**
   * Whether media arrives from the client: a section held ready without a track sends none. Of a
   * source without simulcast only the beginning is noticed.
   */
  readonly flowing: boolean;
  onFlow(listener: (flowing: boolean) => void): void;
  /** Undefined when it is closed. */
  stats(): Promise<ProducerStats | undefined>;
  close(): void;
}

export interface ProducerStats {
  readonly bitrateBps: number;
  readonly packets: number;
  /** Packets that did not arrive, of those sent so far. */
  readonly packetsLost: number;
  /** Of the worst stream that flows, from 0 to 10; 10 where nothing is known. */
  readonly score: number;
}

export interface PeerStats {
  readonly receiveBps: number;
  readonly sendBps: number;
  /** Since it was made. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Shares of packets lost lately, from 0 to 1; undefined: not known. */
  readonly receiveLoss: number | undefined;
  readonly sendLoss: number | undefined;
}

export interface MediaConsumer {
  readonly id: string;
  readonly producerId: string;
  readonly kind: MediaKind;
  /** What is sent to the client. */
  readonly rtp: RtpParameters;
  /** How well the client receives it, from 0 (nothing arrives) to 10. */
  readonly score: number;
  /** At once, without an error. The end of a pause asks for a key frame. */
  setPaused(paused: boolean): void;
  /** As `ConsumeOptions.layers`; no effect on a source without simulcast. At once, without an error. */
  setLayers(layers: Layers): void;
  /** What is sent of a simulcast source changed; undefined: nothing is. */
  onLayers(listener: (layers: Layers | undefined) => void): void;
  /** Called once when the producer under it closed. */
  onProducerClose(listener: () => void): void;
  close(): void;
}

export interface MediaConfig {
  /** Number of workers. */
  readonly workers: number;
  /** UDP and TCP port of the first worker; the next ones follow. */
  readonly port: number;
  readonly listenIp: string;
  /** Addresses or names offered to clients; empty: the listen address. */
  readonly announcedAddresses: readonly string[];
  /** Path of the worker's executable. */
  readonly workerPath: string;
  /**
   * Connections and streams out, on one worker, from which on a room takes a further worker into
   * use; `LIMITS.workerLoad` where left out.
   */
  readonly workerLoad?: number;
}

/** 503 for everything that a dead worker was asked. */
export function lostWorker(cause?: unknown): AppError {
  return fail.unavailable("media_unavailable", "The media worker was lost.", { cause });
}
