/**
 * Cron expressions in the reference's small grammar: five segments divided by one space, or a
 * macro; always UTC. Each segment is a list of `*`, `n`, `a-b`, with `/step` on `*` and ranges. All
 * five must hold (day of the month AND day of the week, unlike the cron of Unix). Parsed here and
 * not by a library: those accept names, `L`, `#`, seconds and Sunday as 7, which would have to be
 * refused first, and what refuses them has everything that matching needs.
 */

export interface CronSchedule {
  /** The five segments, of a macro those that it stands for. */
  readonly expression: string;
  /** Whether the minute that holds this time (milliseconds since the epoch) is one of it. */
  matches(at: number): boolean;
  /** The first due minute's start after `after`; undefined when there is none (30 February). */
  next(after: number): number | undefined;
}

const MACROS: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

/** Least and greatest value of each segment: minute, hour, day, month, day of the week. */
const SEGMENTS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** 29 February on a given day of the week comes back within 40 years, also around 2100. */
const DAYS_SEARCHED = 366 * 40;

interface Segments {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
}

/** Undefined where the expression is not one. */
export function parseCron(expression: string): CronSchedule | undefined {
  const text = MACROS.get(expression) ?? expression;
  const parts = text.split(" ");
  if (parts.length !== SEGMENTS.length) return undefined;
  const [minutes, hours, days, months, weekdays] = SEGMENTS.map(([min, max], index) =>
    parseSegment(parts[index] ?? "", min, max),
  );
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  const segments: Segments = { minutes, hours, days, months, weekdays };
  return {
    expression: text,
    matches: (at) => matches(segments, at),
    next: (after) => next(segments, after),
  };
}

function matches(segments: Segments, at: number): boolean {
  const time = new Date(at);
  return (
    segments.minutes.has(time.getUTCMinutes()) &&
    segments.hours.has(time.getUTCHours()) &&
    isDay(segments, time)
  );
}

function isDay({ days, months, weekdays }: Segments, time: Date): boolean {
  return (
    days.has(time.getUTCDate()) &&
    months.has(time.getUTCMonth() + 1) &&
    weekdays.has(time.getUTCDay())
  );
}

function next(segments: Segments, after: number): number | undefined {
  const earliest = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS;
  const firstDay = Math.floor(earliest / DAY_MS) * DAY_MS;
  for (let day = 0; day < DAYS_SEARCHED; day++) {
    const start = firstDay + day * DAY_MS;
    if (!isDay(segments, new Date(start))) continue;
    for (let at = Math.max(start, earliest); at < start + DAY_MS; at += MINUTE_MS) {
      if (matches(segments, at)) return at;
    }
  }
  return undefined;
}

function parseSegment(segment: string, min: number, max: number): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of segment.split(",")) {
    const match = /^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (!match) return undefined;
    const [, star, from, to, every] = match;
    const step = every === undefined ? 1 : Number(every);
    const first = star ? min : Number(from);
    const last = star ? max : Number(to ?? from);
    // A step belongs to `*` and to ranges; on a single value only the idle step 1 is let through.
    const single = !star && to === undefined;
    if (step < 1 || step > max || (single && step !== 1)) return undefined;
    if (first < min || last > max || last < first) return undefined;
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return values;
}
