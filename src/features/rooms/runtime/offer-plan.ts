/**
 * What the server's offers contain. The first one decides how fast a join is, so it holds one slot
 * of each kind only; the rest of the pool follows over the channel. Slots are filled without
 * offers: browsers renegotiate in time that grows with the square of the sections.
 */

import type { OfferSection, SendSection, Source } from "../../../tools/sdp/sections.ts";
import type { MediaKind, RtpCapabilities } from "../../../tools/sdp/types.ts";

export interface OfferPlan {
  /** What the client may send. */
  readonly publish: readonly Source[];
  /** Sections for remote tracks. */
  readonly receive: { readonly audio: number; readonly video: number };
}

/** A section's mid is its place: sections are never removed from a connection's offers. */
export function joinSections(plan: OfferPlan, capabilities: RtpCapabilities): OfferSection[] {
  const sections: OfferSection[] = [{ type: "channel", mid: "0" }];
  for (const source of plan.publish) {
    sections.push({ type: "receive", mid: `${sections.length}`, source, capabilities });
  }
  for (const kind of ["audio", "video"] as const) {
    if (plan.receive[kind] > 0) sections.push(slot(kind, sections.length, capabilities));
  }
  return sections;
}

/** What `joinSections` left for later; `place` is the length of the list so far. */
export function poolSections(
  plan: OfferPlan,
  capabilities: RtpCapabilities,
  place: number,
): OfferSection[] {
  const { audio, video } = plan.receive;
  const kinds: MediaKind[] = [
    ...Array<MediaKind>(Math.max(0, audio - 1)).fill("audio"),
    ...Array<MediaKind>(Math.max(0, video - 1)).fill("video"),
  ];
  return kinds.map((kind, index) => slot(kind, place + index, capabilities));
}

function slot(kind: MediaKind, place: number, capabilities: RtpCapabilities): SendSection {
  const mid = `${place}`;
  return {
    type: "send",
    mid,
    kind,
    streamId: `slot-${mid}`,
    trackId: `${kind}-${mid}`,
    capabilities,
  };
}
