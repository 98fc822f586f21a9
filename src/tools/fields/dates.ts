/**
 * Moments as records store them: `YYYY-MM-DD HH:MM:SS.mmmZ`, UTC, and "" for none. Text of many
 * layouts is read; what cannot be is no date, silently.
 */

const STORED = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}Z$/;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun"].concat([
  "jul",
  "aug",
  "sep",
  "oct",
  "nov",
  "dec",
]);
const DAY = "(?:mon|tue|wed|thu|fri|sat|sun)";
const LONG_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day";
const MONTH = `(?<name>${MONTHS.join("|")})`;
const CLOCK = String.raw`(?<h>\d{1,2}):(?<m>\d\d):(?<s>\d\d)(?:[.,](?<f>\d+))?`;
const OFFSET = String.raw`(?<zone>[+-]\d{4})`;
/** An abbreviation says nothing certain about an offset: the time counts as UTC. */
const ABBREVIATION = "(?<short>[a-z]{3,4})";
const ABBREVIATIONS = /^(?:[A-Z]{3}T?|WITA)$/;

/**
 * ISO 8601 and its relatives, RFC 1123, RFC 822 (day and month names in any case), RFC 850, the
 * `date` and `asctime` forms of Unix, a bare day, and clock times, which fall into year 0.
 */
const LAYOUTS: readonly RegExp[] = [
  String.raw`(?<y>\d{4})-(?<mo>\d\d)-(?<d>\d\d)`,
  String.raw`(?<y>\d{4})-(?<mo>\d\d)-(?<d>\d\d)T${CLOCK}(?<zone>Z|[+-]\d\d:?\d\d)?`,
  String.raw`(?<y>\d{4})-(?<mo>\d\d)-(?<d>\d\d) ${CLOCK}(?<zone>Z| ?[+-]\d\d:?\d\d)?`,
  String.raw`(?<y>\d{4})-(?<mo>\d\d)-(?<d>\d\d) ${CLOCK} ${OFFSET} ${ABBREVIATION}`,
  String.raw`${DAY}, (?<d>\d\d) ${MONTH} (?<y>\d{4}) ${CLOCK} (?:${OFFSET}|${ABBREVIATION})`,
  String.raw`(?<d>\d\d) ${MONTH} (?<y>\d\d) (?<h>\d{1,2}):(?<m>\d\d) (?:${OFFSET}|${ABBREVIATION})`,
  String.raw`${LONG_DAY}, (?<d>\d\d)-${MONTH}-(?<y>\d\d) ${CLOCK} ${ABBREVIATION}`,
  String.raw`${DAY} ${MONTH} {1,2}(?<d>\d{1,2}) ${CLOCK} (?<y>\d{4})`,
  String.raw`${DAY} ${MONTH} {1,2}(?<d>\d{1,2}) ${CLOCK} ${ABBREVIATION} (?<y>\d{4})`,
  String.raw`${DAY} ${MONTH} (?<d>\d\d) ${CLOCK} ${OFFSET} (?<y>\d{4})`,
  String.raw`(?<d>\d\d) ${MONTH} (?<y>\d{4})`,
  String.raw`${MONTH} {1,2}(?<d>\d{1,2}) ${CLOCK}`,
  String.raw`(?<h>\d{1,2}):(?<m>\d\d)(?<half>AM|PM)`,
].map((layout, index) => new RegExp(`^${layout}$`, index > 2 && index < 12 ? "i" : ""));

/** Longer text is no date; the longest layout has a long fraction of a second. */
const DATE_CHARS_MAX = 100;

/** The stored form of a date in any known layout; "" for everything else, numbers included. */
export function toDate(input: unknown): string {
  if (typeof input !== "string" || input === "" || input.length > DATE_CHARS_MAX) return "";
  if (STORED.test(input)) return isZero(input) || !exists(input) ? "" : input;
  for (const layout of LAYOUTS) {
    const parts = layout.exec(input)?.groups;
    if (parts) return stored(momentOf(parts));
  }
  return "";
}

/** The date a column holds: one in stored form is taken at its word, because rows are many. */
export function columnDate(stored: unknown): string {
  const written = typeof stored === "string" && STORED.test(stored) && !isZero(stored);
  return written ? stored : toDate(stored);
}

/** Milliseconds since the epoch of a stored date; undefined for the empty one. */
export function storedMs(date: string): number | undefined {
  return date === "" ? undefined : Date.parse(date.replace(" ", "T"));
}

/** A moment as RFC 3339, without the fraction's trailing zeros. */
export function rfc3339(date: string): string {
  return date.replace(" ", "T").replace(/\.?0*Z$/, "Z");
}

/** The first moment of year 1 is how the reference writes no date. */
function isZero(date: string): boolean {
  return date === "0001-01-01 00:00:00.000Z";
}

/** Of a date in stored form. By hand: making a `Date` of it and back costs ten times as much. */
function exists(date: string): boolean {
  const [year, month] = [Number(date.slice(0, 4)), twoDigits(date, 5)];
  const days = month === 2 && isLeap(year) ? 29 : (DAYS[month - 1] ?? 0);
  const day = twoDigits(date, 8);
  const inTime = twoDigits(date, 11) < 24 && twoDigits(date, 14) < 60 && twoDigits(date, 17) < 60;
  return day >= 1 && day <= days && inTime;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function stored(moment: Date | undefined): string {
  const year = moment?.getUTCFullYear() ?? -1;
  if (!moment || year < 0 || year > 9999) return "";
  const date = moment.toISOString().replace("T", " ");
  return isZero(date) ? "" : date;
}

type Parts = Readonly<Record<string, string | undefined>>;

function momentOf(parts: Parts): Date | undefined {
  const { y = "0000", d = "1", zone = "Z", short = "UTC" } = parts;
  const month = parts.name ? MONTHS.indexOf(parts.name.toLowerCase()) : Number(parts.mo ?? 1) - 1;
  const hour = hourOf(parts);
  const [minute, second] = [Number(parts.m ?? 0), Number(parts.s ?? 0)];
  const offset = offsetMinutes(zone.trim());
  if (!ABBREVIATIONS.test(short)) return undefined;
  if (hour === undefined || minute > 59 || second > 59 || offset === undefined) return undefined;
  const moment = new Date(0);
  moment.setUTCFullYear(fullYear(y), month, Number(d));
  if (moment.getUTCMonth() !== month || moment.getUTCDate() !== Number(d)) return undefined;
  moment.setUTCHours(
    hour,
    minute - offset,
    second,
    Number((parts.f ?? "").slice(0, 3).padEnd(3, "0")),
  );
  return moment;
}

/** Two digits from 69 on are of the last century. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year >= 69 ? 1900 + year : 2000 + year;
}

function hourOf(parts: Parts): number | undefined {
  const hour = Number(parts.h ?? 0);
  if (parts.half === undefined) return hour < 24 ? hour : undefined;
  if (hour > 12) return undefined;
  return (hour % 12) + (parts.half === "PM" ? 12 : 0);
}

function offsetMinutes(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (hours > 24 || minutes > 60) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}
