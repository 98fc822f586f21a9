/** Token buckets by key: a burst up to the count, refilled evenly over the window. */

export interface RateLimit {
  /** Buckets of different limits are apart. */
  readonly name: string;
  readonly count: number;
  readonly windowMs: number;
  /** Counted apart from the caller: an identity, an address. Default: the caller. */
  readonly key?: string;
}

interface Bucket {
  tokens: number;
  updatedAt: number;
}

/**
 * Bounded: beyond `keysMax` buckets the ones unused longest go, which only ever forgives. Cost: one
 * map look-up a call.
 */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #keysMax: number;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /**
   * Takes one token. Returns 0 when there was one, else the milliseconds until there will be.
   * `now` is monotonic.
   */
  take(key: string, limit: Pick<RateLimit, "count" | "windowMs">, now: number): number {
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: 0, updatedAt: now };
    bucket.tokens = tokensAt(known, limit, now);
    bucket.updatedAt = now;
    // Deleting first moves the key to the end: the map's order is the order of last use.
    if (known) this.#buckets.delete(key);
    else if (this.#buckets.size >= this.#keysMax) this.#evict();
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * limit.windowMs) / limit.count);
    bucket.tokens -= 1;
    return 0;
  }

  /** Whether there is a token to take. */
  has(key: string, limit: Pick<RateLimit, "count" | "windowMs">, now: number): boolean {
    return tokensAt(this.#buckets.get(key), limit, now) >= 1;
  }

  /** Gives one token back: what was taken turned out not to count. */
  restore(key: string, limit: Pick<RateLimit, "count">): void {
    const bucket = this.#buckets.get(key);
    if (bucket) bucket.tokens = Math.min(limit.count, bucket.tokens + 1);
  }

  get size(): number {
    return this.#buckets.size;
  }

  #evict(): void {
    const oldest = this.#buckets.keys().next();
    if (!oldest.done) this.#buckets.delete(oldest.value);
  }
}

function tokensAt(
  bucket: Bucket | undefined,
  { count, windowMs }: Pick<RateLimit, "count" | "windowMs">,
  now: number,
): number {
  if (!bucket) return count;
  return Math.min(count, bucket.tokens + (now - bucket.updatedAt) * (count / windowMs));
}
