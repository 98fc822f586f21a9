/** A peer of the fake engine, with controls by which a test plays its client. */

import { type AppError, assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { silentLog } from "../../base/log.ts";
import type {
  DtlsParameters,
  RtpCapabilities,
  RtpParameters,
  TransportParameters,
} from "../../tools/sdp/types.ts";
import type {
  ChannelFrame,
  ConsumeOptions,
  Layers,
  MediaConsumer,
  MediaPeer,
  MediaProducer,
  PeerOptions,
  PeerState,
  PeerStats,
  ProduceOptions,
  ProducerStats,
} from "./engine.ts";
import { fakeCapabilities, fakeTransport } from "./fake-parameters.ts";
import { Listeners } from "./listeners.ts";

/** The port in every fake candidate. */
export const FAKE_PORT = 20_000;

/** What a fake peer needs of its room. */
export interface FakePeerRoom {
  readonly peers: Map<string, FakePeer>;
  readonly producers: Map<string, FakeProducer>;
  closedBecause(): AppError | undefined;
  nextId(kind: string): string;
}

export interface FakePeerParts {
  readonly id: string;
  /** Its credentials are made from it. */
  readonly number: number;
  readonly room: FakePeerRoom;
  readonly options: PeerOptions;
}

export class FakePeer implements MediaPeer {
  readonly id: string;
  /** How it was made. */
  readonly options: PeerOptions;
  /** Frames that reached the client, oldest first. */
  readonly sent: ChannelFrame[] = [];
  /** What its connection carried, for `stats`; set by tests. */
  receivedBytes = 0;
  sentBytes = 0;
  readonly producers = new Map<string, FakeProducer>();
  /** Open consumers by id. */
  readonly consumers = new Map<string, FakeConsumer>();
  readonly #room: FakePeerRoom;
  readonly #number: number;
  readonly #frames = new Listeners<ChannelFrame>("frame", silentLog());
  readonly #states = new Listeners<PeerState>("state", silentLog());
  readonly #openings = new Listeners<void>("channelOpen", silentLog());
  #transport: TransportParameters;
  #dtls: DtlsParameters | undefined;
  #codecs: ReadonlySet<string> | undefined;
  #iceRestarts = 0;
  #state: PeerState = "new";
  #channelOpen = false;
  #closed = false;

  constructor({ id, number, room, options }: FakePeerParts) {
    this.id = id;
    this.options = options;
    this.#room = room;
    this.#number = number;
    this.#transport = fakeTransport(this.#number, 0, FAKE_PORT);
  }

  get transport(): TransportParameters {
    return this.#transport;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What `connect` was called with. */
  get dtls(): DtlsParameters | undefined {
    return this.#dtls;
  }

  /** What `acceptCodecs` was called with last. */
  get acceptedCodecs(): readonly string[] | undefined {
    return this.#codecs === undefined ? undefined : [...this.#codecs];
  }

  async connect(dtls: DtlsParameters): Promise<void> {
    this.#assertOpen();
    if (this.#dtls !== undefined) {
      throw fail.invalid("invalid_sdp", "The answer's DTLS parameters were refused.");
    }
    this.#dtls = dtls;
  }

  async restartIce(): Promise<void> {
    this.#assertOpen();
    this.#transport = fakeTransport(this.#number, ++this.#iceRestarts, FAKE_PORT);
  }

  async produce(options: ProduceOptions): Promise<MediaProducer> {
    this.#assertOpen();
    const producer = new FakeProducer(this.#room.nextId("producer"), options, () => {
      this.producers.delete(producer.id);
      this.#room.producers.delete(producer.id);
    });
    this.producers.set(producer.id, producer);
    this.#room.producers.set(producer.id, producer);
    return producer;
  }

  async consume(options: ConsumeOptions): Promise<MediaConsumer | undefined> {
    this.#assertOpen();
    const producer = this.#room.producers.get(options.producerId);
    const mimeType = producer?.rtp.codecs[0]?.mimeType.toLowerCase() ?? "";
    const named = options.capabilities?.codecs.map((codec) => codec.mimeType.toLowerCase());
    const codecs = named === undefined ? this.#codecs : new Set(named);
    if (producer === undefined || codecs?.has(mimeType) === false) return undefined;
    const id = this.#room.nextId("consumer");
    const consumer = new FakeConsumer({ id, options, producer }, () => {
      this.consumers.delete(id);
      producer.consumers.delete(consumer);
    });
    this.consumers.set(id, consumer);
    producer.consumers.add(consumer);
    return consumer;
  }

  get capabilities(): RtpCapabilities {
    return fakeCapabilities(this.options.payloadTypes);
  }

  acceptCodecs(mimeTypes: readonly string[]): void {
    this.#codecs = new Set(mimeTypes);
  }

  send(frame: ChannelFrame): void {
    checkFrame(frame);
    if (this.#channelOpen && !this.#closed) this.sent.push(frame);
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
    const { receivedBytes, sentBytes } = this;
    const rates = { receiveBps: 1_000, sendBps: 2_000, receiveLoss: 0, sendLoss: 0 };
    return { ...rates, receivedBytes, sentBytes };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const consumer of [...this.consumers.values()]) consumer.close();
    for (const producer of [...this.producers.values()]) producer.close();
    for (const listeners of [this.#frames, this.#states, this.#openings]) listeners.clear();
    this.#room.peers.delete(this.id);
  }

  /** The client's connection changes. As with the real engine, `closed` is the last state. */
  setState(state: PeerState): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#states.emit(state);
  }

  openChannel(): void {
    if (this.#channelOpen) return;
    this.#channelOpen = true;
    this.#openings.emit();
  }

  closeChannel(): void {
    this.#channelOpen = false;
  }

  /** The client sends on its channel. */
  receive(frame: ChannelFrame): void {
    this.#frames.emit(frame);
  }

  /** What the client shows in each section: producer ids by mid. */
  shown(): Readonly<Record<string, string>> {
    const consumers = [...this.consumers.values()];
    return Object.fromEntries(consumers.map(({ mid, producerId }) => [mid ?? "", producerId]));
  }

  #assertOpen(): void {
    const reason = this.#room.closedBecause();
    if (reason !== undefined) throw reason;
    if (this.#closed) throw fail.conflict("peer_closed", "The participant has left.");
  }
}

export class FakeProducer implements MediaProducer {
  readonly id: string;
  readonly kind: MediaProducer["kind"];
  readonly rtp: ProduceOptions["rtp"];
  readonly consumers = new Set<FakeConsumer>();
  paused = false;
  readonly #flows = new Listeners<boolean>("flow", silentLog());
  readonly #onClose: () => void;
  #flowing = false;
  #closed = false;

  constructor(id: string, { kind, rtp }: ProduceOptions, onClose: () => void) {
    this.id = id;
    this.kind = kind;
    this.rtp = rtp;
    this.#onClose = onClose;
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
  }

  get flowing(): boolean {
    return this.#flowing;
  }

  onFlow(listener: (flowing: boolean) => void): void {
    this.#flows.add(listener);
  }

  async stats(): Promise<ProducerStats | undefined> {
    if (this.#closed) return undefined;
    return { bitrateBps: 1_000, packets: 100, packetsLost: 1, score: 10 };
  }

  /** The client begins to send, or stops. */
  flow(flowing: boolean): void {
    if (this.#flowing === flowing || this.#closed) return;
    this.#flowing = flowing;
    this.#flows.emit(flowing);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    for (const consumer of [...this.consumers]) consumer.producerClosed();
  }
}

interface FakeConsumerParts {
  readonly id: string;
  readonly options: ConsumeOptions;
  readonly producer: FakeProducer;
}

export class FakeConsumer implements MediaConsumer {
  readonly id: string;
  readonly producerId: string;
  readonly kind: MediaConsumer["kind"];
  readonly rtp: RtpParameters;
  readonly mid: string | undefined;
  readonly score = 10;
  paused: boolean;
  /** What the room asked for last. */
  layers: Layers | undefined;
  readonly #closings = new Listeners<void>("producerClose", silentLog());
  readonly #layerChanges = new Listeners<Layers | undefined>("layers", silentLog());
  readonly #onClose: () => void;
  #closed = false;

  constructor(parts: FakeConsumerParts, onClose: () => void) {
    const { producer, options } = parts;
    this.id = parts.id;
    this.producerId = producer.id;
    this.kind = producer.kind;
    const encodings = [{ ssrc: Number(/\d+/.exec(parts.id)?.[0]) }];
    this.rtp = { ...producer.rtp, encodings, headerExtensions: [] };
    this.mid = options.mid;
    this.layers = options.layers;
    this.paused = options.paused ?? false;
    this.#onClose = onClose;
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
  }

  setLayers(layers: Layers): void {
    this.layers = layers;
  }

  onLayers(listener: (layers: Layers | undefined) => void): void {
    this.#layerChanges.add(listener);
  }

  /** The worker sends these from now on. */
  switchLayers(layers: Layers | undefined): void {
    this.#layerChanges.emit(layers);
  }

  onProducerClose(listener: () => void): void {
    this.#closings.add(listener);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  /** The real worker tells this later than the producer's close returns, and so does this one. */
  producerClosed(): void {
    if (this.#closed) return;
    this.close();
    queueMicrotask(() => this.#closings.emit());
  }
}

/** As the real engine asserts it. */
export function checkFrame(frame: ChannelFrame): void {
  const bytes = typeof frame === "string" ? Buffer.byteLength(frame) : frame.byteLength;
  assert(bytes <= LIMITS.channelFrameBytesMax, `a frame of ${bytes} bytes fits the channel`);
}
