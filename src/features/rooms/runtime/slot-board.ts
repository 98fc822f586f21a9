/**
 * The slots of one client and the consumers in them. Changes run one after another, so that a slot
 * never has two consumers. close: every consumer.
 */

import { AppError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import type { MediaConsumer, MediaPeer } from "../../../infra/media/engine.ts";
import type { SendSection, Source } from "../../../tools/sdp/sections.ts";
import type { MediaKind } from "../../../tools/sdp/types.ts";
import type { SlotState } from "../events.ts";
import { fillSlots } from "./slots.ts";

/** A source as a slot shows it. */
export interface RemoteSource {
  readonly producerId: string;
  readonly kind: MediaKind;
  readonly source: Source;
  readonly participantId: string;
}

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
  /** What the others send, what to show first in front. */
  readonly sources: () => readonly RemoteSource[];
  readonly onChange: () => void;
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
    const sources = this.#options.sources();
    const known = new Map(sources.map((source) => [source.producerId, source]));
    for (const id of this.#unreceivable) if (!known.has(id)) this.#unreceivable.delete(id);
    const showable = sources.filter(({ producerId }) => !this.#unreceivable.has(producerId));
    const views = this.#slots
      .filter(({ accepted }) => accepted)
      .map(({ mid, kind, shows }) => ({ mid, kind, showing: shows?.producerId }));
    const changes = fillSlots(views, showable);
    for (const { mid, producerId } of changes) {
      const slot = this.#slots.find((candidate) => candidate.mid === mid);
      const source = producerId === undefined ? undefined : known.get(producerId);
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
    let consumer: MediaConsumer | undefined;
    try {
      consumer = await peer.consume({ producerId, mid: slot.mid });
    } catch (thrown) {
      this.#unreceivable.add(producerId);
      throw thrown;
    }
    if (this.#peer !== peer) {
      consumer?.close();
    } else if (consumer) {
      slot.consumer = consumer;
      slot.shows = source;
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
