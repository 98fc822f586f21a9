/** "Did you mean": the candidate nearest to a mistyped word. */

/** Longer words are not compared: nobody mistypes them, and the comparison is quadratic. */
const WORD_CHARS_MAX = 64;

/**
 * The candidate nearest to `word`, or undefined when none is near. Case, `-` for `_` and camelCase
 * cost nothing; otherwise one edit (insert, delete, replace, swap of neighbours) is allowed for
 * every three characters, three in all. The first of equals wins.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length === 0 || word.length > WORD_CHARS_MAX) return undefined;
  const typed = normal(word);
  let nearest: string | undefined;
  let edits = Math.min(3, Math.max(1, Math.floor(typed.length / 3))) + 1;
  for (const candidate of candidates) {
    const wanted = normal(candidate);
    if (Math.abs(wanted.length - typed.length) >= edits) continue;
    const needed = distance(typed, wanted);
    // Replacing every character of a short word is no likeness.
    if (needed >= edits || needed >= wanted.length) continue;
    edits = needed;
    nearest = candidate;
  }
  return nearest;
}

function normal(word: string): string {
  return word
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

/** Optimal string alignment distance, three rows at a time. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      }
      row.push(least);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
