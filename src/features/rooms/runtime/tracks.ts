/**
 * A section for each remote track, as `tracks` mode offers them. A section whose track is gone is
 * offered inactive, and serves another track of its kind once the client has answered that: the
 * browser tells its page of the new track then. Pure state.
 */

import { LIMITS } from "../../../base/limits.ts";
import type { Answer } from "../../../tools/sdp/answer.ts";
import type { InactiveSection, OfferSection, SendSection } from "../../../tools/sdp/sections.ts";
import type { MediaKind, RtpCapabilities } from "../../../tools/sdp/types.ts";
import type { SlotChange, SlotView } from "./slots.ts";
import type { Ranking, RemoteSource } from "./stage.ts";

export type TrackSection = SendSection | InactiveSection;

interface Track {
  readonly mid: string;
  readonly kind: MediaKind;
  /** leaving: offered as inactive, not answered yet. refused: by the client, for good. */
  state: "live" | "leaving" | "free" | "refused";
  source: RemoteSource | undefined;
}

export interface TrackStep {
  /** New, or in place of those with their mids. */
  readonly sections: readonly TrackSection[];
  /** There are more tracks than sections may be. Nothing was changed for those. */
  readonly overflow: boolean;
}

export class TrackPlan {
  readonly #capabilities: RtpCapabilities;
  readonly #tracks: Track[] = [];

  constructor(capabilities: RtpCapabilities) {
    this.#capabilities = capabilities;
  }

  /** `place`: the number of sections there are, of all sorts. */
  sync(ranking: Ranking, wants: (source: RemoteSource) => boolean, place: number): TrackStep {
    const changed: Track[] = [];
    for (const track of this.#tracks) {
      const { source } = track;
      if (track.state !== "live" || (source && isWanted(source, ranking, wants))) continue;
      track.state = "leaving";
      track.source = undefined;
      changed.push(track);
    }
    const known = new Set(this.#tracks.map(({ source }) => source?.producerId));
    let next = place;
    let overflow = false;
    for (const source of ranking.order) {
      if (known.has(source.producerId) || !wants(source)) continue;
      const track = this.#free(source.kind) ?? this.#append(source.kind, next);
      if (track) {
        if (track.mid === `${next}`) next++;
        track.state = "live";
        track.source = source;
        changed.push(track);
      } else if (!this.#hasLeaving(source.kind)) overflow = true;
    }
    return { sections: changed.map((track) => this.#section(track)), overflow };
  }

  /** `sections`: those of the offer that was answered. */
  answered(answer: Answer, sections: readonly OfferSection[]): void {
    const inactive = new Set(sections.flatMap(({ type, mid }) => (type === "inactive" ? mid : [])));
    const refused = new Set(
      answer.rejected.flatMap(({ mid, reason }) => (reason === "refused" ? mid : [])),
    );
    for (const track of this.#tracks) {
      if (refused.has(track.mid)) track.state = "refused";
      else if (track.state === "leaving" && inactive.has(track.mid)) track.state = "free";
    }
  }

  /** What each accepted section is to show: its own track and no other. */
  changes(slots: readonly SlotView[]): SlotChange[] {
    return slots.flatMap(({ mid, showing }) => {
      const source = this.#tracks.find((track) => track.mid === mid)?.source;
      return source?.producerId === showing ? [] : [{ mid, source }];
    });
  }

  /** The tracks' sections that can serve as slots, by kind. */
  usable(): readonly { readonly mid: string; readonly kind: MediaKind }[] {
    return this.#tracks.filter(({ state }) => state !== "refused");
  }

  #free(kind: MediaKind): Track | undefined {
    return this.#tracks.find((track) => track.state === "free" && track.kind === kind);
  }

  #hasLeaving(kind: MediaKind): boolean {
    return this.#tracks.some((track) => track.state === "leaving" && track.kind === kind);
  }

  #append(kind: MediaKind, place: number): Track | undefined {
    if (this.#tracks.length >= LIMITS.remoteTracksMax) return undefined;
    const track: Track = { mid: `${place}`, kind, state: "free", source: undefined };
    this.#tracks.push(track);
    return track;
  }

  #section({ mid, kind, source }: Track): TrackSection {
    const capabilities = this.#capabilities;
    if (!source) return { type: "inactive", mid, kind, capabilities };
    const { participantId: streamId } = source;
    const trackId = `${streamId}-${source.source}`;
    return { type: "send", mid, kind, streamId, trackId, capabilities };
  }
}

function isWanted(
  source: RemoteSource,
  ranking: Ranking,
  wants: (source: RemoteSource) => boolean,
): boolean {
  return ranking.places.has(source.producerId) && wants(source);
}
