/**
 * What one client receives: its sections for remote tracks, what they show, and in which quality.
 * close: the slots and their consumers.
 */

import type { Log } from "../../../base/log.ts";
import type { Layers, MediaConsumer, MediaPeer } from "../../../infra/media/engine.ts";
import type { Answer } from "../../../tools/sdp/answer.ts";
import type { OfferSection, SendSection } from "../../../tools/sdp/sections.ts";
import type { RtpCapabilities } from "../../../tools/sdp/types.ts";
import type { ReceiveMode, RoomEvent, SlotState } from "../events.ts";
import { firstSlots, type OfferPlan, restOfPool, slotSection } from "./offer-plan.ts";
import { SlotBoard } from "./slot-board.ts";
import { fillSlots } from "./slots.ts";
import type { Ranking, RemoteSource } from "./stage.ts";
import { TrackPlan, type TrackSection } from "./tracks.ts";
import { type ReceiveWishes, Wishes } from "./wishes.ts";

export type ReceptionEvent = Extract<
  RoomEvent,
  { readonly type: "slots" | "layers_changed" | "mode_changed" }
>;

export interface ReceptionOptions {
  readonly participantId: string;
  readonly log: Log;
  readonly plan: OfferPlan;
  readonly ranking: () => Ranking;
  /** Sections of the connection so far, of all sorts. */
  readonly sectionCount: () => number;
  /** Has them offered: new ones, or others in place of those with their mids. */
  readonly offer: (sections: readonly TrackSection[]) => void;
  readonly tell: (event: ReceptionEvent) => void;
}

export class Reception {
  readonly #options: ReceptionOptions;
  readonly #wishes: Wishes;
  readonly #slots: SlotBoard;
  #mode: ReceiveMode;
  #tracks: TrackPlan | undefined;
  #capabilities: RtpCapabilities | undefined;
  #canOffer = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#mode = options.plan.mode;
    this.#wishes = new Wishes(options.participantId);
    this.#slots = new SlotBoard({
      log: options.log,
      choose: (views, without) => this.#choose(views, without),
      layersOf: (source) => this.#wishes.layersOf(source),
      isKnown: (producerId) => options.ranking().places.has(producerId),
      onChange: () => this.tell(),
      onLayers: (mid, shows, layers) => this.#tellLayers(mid, shows, layers),
    });
  }

  /** Ends as slots where there are more tracks than sections may be. */
  get mode(): ReceiveMode {
    return this.#mode;
  }

  get consumers(): readonly MediaConsumer[] {
    return this.#slots.consumers;
  }

  get states(): SlotState[] {
    return this.#slots.states;
  }

  /** A new connection: returns the sections of its first offer, which start at `place`. */
  begin(peer: MediaPeer, capabilities: RtpCapabilities, place: number): OfferSection[] {
    this.#capabilities = capabilities;
    this.#canOffer = false;
    this.#slots.begin(peer);
    const sections = this.#firstSections(capabilities, place);
    this.#slots.add(sections.filter(isSend));
    return sections;
  }

  /** A connection whose sections are settled: nothing is ever offered on it. */
  beginWith(peer: MediaPeer, sections: readonly SendSection[]): void {
    this.#canOffer = false;
    this.#slots.begin(peer);
    this.#slots.add(sections);
    this.#slots.accept(sections.map(({ mid }) => mid));
    this.#slots.refill();
  }

  /** The client's channel is open: what the first offer left out for speed can follow. */
  opened(): void {
    this.#canOffer = true;
    if (this.#tracks) this.#syncTracks(this.#tracks);
    else this.#offerPool();
  }

  /** The client answered: it takes media in some of the sections. */
  answered(answer: Answer, sections: readonly OfferSection[]): void {
    this.#tracks?.answered(answer, sections);
    this.#slots.accept(answer.accepted);
    this.refill();
  }

  setWishes(wishes: ReceiveWishes): void {
    this.#wishes.set(wishes);
    if (wishes.layers) this.#slots.chooseLayers();
    this.refill();
  }

  /** What others send, or its order, changed. */
  refill(): void {
    if (this.#tracks && this.#canOffer) this.#syncTracks(this.#tracks);
    this.#slots.refill();
  }

  tell(): void {
    const { states } = this;
    if (states.length > 0) this.#options.tell({ type: "slots", data: { slots: states } });
  }

  /** Idempotent. Another connection may follow. */
  close(): void {
    this.#canOffer = false;
    this.#slots.close();
  }

  /** A screen that is only held ready would be a track without a picture in everybody's page. */
  readonly #wantsTrack = (remote: RemoteSource): boolean => {
    const { places, active } = this.#options.ranking();
    const isShared = (places.get(remote.producerId) ?? active) < active;
    return (remote.source !== "screen" || isShared) && this.#wishes.wants(remote);
  };

  #choose(views: Parameters<typeof fillSlots>[0], without: (producerId: string) => boolean) {
    if (this.#tracks) return this.#tracks.changes(views);
    const wants = (source: RemoteSource) =>
      !without(source.producerId) && this.#wishes.wants(source);
    return fillSlots(views, this.#options.ranking(), { pinned: this.#wishes.pinned, wants });
  }

  #firstSections(capabilities: RtpCapabilities, place: number): OfferSection[] {
    const { plan, ranking } = this.#options;
    this.#tracks = undefined;
    if (this.#mode === "tracks") {
      const tracks = new TrackPlan(capabilities);
      const { sections, overflow } = tracks.sync(ranking(), this.#wantsTrack, place);
      if (!overflow) {
        this.#tracks = tracks;
        return [...sections];
      }
      this.#mode = "slots";
    }
    return firstSlots(plan, capabilities, place);
  }

  #offerPool(): void {
    if (!this.#capabilities) return;
    const { plan, sectionCount, offer } = this.#options;
    const count = { audio: 0, video: 0 };
    for (const { kind } of this.#slots.list) count[kind]++;
    const pool = restOfPool(plan, count, {
      capabilities: this.#capabilities,
      place: sectionCount(),
    });
    this.#slots.add(pool);
    offer(pool);
  }

  #syncTracks(tracks: TrackPlan): void {
    const { ranking, sectionCount, offer } = this.#options;
    const step = tracks.sync(ranking(), this.#wantsTrack, sectionCount());
    for (const section of step.sections) {
      if (section.type === "send") this.#slots.renew(section);
    }
    if (step.sections.length > 0) offer(step.sections);
    if (step.overflow) this.#giveUpTracks(tracks);
  }

  /** The sections become slots like any others; those out of use are offered again. */
  #giveUpTracks(tracks: TrackPlan): void {
    const capabilities = this.#capabilities;
    if (!capabilities) return;
    this.#tracks = undefined;
    this.#mode = "slots";
    this.#options.tell({
      type: "mode_changed",
      data: { mode: "slots", reason: "too_many_tracks" },
    });
    this.#options.offer(
      tracks.usable().map(({ mid, kind }) => slotSection(kind, mid, capabilities)),
    );
    this.#offerPool();
  }

  #tellLayers(mid: string, shows: RemoteSource, layers: Layers | undefined): void {
    const data = {
      mid,
      participant_id: shows.participantId,
      source: shows.source,
      spatial: layers?.spatial ?? null,
      temporal: layers?.temporal ?? null,
    };
    this.#options.tell({ type: "layers_changed", data });
  }
}

function isSend(section: OfferSection): section is SendSection {
  return section.type === "send";
}
