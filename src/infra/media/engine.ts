/**
 * The media engine as rooms see it: workers that route RTP and SCTP. Room logic is tested on
 * `fake.ts`; `mediasoup.ts` is the real one. Ownership: engine → room → peer → producers and
 * consumers; closing an owner closes what it owns, once, and announces nothing for the owned.
 */

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
  createPeer(peerId: string): Promise<MediaPeer>;
  /**
   * Sends to every peer's channel in one call, except `except`. Text frames go out as strings,
   * bytes as binary. Frames above 256 KiB are refused by an assertion.
   */
  broadcast(frame: ChannelFrame, except?: string): void;
  close(): void;
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
  /** Restricts what `consume` may send to the codecs (mime types, lower case) of the answer. */
  acceptCodecs(mimeTypes: readonly string[]): void;
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
  close(): void;
}

export interface ProduceOptions {
  readonly kind: MediaKind;
  readonly rtp: RtpParameters;
}

export interface ConsumeOptions {
  readonly producerId: string;
  /** The section of the offer that carries it. */
  readonly mid: string;
}

export interface MediaProducer {
  readonly id: string;
  readonly kind: MediaKind;
  close(): void;
}

export interface MediaConsumer {
  readonly id: string;
  readonly producerId: string;
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
}
