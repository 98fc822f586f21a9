/** How good one's own connection is, in a word. Pure state. */

import type { RoomStats } from "../client/stats.ts";

export type Quality = "good" | "fair" | "poor";

/** Of the packets between two looks, and of the way there and back. */
const FAIR = { loss: 0.02, roundTripMs: 250 };
const POOR = { loss: 0.08, roundTripMs: 600 };
/** Fewer packets than these say nothing about losses. */
const PACKETS_MIN = 20;

export class QualityMeter {
  #before: { readonly packets: number; readonly lost: number } | undefined;

  /** Undefined: nothing is known yet. */
  look({ received, roundTripMs }: RoomStats): Quality | undefined {
    const packets = received.reduce((sum, each) => sum + each.packets, 0);
    const lost = received.reduce((sum, each) => sum + each.packetsLost, 0);
    const before = this.#before;
    this.#before = { packets, lost };
    // A new connection counts from the beginning.
    if (!before || packets < before.packets) return undefined;
    const arrived = packets - before.packets;
    const missing = Math.max(0, lost - before.lost);
    const loss = arrived + missing < PACKETS_MIN ? 0 : missing / (arrived + missing);
    const isWorse = (bound: typeof FAIR) =>
      loss > bound.loss || (roundTripMs ?? 0) > bound.roundTripMs;
    if (isWorse(POOR)) return "poor";
    return isWorse(FAIR) ? "fair" : "good";
  }
}
