/** Names that stand for a moment or a part of it, all in UTC. */

const DAY_MS = 86_400_000;

type Moment = Readonly<{ year: number; month: number; day: number; date: Date }>;

const MACROS: Readonly<Record<string, (at: Moment) => string | number>> = {
  "@now": ({ date }) => stored(date.getTime()),
  "@yesterday": ({ date }) => stored(date.getTime() - DAY_MS),
  "@tomorrow": ({ date }) => stored(date.getTime() + DAY_MS),
  "@second": ({ date }) => date.getUTCSeconds(),
  "@minute": ({ date }) => date.getUTCMinutes(),
  "@hour": ({ date }) => date.getUTCHours(),
  "@weekday": ({ date }) => date.getUTCDay(),
  "@day": ({ day }) => day,
  "@month": ({ month }) => month + 1,
  "@year": ({ year }) => year,
  "@todayStart": ({ year, month, day }) => stored(Date.UTC(year, month, day)),
  "@todayEnd": ({ year, month, day }) => stored(Date.UTC(year, month, day + 1) - 1),
  "@monthStart": ({ year, month }) => stored(Date.UTC(year, month)),
  "@monthEnd": ({ year, month }) => stored(Date.UTC(year, month + 1) - 1),
  "@yearStart": ({ year }) => stored(Date.UTC(year, 0)),
  "@yearEnd": ({ year }) => stored(Date.UTC(year + 1, 0) - 1),
};

export function isMacro(name: string): boolean {
  return Object.hasOwn(MACROS, name);
}

/** Of a name that `isMacro`; `now` in milliseconds. Dates in the form in which they are stored. */
export function macroValue(name: string, now: number): string | number {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return MACROS[name]?.({ year, month, day, date }) ?? "";
}

function stored(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ");
}
