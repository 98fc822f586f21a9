/** Ids and randomness as parameters. */

import type { Clock } from "./clock.ts";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export interface Ids {
  /**
   * 15 characters [a-z0-9]: the time in base 36 (eight characters until the year 2059), then seven
   * random ones. Ordered keys keep the b-tree's inserts at its right edge.
   */
  record(): string;
  /** A secret of `length` characters [A-Za-z0-9], about 5.95 bits each. */
  secret(length: number): string;
  /** A uniform whole number from 0 up to, not including, `bound` (1 to 2^32). */
  below(bound: number): number;
}

/** Random bytes are drawn by the kilobyte: a draw costs more than the bytes. */
const POOL_BYTES = 1_024;

export function realIds(clock: Clock): Ids {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  const random = (bytes: Uint8Array) => {
    if (bytes.length > POOL_BYTES) return crypto.getRandomValues(bytes);
    if (used + bytes.length > POOL_BYTES) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    bytes.set(pool.subarray(used, used + bytes.length));
    // What was given out is nowhere left to be read.
    pool.fill(0, used, used + bytes.length);
    used += bytes.length;
    return bytes;
  };
  return makeIds(clock, random);
}

/** Repeatable ids: the same sequence for the same seed. */
export function fakeIds(clock: Clock, seed = 1): Ids {
  let state = seed >>> 0;
  const random = (bytes: Uint8Array) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[i] = state >>> 24;
    }
    return bytes;
  };
  return makeIds(clock, random);
}

type FillRandom = (bytes: Uint8Array) => Uint8Array;

function makeIds(clock: Clock, random: FillRandom): Ids {
  return {
    record: () => clock.now().toString(36).padStart(8, "0") + pick(random, ALPHABET, 7),
    secret: (length) => pick(random, TOKEN_ALPHABET, length),
    below: (bound) => below(random, bound),
  };
}

const WORD = 2 ** 32;

/** Draws without bias: what lies past the last multiple of the bound is drawn again. */
function below(random: FillRandom, bound: number): number {
  const fair = WORD - (WORD % bound);
  for (;;) {
    const word = new DataView(random(new Uint8Array(4)).buffer).getUint32(0);
    if (word < fair) return word % bound;
  }
}

/** Draws without bias: a byte at or above the largest multiple of the alphabet is drawn again. */
function pick(random: FillRandom, alphabet: string, length: number): string {
  const bound = 256 - (256 % alphabet.length);
  let out = "";
  while (out.length < length) {
    for (const byte of random(new Uint8Array(length - out.length + 8))) {
      if (byte < bound && out.length < length) out += alphabet[byte % alphabet.length];
    }
  }
  return out;
}
