/** Producers and consumers of a transport, as rooms see them. They close with their transport. */

import type { types } from "mediasoup";
import type { Log } from "../../base/log.ts";
import type { RtpParameters } from "../../tools/sdp/types.ts";
import type { Layers, MediaConsumer, MediaProducer, ProducerStats } from "./engine.ts";
import { Listeners } from "./listeners.ts";
import { sentParameters } from "./parameters.ts";

export class PeerProducer implements MediaProducer {
  readonly id: string;
  readonly kind: MediaProducer["kind"];
  readonly #producer: types.Producer;
  readonly #log: Log;
  readonly #flows: Listeners<boolean>;
  #flowing = false;

  constructor(producer: types.Producer, log: Log) {
    this.id = producer.id;
    this.kind = producer.kind;
    this.#producer = producer;
    this.#log = log;
    this.#flows = new Listeners("flow", log);
    // The worker tells a first score with a stream's first packet, and 0 when a simulcast stream
    // has stopped.
    producer.on("score", (scores) => this.#flow(scores.some(({ score }) => score > 0)));
  }

  get flowing(): boolean {
    return this.#flowing;
  }

  onFlow(listener: (flowing: boolean) => void): void {
    this.#flows.add(listener);
  }

  setPaused(paused: boolean): void {
    const producer = this.#producer;
    void settle(paused ? producer.pause() : producer.resume(), (cause) => {
      // Closed while the worker was asked: there is nothing to pause any more.
      if (!producer.closed) this.#log.error("a producer was not paused", { paused, cause });
    });
  }

  async stats(): Promise<ProducerStats | undefined> {
    if (this.#producer.closed) return undefined;
    try {
      const streams = await this.#producer.getStats();
      const flowing = streams.filter(({ score }) => score > 0);
      const sum = (read: (stat: types.ProducerStat) => number) =>
        streams.reduce((total, stat) => total + read(stat), 0);
      return {
        bitrateBps: sum(({ bitrate }) => bitrate),
        packets: sum(({ packetCount }) => packetCount),
        packetsLost: sum(({ packetsLost }) => packetsLost),
        score: Math.min(10, ...flowing.map(({ score }) => score)),
      };
    } catch (cause) {
      if (!this.#producer.closed) this.#log.debug("a producer told no figures", { cause });
      return undefined;
    }
  }

  close(): void {
    this.#producer.close();
  }

  #flow(flowing: boolean): void {
    if (flowing === this.#flowing) return;
    this.#flowing = flowing;
    this.#flows.emit(flowing);
  }
}

export interface PeerConsumerParts {
  /** The room's id of the producer: a branch may know it by another. */
  readonly producerId: string;
  /** Whether that one is still there. */
  readonly hasProducer: () => boolean;
  readonly log: Log;
}

export class PeerConsumer implements MediaConsumer {
  readonly id: string;
  readonly producerId: string;
  readonly kind: MediaConsumer["kind"];
  readonly #consumer: types.Consumer;
  readonly #hasProducer: () => boolean;
  readonly #log: Log;

  constructor(consumer: types.Consumer, { producerId, hasProducer, log }: PeerConsumerParts) {
    this.id = consumer.id;
    this.producerId = producerId;
    this.kind = consumer.kind;
    this.#consumer = consumer;
    this.#hasProducer = hasProducer;
    this.#log = log;
  }

  get rtp(): RtpParameters {
    return sentParameters(this.#consumer.rtpParameters);
  }

  get score(): number {
    return this.#consumer.score.score;
  }

  setPaused(paused: boolean): void {
    const consumer = this.#consumer;
    void settle(paused ? consumer.pause() : consumer.resume(), (cause) => {
      if (!consumer.closed) this.#log.error("a consumer was not paused", { paused, cause });
    });
  }

  setLayers(layers: Layers): void {
    const consumer = this.#consumer;
    if (consumer.type !== "simulcast" && consumer.type !== "svc") return;
    void settle(consumer.setPreferredLayers(workerLayers(layers)), (cause) => {
      if (!consumer.closed) this.#log.error("layers were not chosen", { cause });
    });
  }

  onLayers(listener: (layers: Layers | undefined) => void): void {
    const changes = new Listeners<Layers | undefined>("layers", this.#log);
    changes.add(listener);
    this.#consumer.on("layerschange", (layers) =>
      changes.emit(
        layers && {
          spatial: layers.spatialLayer,
          ...(layers.temporalLayer === undefined ? {} : { temporal: layers.temporalLayer }),
        },
      ),
    );
  }

  onProducerClose(listener: () => void): void {
    const closed = new Listeners<void>("producerClose", this.#log);
    closed.add(listener);
    this.#consumer.once("producerclose", () => closed.emit());
  }

  close(): void {
    // With its producer the worker has closed it already, and would log that it knows it no more.
    if (this.#hasProducer()) this.#consumer.close();
  }
}

export function workerLayers({ spatial, temporal }: Layers): types.ConsumerLayers {
  return {
    spatialLayer: spatial,
    ...(temporal === undefined ? {} : { temporalLayer: temporal }),
  };
}

async function settle(work: Promise<void>, failed: (cause: unknown) => void): Promise<void> {
  try {
    await work;
  } catch (cause) {
    failed(cause);
  }
}
