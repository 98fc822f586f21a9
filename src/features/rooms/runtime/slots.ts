/** Which remote source each section for remote tracks shows. Pure. */

import type { MediaKind } from "../../../tools/sdp/types.ts";

/** A source that could be shown, by its producer's id. */
export interface ShowableSource {
  readonly producerId: string;
  readonly kind: MediaKind;
}

export interface SlotView {
  readonly mid: string;
  readonly kind: MediaKind;
  /** The producer it shows. */
  readonly showing: string | undefined;
}

export interface SlotChange {
  readonly mid: string;
  /** Undefined: nothing from now on. */
  readonly producerId: string | undefined;
}

/**
 * Keeps what is shown and still there, empties what is gone, and fills empty slots with sources
 * that no slot shows, from the front of the list. With more of them than slots, those at its end
 * are not shown. Cost: one pass over the slots and, at most, one over the sources.
 */
export function fillSlots(
  slots: readonly SlotView[],
  sources: readonly ShowableSource[],
): SlotChange[] {
  const available = new Map(sources.map((source) => [source.producerId, source]));
  const shown = new Set<string>();
  for (const { showing } of slots) {
    if (showing !== undefined && available.has(showing)) shown.add(showing);
  }
  const waiting = {
    audio: sources.filter((source) => source.kind === "audio" && !shown.has(source.producerId)),
    video: sources.filter((source) => source.kind === "video" && !shown.has(source.producerId)),
  };
  const changes: SlotChange[] = [];
  for (const { mid, kind, showing } of slots) {
    if (showing !== undefined && shown.has(showing)) continue;
    const producerId = waiting[kind].shift()?.producerId;
    if (producerId !== showing) changes.push({ mid, producerId });
  }
  return changes;
}
