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
  return makeIds(clock, () => {
    if (used === POOL_BYTES) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    const byte = pool[used] as number;
    // What was given out is nowhere left to be read.
    pool[used++] = 0;
    return byte;
  });
}

/** Repeatable ids: the same sequence for the same seed. */
export function fakeIds(clock: Clock, seed = 1): Ids {
  let state = seed >>> 0;
  return makeIds(clock, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** The next of a row of random bytes. */
type RandomByte = () => number;

function makeIds(clock: Clock, random: RandomByte): Ids {
  let stamp = { ms: Number.NaN, text: "" };
  const time = () => {
    const ms = clock.now();
    // Many ids share a millisecond.
    if (ms !== stamp.ms) stamp = { ms, text: ms.toString(36).padStart(8, "0") };
    return stamp.text;
  };
  return {
    record: () => time() + pick(random, ALPHABET, 7),
    secret: (length) => pick(random, TOKEN_ALPHABET, length),
    below: (bound) => below(random, bound),
  };
}

const WORD = 2 ** 32;

/** Draws without bias: what lies past the last multiple of the bound is drawn again. */
function below(random: RandomByte, bound: number): number {
  const fair = WORD - (WORD % bound);
  for (;;) {
    let word = 0;
    for (let byte = 0; byte < 4; byte++) word = word * 256 + random();
    if (word < fair) return word % bound;
  }
}

/** Draws without bias: a byte at or above the largest multiple of the alphabet is drawn again. */
function pick(random: RandomByte, alphabet: string, length: number): string {
  const bound = 256 - (256 % alphabet.length);
  let out = "";
  while (out.length < length) {
    const byte = random();
    if (byte < bound) out += alphabet[byte % alphabet.length];
  }
  return out;
}
