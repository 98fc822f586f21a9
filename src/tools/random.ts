/** Chance as a parameter: what draws takes one of these. */

/** A uniform whole number from 0 up to, not including, `bound` (1 to 2^32). */
export type RandomBelow = (bound: number) => number;

const WORD = 2 ** 32;

/** Draws without bias from a source of random bytes: what lies past the last multiple is redrawn. */
export function randomBelow(fill: (bytes: Uint8Array) => Uint8Array): RandomBelow {
  return (bound) => {
    const fair = WORD - (WORD % bound);
    for (;;) {
      const word = new DataView(fill(new Uint8Array(4)).buffer).getUint32(0);
      if (word < fair) return word % bound;
    }
  };
}

/** `length` characters of `alphabet`. */
export function randomText(random: RandomBelow, alphabet: string, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += alphabet[random(alphabet.length)];
  return text;
}
