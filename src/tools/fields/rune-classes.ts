/** Character classes of patterns as sets of code points: `[a-z_]`, `[^0-9]`, `\d`, `[[:alpha:]]`. */

type Range = readonly [first: number, last: number];

/** What is wrong with a pattern, in words that complete "the pattern cannot be used: …". */
export class PatternFault extends Error {
  override readonly name = "PatternFault";
}

/** A set of code points, in order and without overlaps. */
export class Runes {
  readonly #ranges: readonly Range[];
  readonly size: number;

  constructor(ranges: readonly Range[]) {
    this.#ranges = merge(ranges);
    this.size = this.#ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  /** The member at an index below `size`. */
  at(index: number): number {
    let rest = index;
    for (const [first, last] of this.#ranges) {
      if (rest <= last - first) return first + rest;
      rest -= last - first + 1;
    }
    throw new RangeError(`index ${index} of ${this.size}`);
  }

  /** What is printable and not in the set: a value is not to be made of random scripts. */
  negate(): Runes {
    const left: Range[] = [];
    let from = PRINTABLE[0];
    for (const [first, last] of this.#ranges) {
      if (first > PRINTABLE[1] || last < from) continue;
      if (first > from) left.push([from, first - 1]);
      from = last + 1;
    }
    if (from <= PRINTABLE[1]) left.push([from, PRINTABLE[1]]);
    return new Runes(left);
  }
}

const PRINTABLE: Range = [0x20, 0x7e];

function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) {
      merged[merged.length - 1] = [before[0], Math.max(before[1], last)];
    } else merged.push([first, last]);
  }
  return merged;
}

function set(...spans: readonly string[]): Runes {
  return new Runes(spans.map((span) => [code(span[0]), code(span.at(-1))]));
}

function code(ch: string | undefined): number {
  return ch?.codePointAt(0) ?? 0;
}

const digits = set("09");
const word = set("AZ", "az", "09", "_");
const space = set("\t", "\n", "\f", "\r", " ");

export const runes = { any: set("AZ", "az", "09"), digits, word, space } as const;

/** Names of `[[:name:]]`. */
const POSIX: Readonly<Record<string, Runes>> = {
  alnum: runes.any,
  alpha: set("AZ", "az"),
  digit: digits,
  lower: set("az"),
  punct: set("!/", ":@", "[`", "{~"),
  space: set("\t\r", " "),
  upper: set("AZ"),
  word,
  xdigit: set("09", "AF", "af"),
};

const PERL: Readonly<Record<string, Runes>> = {
  d: digits,
  D: digits.negate(),
  s: space,
  S: space.negate(),
  w: word,
  W: word.negate(),
};

const CONTROLS: Readonly<Record<string, string>> = {
  a: "\u0007",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

interface Read {
  readonly of: Runes;
  /** Index after what was read. */
  readonly end: number;
}

/** Reads what follows a backslash. Error: PatternFault. */
export function readEscape(chars: readonly string[], at: number): Read {
  const ch = chars[at] ?? "";
  const perl = Object.hasOwn(PERL, ch) ? PERL[ch] : undefined;
  if (perl) return { of: perl, end: at + 1 };
  const single = (text: string, end: number) => ({ of: set(text), end });
  const control = Object.hasOwn(CONTROLS, ch) ? CONTROLS[ch] : undefined;
  if (control) return single(control, at + 1);
  if (ch === "x") {
    const text = chars.slice(at, at + 10).join("");
    const hex = /^x(?:([\da-f]{2})|\{([\da-f]{1,6})\})/i.exec(text);
    const value = Number.parseInt(hex?.[1] ?? hex?.[2] ?? "", 16);
    if (!hex || value > 0x10ffff) throw new PatternFault("an escape is not valid");
    return { of: new Runes([[value, value]]), end: at + hex[0].length };
  }
  if (/^[!-/:-@[-`{-~]$/.test(ch)) return single(ch, at + 1);
  throw new PatternFault(ch === "" ? "it ends in a backslash" : `\\${ch} is not supported`);
}

/** Reads a class whose opening bracket was just read. Error: PatternFault. */
export function parseClass(chars: readonly string[], from: number): Read {
  let at = from;
  const negated = chars[at] === "^";
  if (negated) at++;
  const ranges: Range[] = [];
  // A bracket or dash that comes first is itself.
  for (let first = true; first || chars[at] !== "]"; first = false) {
    if (at >= chars.length) throw new PatternFault("a class is not closed");
    const item = readItem(chars, at);
    at = item.end;
    const ranged = item.of.size === 1 && chars[at] === "-" && chars[at + 1] !== "]";
    if (!ranged) {
      ranges.push(...item.of.ranges);
      continue;
    }
    const last = readItem(chars, at + 1);
    at = last.end;
    const [low, high] = [item.of.at(0), last.of.at(0)];
    if (last.of.size !== 1 || high < low) throw new PatternFault("a range of a class is not valid");
    ranges.push([low, high]);
  }
  const of = new Runes(ranges);
  const chosen = negated ? of.negate() : of;
  if (chosen.size === 0) throw new PatternFault("a class is empty");
  return { of: chosen, end: at + 1 };
}

function readItem(chars: readonly string[], at: number): Read {
  const ch = chars[at] ?? "";
  if (ch === "\\") return readEscape(chars, at + 1);
  if (ch === "[" && chars[at + 1] === ":") {
    const name = /^\[:(\^?)([a-z]{1,8}):\]/.exec(chars.slice(at, at + 13).join(""));
    const of = name?.[2] && Object.hasOwn(POSIX, name[2]) ? POSIX[name[2]] : undefined;
    if (!name || !of) throw new PatternFault("a class has an unknown name");
    return { of: name[1] ? of.negate() : of, end: at + name[0].length };
  }
  if (ch === "") throw new PatternFault("a class is not closed");
  return { of: new Runes([[code(ch), code(ch)]]), end: at + 1 };
}
