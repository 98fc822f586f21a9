/**
 * The slots of one client and the consumers in them. Changes run one after another, so that a slot
 * never has two consumers. close: every consumer.
 */

import { AppError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import type { Layers, MediaConsumer, MediaPeer } from "../../../infra/media/engine.ts";
import type { SendSection } from "../../../tools/sdp/sections.ts";
import type { MediaKind } from "../../../tools/sdp/types.ts";
import type { SlotState } from "../events.ts";
import type { SlotChange, SlotView } from "./slots.ts";
import type { RemoteSource } from "./stage.ts";

/** Everything there is to be seen of a simulcast source. */
const ALL_LAYERS: Layers = { spatial: 2, temporal: 2 };

interface Slot {
  readonly mid: string;
  readonly kind: MediaKind;
  /** Whether the client takes media in it. */
  accepted: boolean;
  shows: RemoteSource | undefined;
  consumer: MediaConsumer | undefined;
}

export interface SlotBoardOptions {
  readonly log: Log;
  /** What the slots are to show, without the producers whose codec the client does not take. */
  readonly choose: (
    slots: readonly SlotView[],
    without: (producerId: string) => boolean,
  ) => SlotChange[];
  readonly layersOf: (source: RemoteSource) => Layers | undefined;
  readonly isKnown: (producerId: string) => boolean;
  readonly onChange: () => void;
  /** The picture in a slot became better or worse; undefined: none comes. */
  readonly onLayers: (mid: string, shows: RemoteSource, layers: Layers | undefined) => void;
}

export class SlotBoard {
  readonly #options: SlotBoardOptions;
  #peer: MediaPeer | undefined;
  #slots: Slot[] = [];
  /** Producers whose codec this client does not take. */
  #unreceivable = new Set<string>();
  #running = false;
  #dirty = false;

  constructor(options: SlotBoardOptions) {
    this.#options = options;
  }

  /** Starts over with a connection and no slots. */
  begin(peer: MediaPeer): void {
    this.close();
    this.#peer = peer;
  }

  add(sections: readonly SendSection[]): void {
    for (const { mid, kind } of sections) {
      this.#slots.push({ mid, kind, accepted: false, shows: undefined, consumer: undefined });
    }
  }

  /** Of a section that changes: it shows nothing before the client has answered. */
  renew(section: SendSection): void {
    const slot = this.#slots.find(({ mid }) => mid === section.mid);
    if (!slot) this.add([section]);
    else {
      slot.accepted = false;
      slot.consumer?.close();
      slot.consumer = undefined;
      slot.shows = undefined;
    }
  }

  get consumers(): readonly MediaConsumer[] {
    return this.#slots.flatMap(({ consumer }) => consumer ?? []);
  }

  get list(): readonly { readonly mid: string; readonly kind: MediaKind }[] {
    return this.#slots;
  }

  /** The client answered: it takes media in these of its sections. */
  accept(mids: readonly string[]): void {
    const accepted = new Set(mids);
    for (const slot of this.#slots) slot.accepted ||= accepted.has(slot.mid);
    // The answer may take more codecs than the one before.
    this.#unreceivable.clear();
  }

  get states(): SlotState[] {
    return this.#slots.map(({ mid, shows }) => ({
      mid,
      participant_id: shows?.participantId ?? null,
      source: shows?.source ?? null,
    }));
  }

  /** What is wished of the layers changed. */
  chooseLayers(): void {
    for (const { shows, consumer } of this.#slots) {
      if (shows?.source !== "video") continue;
      consumer?.setLayers(this.#options.layersOf(shows) ?? ALL_LAYERS);
    }
  }

  /** Brings the slots up to date with the sources. Returns at once; the work follows. */
  refill(): void {
    this.#dirty = true;
    if (!this.#running) void this.#run();
  }

  /** Closes the consumers without a word. Idempotent. */
  close(): void {
    this.#peer = undefined;
    for (const slot of this.#slots) slot.consumer?.close();
    this.#slots = [];
    this.#unreceivable.clear();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#dirty && this.#peer) {
      this.#dirty = false;
      const peer = this.#peer;
      try {
        if (await this.#update(peer)) this.#options.onChange();
      } catch (cause) {
        // A connection that closed meanwhile is no news; its end is told elsewhere.
        const isGone = cause instanceof AppError && cause.kind !== "invalid";
        if (isGone || this.#peer !== peer) continue;
        this.#options.log.warn("a slot could not be filled", { peer: peer.id, cause });
        // The source is left out from now on, so this ends.
        this.#dirty = true;
        this.#options.onChange();
      }
    }
    this.#running = false;
  }

  async #update(peer: MediaPeer): Promise<boolean> {
    const { choose, isKnown } = this.#options;
    for (const id of this.#unreceivable) if (!isKnown(id)) this.#unreceivable.delete(id);
    const views = this.#slots
      .filter(({ accepted }) => accepted)
      .map(({ mid, kind, shows }) => ({ mid, kind, showing: shows?.producerId }));
    const changes = choose(views, (id) => this.#unreceivable.has(id)).filter(
      ({ source }) => source === undefined || !this.#unreceivable.has(source.producerId),
    );
    for (const { mid, source } of changes) {
      const slot = this.#slots.find((candidate) => candidate.mid === mid);
      if (slot) await this.#show(peer, slot, source);
      if (this.#peer !== peer) return false;
    }
    return changes.length > 0;
  }

  async #show(peer: MediaPeer, slot: Slot, source: RemoteSource | undefined): Promise<void> {
    slot.consumer?.close();
    slot.consumer = undefined;
    slot.shows = undefined;
    if (!source) return;
    const { producerId } = source;
    const layers = this.#options.layersOf(source);
    let consumer: MediaConsumer | undefined;
    try {
      consumer = await peer.consume({ producerId, mid: slot.mid, ...(layers ? { layers } : {}) });
    } catch (thrown) {
      this.#unreceivable.add(producerId);
      throw thrown;
    }
    if (this.#peer !== peer) {
      consumer?.close();
    } else if (consumer) {
      slot.consumer = consumer;
      slot.shows = source;
      consumer.onLayers((now) => {
        if (slot.consumer === consumer) this.#options.onLayers(slot.mid, source, now);
      });
      consumer.onProducerClose(() => {
        if (slot.consumer === consumer) this.refill();
      });
    } else {
      // Another source may fit the slot.
      this.#unreceivable.add(producerId);
      this.#dirty = true;
    }
  }
}
