/**
 * What the server's offers contain. The first one decides how fast a join is, so it holds one slot
 * of each kind only; the rest of the pool follows over the channel. Slots are filled without
 * offers: browsers renegotiate in time that grows with the square of the sections.
 */

import type { OfferSection, SendSection, Source } from "../../../tools/sdp/sections.ts";
import type { MediaKind, RtpCapabilities } from "../../../tools/sdp/types.ts";
import type { ReceiveMode } from "../events.ts";

export interface OfferPlan {
  readonly mode: ReceiveMode;
  /** What the client may send. */
  readonly publish: readonly Source[];
  /** Slots for remote tracks; in tracks mode, once there are too many of these. */
  readonly receive: Readonly<Record<MediaKind, number>>;
}

/** A section's mid is its place: sections are never removed from a connection's offers. */
export function ownSections(plan: OfferPlan, capabilities: RtpCapabilities): OfferSection[] {
  const sections: OfferSection[] = [{ type: "channel", mid: "0" }];
  for (const source of plan.publish) {
    sections.push({ type: "receive", mid: `${sections.length}`, source, capabilities });
  }
  return sections;
}

/** At most one of each kind; `place` is the number of sections before them. */
export function firstSlots(
  { receive }: OfferPlan,
  capabilities: RtpCapabilities,
  place: number,
): SendSection[] {
  const kinds = (["audio", "video"] as const).filter((kind) => receive[kind] > 0);
  return kinds.map((kind, index) => slotSection(kind, `${place + index}`, capabilities));
}

/** Those that are missing; `present` says how many there are of each kind. */
export function restOfPool(
  { receive }: OfferPlan,
  present: Readonly<Record<MediaKind, number>>,
  { capabilities, place }: { readonly capabilities: RtpCapabilities; readonly place: number },
): SendSection[] {
  const kinds = (["audio", "video"] as const).flatMap((kind) =>
    Array<MediaKind>(Math.max(0, receive[kind] - present[kind])).fill(kind),
  );
  return kinds.map((kind, index) => slotSection(kind, `${place + index}`, capabilities));
}

export function slotSection(
  kind: MediaKind,
  mid: string,
  capabilities: RtpCapabilities,
): SendSection {
  const [streamId, trackId] = [`slot-${mid}`, `${kind}-${mid}`];
  return { type: "send", mid, kind, streamId, trackId, capabilities };
}
