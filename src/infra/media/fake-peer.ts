/** A peer of the fake engine, with controls by which a test plays its client. */

import { type AppError, assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { silentLog } from "../../base/log.ts";
import type { DtlsParameters, TransportParameters } from "../../tools/sdp/types.ts";
import type {
  ChannelFrame,
  ConsumeOptions,
  MediaConsumer,
  MediaPeer,
  MediaProducer,
  PeerState,
  ProduceOptions,
} from "./engine.ts";
import { fakeTransport } from "./fake-parameters.ts";
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
}

export class FakePeer implements MediaPeer {
  readonly id: string;
  /** Frames that reached the client, oldest first. */
  readonly sent: ChannelFrame[] = [];
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

  constructor({ id, number, room }: FakePeerParts) {
    this.id = id;
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
    if (producer === undefined || this.#codecs?.has(mimeType) === false) return undefined;
    const id = this.#room.nextId("consumer");
    const consumer = new FakeConsumer(id, options, () => {
      this.consumers.delete(id);
      producer.consumers.delete(consumer);
    });
    this.consumers.set(id, consumer);
    producer.consumers.add(consumer);
    return consumer;
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
    return Object.fromEntries(consumers.map(({ mid, producerId }) => [mid, producerId]));
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
  readonly #onClose: () => void;
  #closed = false;

  constructor(id: string, { kind, rtp }: ProduceOptions, onClose: () => void) {
    this.id = id;
    this.kind = kind;
    this.rtp = rtp;
    this.#onClose = onClose;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    for (const consumer of [...this.consumers]) consumer.producerClosed();
  }
}

export class FakeConsumer implements MediaConsumer {
  readonly id: string;
  readonly producerId: string;
  readonly mid: string;
  readonly #closings = new Listeners<void>("producerClose", silentLog());
  readonly #onClose: () => void;
  #closed = false;

  constructor(id: string, { producerId, mid }: ConsumeOptions, onClose: () => void) {
    this.id = id;
    this.producerId = producerId;
    this.mid = mid;
    this.#onClose = onClose;
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
