/**
 * Everything about filters that is SQLite's own. Another database comes as a second set of these
 * functions, chosen by `Database.dialect`; what calls them only joins their results together.
 *
 * Columns of lists are declared JSON, yet may hold anything in a directory that another program
 * filled: hence the questions whether a value is JSON at all.
 */

import { bound, column, type Fragment, identifier, sql } from "./fragment.ts";

/**
 * Numbers of a filter are REAL, which a text column compares as "42.0"; a whole number bound by
 * itself would become INTEGER. A bare CAST would have an affinity, the sum has none.
 */
export function real(value: Fragment): Fragment {
  return sql`(CAST(${value} AS REAL)+0)`;
}

/** A value that converts others in comparisons as a column of its kind does. */
export function likeColumn(value: Fragment, affinity: "numeric" | "text"): Fragment {
  return affinity === "text" ? sql`CAST(${value} AS TEXT)` : sql`CAST(${value} AS NUMERIC)`;
}

/** Breaks the statement off when its time is over; has to be asked for each row it visits. */
export const TICK: Fragment = sql`tick()`;

/** The same for each row of a joined table: what names no column of it is asked once outside. */
export function tickFor(value: Fragment): Fragment {
  return sql`(tick() OR ${value} IS NULL)`;
}

/** A table of one row and no columns, the start of a chain of left joins. */
export const ONE_ROW: Fragment = sql`(SELECT 1)`;

export function like(left: Fragment, pattern: Fragment): Fragment {
  return sql`${left} LIKE ${pattern} ESCAPE '\\'`;
}

export function notLike(left: Fragment, pattern: Fragment): Fragment {
  return sql`${left} NOT LIKE ${pattern} ESCAPE '\\'`;
}

/** Found anywhere; wildcards of the value stay wildcards. */
export function containing(value: Fragment): Fragment {
  return sql`('%' || ${value} || '%')`;
}

export function lower(value: Fragment): Fragment {
  return sql`LOWER(${value})`;
}

function isList(value: Fragment): Fragment {
  return sql`iif(json_valid(${value}), json_type(${value}) = 'array', FALSE)`;
}

/** Table with the elements of a list in its column `value`; of anything else the thing itself. */
export function elements(value: Fragment): Fragment {
  return sql`json_each(CASE WHEN ${isList(value)} THEN ${value} ELSE json_array(${value}) END)`;
}

/** The same of a bound JSON list. */
export function boundElements(json: Fragment): Fragment {
  return sql`json_each(${json})`;
}

/** 0 for '' and NULL, 1 for any other single value. */
export function elementCount(value: Fragment): Fragment {
  return sql`json_array_length(CASE WHEN ${isList(value)} THEN ${value} WHEN ${value} = '' OR ${value} IS NULL THEN json_array() ELSE json_array(${value}) END)`;
}

/** `id` is in the list of a column. */
export function listHolds(value: Fragment, id: Fragment): Fragment {
  return sql`${id} IN (SELECT value FROM ${elements(value)})`;
}

/** `id` is in a bound JSON list. */
export function isAmong(id: Fragment, json: Fragment): Fragment {
  return sql`${id} IN (SELECT value FROM json_each(${json}))`;
}

/** What is at `path` in a JSON value; keys are words, numbers are places in lists. */
export function jsonAt(value: Fragment, path: readonly string[]): Fragment {
  const steps = path.map((key) => (/^\d{1,18}$/.test(key) ? `[${Number(key)}]` : `."${key}"`));
  const inside = bound(`$${steps.join("")}`);
  // Text that is no JSON counts as a JSON string; the object around it makes one of it.
  const around = bound(`$.pb${steps.join("")}`);
  return sql`(CASE WHEN json_valid(${value}) THEN json_extract(${value}, ${inside}) ELSE json_extract(json_object('pb', ${value}), ${around}) END)`;
}

export function formatDate(parameters: Fragment): Fragment {
  return sql`strftime(${parameters})`;
}

/** Kilometres along the globe between two points in degrees; NULL when one is no number. */
export function globeDistance(
  from: { readonly lon: Fragment; readonly lat: Fragment },
  to: { readonly lon: Fragment; readonly lat: Fragment },
): Fragment {
  const east = sql`cos(radians(${to.lon}) - radians(${from.lon}))`;
  const cosines = sql`cos(radians(${from.lat})) * cos(radians(${to.lat})) * ${east}`;
  const sines = sql`sin(radians(${from.lat})) * sin(radians(${to.lat}))`;
  // Rounding may leave the range of the arc cosine by a hair, where two points are the same.
  return sql`(6371 * acos(max(-1.0, min(1.0, ${cosines} + ${sines}))))`;
}

export const RANDOM: Fragment = sql`RANDOM()`;

/** The order in which rows were made. Views have none. */
export function rowNumber(table: string): Fragment {
  return sql`${identifier(table)}._rowid_`;
}

/** A table of one row that is stored nowhere. Its columns have no type, so nothing is converted. */
export function unstoredRow(values: readonly (readonly [string, Fragment])[]): Fragment {
  const columns = values.map(([name, value]) => sql`${value} AS ${identifier(name)}`);
  const texts = columns.map((each) => each.sql).join(", ");
  return { sql: `(SELECT ${texts})`, values: columns.flatMap((each) => each.values) };
}

export function rowCount(table: string, options: { distinct: boolean; view: boolean }): Fragment {
  if (!options.distinct) return sql`count(*)`;
  const key = options.view ? column(table, "id") : rowNumber(table);
  return sql`count(DISTINCT ${key})`;
}
