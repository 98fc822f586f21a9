/** What a participant wants to receive: of whom, who first, and in which quality. Pure state. */

import type { Layers } from "../../../infra/media/engine.ts";
import type { Source } from "../../../tools/sdp/sections.ts";
import type { SlotWishes } from "./slots.ts";
import type { RemoteSource } from "./stage.ts";

export interface LayerWish {
  /** Undefined: everybody that no other wish names. */
  readonly participantId?: string;
  readonly layers: Layers;
}

export interface Subscription {
  readonly participantId: string;
  /** All that the participant sends where left out. */
  readonly sources?: readonly Source[];
}

/** What is left out stays as it was. */
export interface ReceiveWishes {
  readonly layers?: readonly LayerWish[];
  /** Undefined, or null for everything again. */
  readonly subscriptions?: readonly Subscription[] | null;
  readonly pinned?: readonly string[];
}

export class Wishes implements SlotWishes {
  readonly #ownId: string;
  #layers = new Map<string, Layers>();
  #layersOfAll: Layers | undefined;
  #subscriptions: ReadonlyMap<string, ReadonlySet<Source> | undefined> | undefined;
  #pinned: readonly string[] = [];

  constructor(ownId: string) {
    this.#ownId = ownId;
  }

  get pinned(): readonly string[] {
    return this.#pinned;
  }

  set({ layers, subscriptions, pinned }: ReceiveWishes): void {
    if (layers !== undefined) {
      const named = layers.flatMap(({ participantId, layers: wished }) =>
        participantId === undefined ? [] : [[participantId, wished] as const],
      );
      this.#layers = new Map(named);
      this.#layersOfAll = layers.find((wish) => wish.participantId === undefined)?.layers;
    }
    if (subscriptions === null) this.#subscriptions = undefined;
    else if (subscriptions !== undefined) {
      this.#subscriptions = new Map(
        subscriptions.map(({ participantId, sources }) => [
          participantId,
          sources && new Set(sources),
        ]),
      );
    }
    if (pinned !== undefined) this.#pinned = pinned;
  }

  wants = ({ participantId, source }: RemoteSource): boolean => {
    if (participantId === this.#ownId) return false;
    const subscriptions = this.#subscriptions;
    if (subscriptions === undefined) return true;
    if (!subscriptions.has(participantId)) return false;
    return subscriptions.get(participantId)?.has(source) ?? true;
  };

  /** Only cameras have layers. Undefined: all there is. */
  layersOf({ participantId, source }: RemoteSource): Layers | undefined {
    if (source !== "video") return undefined;
    return this.#layers.get(participantId) ?? this.#layersOfAll;
  }
}
