/** Which sources of a participant are silent, and by whose wish. */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Source } from "../../../tools/sdp/sections.ts";

/** self: the participant. moderator: somebody with the right, over the participant's own wish. */
export type MuteBy = "self" | "moderator";

export interface MuteWish {
  readonly source: Source;
  readonly muted: boolean;
  readonly by: MuteBy;
}

export class Mutes {
  readonly #wishes: Readonly<Record<MuteBy, Set<Source>>>;

  /** `held`: what a moderator silenced before. */
  constructor(held: Iterable<Source>) {
    this.#wishes = { self: new Set(), moderator: new Set(held) };
  }

  has(source: Source): boolean {
    return this.#wishes.self.has(source) || this.#wishes.moderator.has(source);
  }

  get sources(): Source[] {
    const { self, moderator } = this.#wishes;
    return [...new Set([...self, ...moderator])];
  }

  /**
   * Returns whether the source is silent now and was not, or the reverse. What a moderator muted
   * only a moderator opens, and only as far as the participant wants to be heard. Error: 403
   * `muted_by_moderator`.
   */
  set({ source, muted, by }: MuteWish): boolean {
    if (by === "self" && !muted && this.#wishes.moderator.has(source)) {
      throw fail.forbidden("muted_by_moderator", "A moderator muted you in this room.");
    }
    const before = this.has(source);
    const wishes = this.#wishes[by];
    if (muted) wishes.add(source);
    else wishes.delete(source);
    return this.has(source) !== before;
  }
}

/**
 * What moderators silenced of whom: hanging up and joining again does not lift it. Kept while the
 * room is live; past the bound the oldest is forgotten.
 */
export class HeldMutes {
  readonly #byUser = new Map<string, ReadonlySet<Source>>();

  of(userId: string | null): ReadonlySet<Source> {
    return (userId && this.#byUser.get(userId)) || NOTHING;
  }

  set(userId: string, source: Source, muted: boolean): void {
    const sources = new Set(this.of(userId));
    if (muted) sources.add(source);
    else sources.delete(source);
    this.#byUser.delete(userId);
    if (sources.size > 0) this.#byUser.set(userId, sources);
    const [oldest] = this.#byUser.keys();
    if (this.#byUser.size > LIMITS.roomHeldMutesMax && oldest) this.#byUser.delete(oldest);
  }
}

const NOTHING: ReadonlySet<Source> = new Set();
