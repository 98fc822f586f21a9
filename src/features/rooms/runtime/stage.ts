/** Who sends what in a room, in the order in which the others are to be shown it. Pure state. */

import type { Source } from "../../../tools/sdp/sections.ts";
import type { MediaKind } from "../../../tools/sdp/types.ts";

/** A source as slots show it. */
export interface RemoteSource {
  readonly producerId: string;
  readonly kind: MediaKind;
  readonly source: Source;
  readonly participantId: string;
}

/** Every source of a room, what to show first in front. */
export interface Ranking {
  readonly order: readonly RemoteSource[];
  /** Places in `order`, by producer id. */
  readonly places: ReadonlyMap<string, number>;
  /** So many of the front take a slot from those behind: shared screens, and who speaks. */
  readonly strong: number;
  /** So many of the front send now. Those behind are held ready, or muted. */
  readonly active: number;
}

/** Latest speakers that count for the order; the rest go by the age of their sources. */
const SPEAKERS_MAX = 32;

interface Entry {
  readonly remote: RemoteSource;
  flowing: boolean;
  muted: boolean;
}

export class Stage {
  /** By producer id, oldest first. */
  readonly #entries = new Map<string, Entry>();
  /** Participants, who spoke last in front. */
  #speakers: string[] = [];
  #ranking: Ranking | undefined;

  get ranking(): Ranking {
    this.#ranking ??= this.#rank();
    return this.#ranking;
  }

  /** The participant who speaks or spoke last; undefined: nobody yet, or who did has left. */
  get speaker(): string | undefined {
    return this.#speakers[0];
  }

  get(producerId: string): RemoteSource | undefined {
    return this.#entries.get(producerId)?.remote;
  }

  add(remote: RemoteSource, state: { readonly flowing: boolean; readonly muted: boolean }): void {
    this.#entries.set(remote.producerId, { remote, ...state });
    this.#ranking = undefined;
  }

  /** Returns whether it was there. */
  remove(producerId: string): boolean {
    this.#ranking = undefined;
    return this.#entries.delete(producerId);
  }

  /** Returns whether there was anything of the participant's. */
  leave(participantId: string): boolean {
    const own = [...this.#entries.values()].filter(
      ({ remote }) => remote.participantId === participantId,
    );
    for (const { remote } of own) this.#entries.delete(remote.producerId);
    this.#speakers = this.#speakers.filter((id) => id !== participantId);
    this.#ranking = undefined;
    return own.length > 0;
  }

  /** Returns whether that changes the order. */
  setFlowing(producerId: string, flowing: boolean): boolean {
    const entry = this.#entries.get(producerId);
    if (!entry || entry.flowing === flowing) return false;
    entry.flowing = flowing;
    this.#ranking = undefined;
    return true;
  }

  /** Returns whether that changes the order. */
  setMuted(participantId: string, source: Source, muted: boolean): boolean {
    let changed = false;
    for (const entry of this.#entries.values()) {
      const { remote } = entry;
      if (remote.participantId !== participantId || remote.source !== source) continue;
      changed ||= entry.muted !== muted;
      entry.muted = muted;
    }
    if (changed) this.#ranking = undefined;
    return changed;
  }

  /** Returns whether it is another speaker than before. */
  speak(participantId: string): boolean {
    if (this.#speakers[0] === participantId) return false;
    const others = this.#speakers.filter((id) => id !== participantId);
    this.#speakers = [participantId, ...others].slice(0, SPEAKERS_MAX);
    this.#ranking = undefined;
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#speakers = [];
    this.#ranking = undefined;
  }

  #rank(): Ranking {
    const turns = new Map(this.#speakers.map((id, turn) => [id, turn]));
    const groups: RemoteSource[][] = [[], [], [], [], [], []];
    const newest = [...this.#entries.values()].reverse();
    for (const entry of newest) groups[groupOf(entry, turns)]?.push(entry.remote);
    const turnOf = ({ participantId }: RemoteSource) => turns.get(participantId) ?? 0;
    groups[2]?.sort((a, b) => turnOf(a) - turnOf(b));
    const order = groups.flat();
    const upTo = (end: number) => groups.slice(0, end).reduce((sum, { length }) => sum + length, 0);
    return {
      order,
      places: new Map(order.map(({ producerId }, place) => [producerId, place])),
      strong: upTo(2),
      active: upTo(4),
    };
  }
}

/**
 * 0: shared screens, 1: the speaker, 2: who spoke before, 3: others who send, 4: what is held
 * ready, 5: screens held ready. Clients hold a section ready for a screen they do not share, which
 * must not take the place of a camera that is about to start.
 */
function groupOf({ remote, flowing, muted }: Entry, turns: ReadonlyMap<string, number>): number {
  const isScreen = remote.source === "screen";
  if (!flowing || muted) return isScreen ? 5 : 4;
  if (isScreen) return 0;
  const turn = turns.get(remote.participantId);
  if (turn === undefined) return 3;
  return turn === 0 ? 1 : 2;
}
