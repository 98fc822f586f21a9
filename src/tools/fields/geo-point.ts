/** Points on the globe, in degrees. */

import { parseJsonText } from "./json-values.ts";

export interface GeoPoint {
  readonly lon: number;
  readonly lat: number;
}

/**
 * A point of an object, or of JSON text of one. The names of members may be in any case; a member
 * that is missing or no number is 0.
 */
export function toGeoPoint(input: unknown): GeoPoint {
  const given = typeof input === "string" ? parseJsonText(input) : input;
  const point = { lon: 0, lat: 0 };
  if (typeof given !== "object" || given === null || Array.isArray(given)) return point;
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase();
    const usable = typeof value === "number" && Number.isFinite(value);
    // -0 is the same place.
    if (usable && (key === "lon" || key === "lat")) point[key] = value === 0 ? 0 : value;
  }
  return point;
}
