/** Quantities as people write them: durations `500ms`, sizes `256KiB`, rates `20/s`. */

/** `count` events in `windowMs` milliseconds. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
}

type Units = readonly (readonly [name: string, factor: number])[];

/** Largest first: writing takes the first unit that divides evenly. */
const DURATIONS: Units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

const SIZES: Units = [
  ["GiB", 1024 ** 3],
  ["GB", 1000 ** 3],
  ["MiB", 1024 ** 2],
  ["MB", 1000 ** 2],
  ["KiB", 1024],
  ["KB", 1000],
  ["B", 1],
];

/** Milliseconds of a whole number and a unit (ms, s, m, h, d), or undefined. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATIONS);
}

export function formatDuration(ms: number): string {
  return ms === 0 ? "0s" : formatQuantity(ms, DURATIONS);
}

/**
 * Bytes of a whole number and a unit, or undefined. KiB, MiB, GiB are powers of 1024; KB, MB, GB of
 * 1000.
 */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, SIZES);
}

export function formatSize(bytes: number): string {
  return bytes === 0 ? "0B" : formatQuantity(bytes, SIZES);
}

/** A rate of at least one: `20/s`, `600/m`, `1000/h`, `1/d`, or undefined. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d{1,15})\/(s|m|h|d)$/.exec(text);
  if (!match?.[1] || !match[2]) return undefined;
  const windowMs = parseDuration(`1${match[2]}`);
  const count = Number(match[1]);
  return windowMs === undefined || count < 1 ? undefined : { count, windowMs };
}

export function formatRate(rate: Rate): string {
  return `${rate.count}/${formatDuration(rate.windowMs).slice(1)}`;
}

function parseQuantity(text: string, units: Units): number | undefined {
  const match = /^(\d{1,15})([A-Za-z]{1,3})$/.exec(text);
  const factor = units.find(([name]) => name === match?.[2])?.[1];
  const amount = Number(match?.[1]) * (factor ?? Number.NaN);
  return Number.isSafeInteger(amount) ? amount : undefined;
}

function formatQuantity(amount: number, units: Units): string {
  const unit = units.find(([, factor]) => amount % factor === 0);
  // Both tables end with factor 1, which divides every whole number.
  const [name, factor] = unit ?? ["", 1];
  return `${amount / factor}${name}`;
}
