/** Which remote source each section for remote tracks shows. Pure. */

import type { MediaKind } from "../../../tools/sdp/types.ts";
import type { Ranking, RemoteSource } from "./stage.ts";

export interface SlotView {
  readonly mid: string;
  readonly kind: MediaKind;
  /** The producer it shows. */
  readonly showing: string | undefined;
}

/** What one receiver wants to see of a room. */
export interface SlotWishes {
  readonly wants: (source: RemoteSource) => boolean;
  /** Participants who take a slot before all others. */
  readonly pinned: readonly string[];
}

export interface SlotChange {
  readonly mid: string;
  /** Undefined: nothing from now on. */
  readonly source: RemoteSource | undefined;
}

/**
 * Keeps what is shown where it is, as long as it is wanted and nothing with a better claim needs
 * the place: pinned participants, then shared screens and the speaker. What has no such claim only
 * fills slots that are empty, or show somebody who sends nothing. Cost: as many steps as there are
 * slots, and sources that are not wanted; one for each source where somebody is pinned.
 */
export function fillSlots(
  slots: readonly SlotView[],
  ranking: Ranking,
  wishes: SlotWishes,
): SlotChange[] {
  return (["audio", "video"] as const).flatMap((kind) =>
    fillKind(
      slots.filter((slot) => slot.kind === kind),
      ranking,
      { ...wishes, wants: (source) => source.kind === kind && wishes.wants(source) },
    ),
  );
}

function fillKind(slots: readonly SlotView[], ranking: Ranking, wishes: SlotWishes): SlotChange[] {
  const chosen = choose(slots, ranking, wishes);
  const shown = new Set(slots.flatMap(({ showing }) => showing ?? []));
  const waiting = [...chosen.values()].filter(({ producerId }) => !shown.has(producerId));
  const changes: SlotChange[] = [];
  for (const { mid, showing } of slots) {
    if (showing !== undefined && chosen.has(showing)) continue;
    const source = waiting.shift();
    if (source !== undefined || showing !== undefined) changes.push({ mid, source });
  }
  return changes;
}

/** At most one source for each slot, by producer id. */
function choose(
  slots: readonly SlotView[],
  { order, places, strong, active }: Ranking,
  { wants, pinned }: SlotWishes,
): Map<string, RemoteSource> {
  const chosen = new Map<string, RemoteSource>();
  const take = (sources: Iterable<RemoteSource>) => {
    for (const source of sources) {
      if (chosen.size >= slots.length) return;
      if (wants(source)) chosen.set(source.producerId, source);
    }
  };
  const placed = slots
    .flatMap(({ showing }) => places.get(showing ?? "") ?? [])
    .sort((a, b) => a - b)
    .flatMap((place) => order[place] ?? []);
  const isActive = ({ producerId }: RemoteSource) => (places.get(producerId) ?? active) < active;
  for (const id of pinned) take(order.filter(({ participantId }) => participantId === id));
  take(slice(order, 0, strong));
  take(placed.filter(isActive));
  take(slice(order, strong, active));
  take(placed);
  take(slice(order, active, order.length));
  return chosen;
}

/** Without a copy: most of a long list is never looked at. */
function* slice<T>(list: readonly T[], from: number, to: number): Generator<T> {
  for (let index = from; index < to; index++) {
    const item = list[index];
    if (item !== undefined) yield item;
  }
}
