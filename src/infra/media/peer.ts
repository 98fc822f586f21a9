/**
 * One browser's transport in the worker. close: transport (its producers, consumers and data
 * consumer) and data producer → the tap on the room's direct transport, which the worker closes.
 */

import type { types } from "mediasoup";
import { type AppError, fail } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type {
  DtlsParameters,
  RtpCapabilities,
  TransportParameters,
} from "../../tools/sdp/types.ts";
import type {
  ChannelFrame,
  ConsumeOptions,
  MediaConsumer,
  MediaPeer,
  MediaProducer,
  PeerState,
  PeerStats,
  ProduceOptions,
} from "./engine.ts";
import { Listeners } from "./listeners.ts";
import {
  receiveCapabilities,
  routerCapabilities,
  transportParameters,
  workerCapabilities,
  workerParameters,
} from "./parameters.ts";
import { PeerConsumer, PeerProducer, workerLayers } from "./peer-streams.ts";

/**
 * Browsers ignore requests for a key frame within 300 ms of the last one. Asked in that time, the
 * worker asks at its end; it would be a second otherwise until it asks again.
 */
const KEY_FRAME_PAUSE_MS = 330;

/** SCTP payload protocol identifiers of data channel messages (RFC 8831). */
const PPID = { text: 51, binary: 53, emptyText: 56, emptyBinary: 57 } as const;

/** What a peer needs of its room. */
export interface PeerRoom {
  readonly router: types.Router;
  readonly addresses: readonly string[];
  /** The id under which a producer of the room is known to the router; undefined when it is gone. */
  local(producerId: string): Promise<string | undefined>;
  /** Why nothing works any more; undefined while the room is open. */
  closedBecause(): AppError | undefined;
  hasProducer(producerId: string): boolean;
  addProducer(producer: types.Producer): void;
  addConsumer(consumer: types.Consumer): void;
  removePeer(peer: MediasoupPeer): void;
  /** To one peer's channel. */
  sendTo(subchannel: number, frame: ChannelFrame): void;
}

export interface PeerParts {
  readonly id: string;
  readonly subchannel: number;
  readonly room: PeerRoom;
  readonly transport: types.WebRtcTransport;
  /** Hears what the client sends on its channel. */
  readonly tap: types.DataConsumer | undefined;
  readonly log: Log;
}

export class MediasoupPeer implements MediaPeer {
  readonly id: string;
  readonly subchannel: number;
  readonly #room: PeerRoom;
  readonly #transport: types.WebRtcTransport;
  readonly #log: Log;
  readonly #frames: Listeners<ChannelFrame>;
  readonly #states: Listeners<PeerState>;
  readonly #openings: Listeners<void>;
  #parameters: TransportParameters;
  #capabilities: types.RtpCapabilities;
  #state: PeerState = "new";
  #channelOpen = false;
  /** An SCTP association that was up and ended: some clients close with that alone. */
  #channelEnded = false;
  #closed = false;

  constructor({ id, subchannel, room, transport, tap, log }: PeerParts) {
    this.id = id;
    this.subchannel = subchannel;
    this.#room = room;
    this.#transport = transport;
    this.#log = log;
    this.#frames = new Listeners("frame", log);
    this.#states = new Listeners("state", log);
    this.#openings = new Listeners("channelOpen", log);
    this.#parameters = transportParameters(transport, room.addresses);
    this.#capabilities = room.router.rtpCapabilities;
    transport.on("icestatechange", () => this.#updateState());
    transport.on("dtlsstatechange", () => this.#updateState());
    transport.on("sctpstatechange", (state) => this.#updateChannel(state));
    tap?.on("message", (message, ppid) => this.#receive(message, ppid));
  }

  get transport(): TransportParameters {
    return this.#parameters;
  }

  async connect(dtls: DtlsParameters): Promise<void> {
    const fingerprints = dtls.fingerprints.map(({ algorithm, value }) => ({
      algorithm: algorithm as types.FingerprintAlgorithm,
      value,
    }));
    await this.#request("The answer's DTLS parameters were refused.", () =>
      this.#transport.connect({ dtlsParameters: { role: dtls.role, fingerprints } }),
    );
  }

  async restartIce(): Promise<void> {
    const { usernameFragment, password } = await this.#request("ICE could not be restarted.", () =>
      this.#transport.restartIce(),
    );
    this.#parameters = { ...this.#parameters, ice: { usernameFragment, password } };
  }

  async produce({ kind, rtp }: ProduceOptions): Promise<MediaProducer> {
    const refusal = `Section ${rtp.mid ?? ""} was refused by the media engine.`;
    const producer = await this.#request(
      refusal,
      () =>
        this.#transport.produce({
          kind,
          rtpParameters: workerParameters(rtp),
          ...(kind === "video" ? { keyFrameRequestDelay: KEY_FRAME_PAUSE_MS } : {}),
        }),
      (late) => late.close(),
    );
    this.#room.addProducer(producer);
    return new PeerProducer(producer, this.#log);
  }

  async consume(options: ConsumeOptions): Promise<MediaConsumer | undefined> {
    this.#assertOpen();
    const { producerId, mid, layers } = options;
    const wished = options.capabilities;
    const rtpCapabilities = wished ? workerCapabilities(wished) : this.#capabilities;
    try {
      const local = await this.#request("The source could not be brought here.", () =>
        this.#room.local(producerId),
      );
      if (local === undefined) return undefined;
      if (!this.#room.router.canConsume({ producerId: local, rtpCapabilities })) return undefined;
      const consumer = await this.#request(
        `Section ${mid ?? ""} could not be filled.`,
        () =>
          this.#transport.consume({
            producerId: local,
            rtpCapabilities,
            ...(mid === undefined ? {} : { mid }),
            paused: options.paused ?? false,
            ...(layers === undefined ? {} : { preferredLayers: workerLayers(layers) }),
          }),
        (late) => late.close(),
      );
      this.#room.addConsumer(consumer);
      const hasProducer = () => this.#room.hasProducer(producerId);
      return new PeerConsumer(consumer, { producerId, hasProducer, log: this.#log });
    } catch (thrown) {
      // The producer closed while the worker was asked.
      if (!this.#closed && !this.#room.hasProducer(producerId)) return undefined;
      throw thrown;
    }
  }

  get capabilities(): RtpCapabilities {
    return routerCapabilities(this.#room.router.rtpCapabilities);
  }

  acceptCodecs(mimeTypes: readonly string[], extensions = true): void {
    const known = receiveCapabilities(this.#room.router.rtpCapabilities, mimeTypes);
    this.#capabilities = extensions ? known : { ...known, headerExtensions: [] };
  }

  send(frame: ChannelFrame): void {
    if (this.#channelOpen && !this.#closed) this.#room.sendTo(this.subchannel, frame);
  }

  onFrame(listener: (frame: ChannelFrame) => void): void {
    this.#frames.add(listener);
  }

  onState(listener: (state: PeerState) => void): void {
    this.#states.add(listener);
  }

  onChannelOpen(listener: () => void): void {
    this.#openings.add(listener);
  }

  async stats(): Promise<PeerStats | undefined> {
    if (this.#closed) return undefined;
    try {
      const [stat] = await this.#transport.getStats();
      if (stat === undefined) return undefined;
      return {
        receiveBps: stat.recvBitrate,
        sendBps: stat.sendBitrate,
        receivedBytes: stat.bytesReceived,
        sentBytes: stat.bytesSent,
        receiveLoss: stat.rtpPacketLossReceived,
        sendLoss: stat.rtpPacketLossSent,
      };
    } catch (cause) {
      if (!this.#transport.closed) this.#log.debug("a connection told no figures", { cause });
      return undefined;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const listeners of [this.#frames, this.#states, this.#openings]) listeners.clear();
    this.#transport.close();
    this.#room.removePeer(this);
  }

  #assertOpen(): void {
    const reason = this.#room.closedBecause();
    if (reason !== undefined) throw reason;
    if (this.#closed) throw fail.conflict("peer_closed", "The participant has left.");
  }

  /**
   * Asks the worker. What it answers after the peer was closed is undone by `late`: the transport
   * is gone by then and would not take it along.
   */
  async #request<Result>(
    refusal: string,
    ask: () => Promise<Result>,
    late: (result: Result) => void = () => undefined,
  ): Promise<Result> {
    this.#assertOpen();
    let result: Result;
    try {
      result = await ask();
    } catch (cause) {
      this.#assertOpen();
      throw fail.invalid("invalid_sdp", refusal, { cause });
    }
    if (this.#closed || this.#room.closedBecause() !== undefined) late(result);
    this.#assertOpen();
    return result;
  }

  #receive(message: Buffer, ppid: number): void {
    if (ppid === PPID.text) this.#frames.emit(message.toString("utf8"));
    else if (ppid === PPID.binary) this.#frames.emit(new Uint8Array(message));
    else if (ppid === PPID.emptyText) this.#frames.emit("");
    else if (ppid === PPID.emptyBinary) this.#frames.emit(new Uint8Array(0));
  }

  #updateChannel(state: types.SctpState): void {
    const open = state === "connected";
    if (open === this.#channelOpen) return;
    this.#channelOpen = open;
    this.#channelEnded ||= !open;
    if (open) this.#openings.emit();
    else this.#updateState();
  }

  #updateState(): void {
    const state = this.#currentState();
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#states.emit(state);
  }

  #currentState(): PeerState {
    const { dtlsState, iceState } = this.#transport;
    if (dtlsState === "closed" || dtlsState === "failed" || this.#channelEnded) return "closed";
    if (iceState === "disconnected" || iceState === "closed") return "suspended";
    return dtlsState === "connected" ? "connected" : this.#state;
  }
}
