/** Checks of single values. What is empty passes all but `required`. */

import type { FieldError } from "../../../../base/errors.ts";
import { fault } from "./faults.ts";

/** Not "", 0, null, false or an empty list. */
export function required(value: unknown): FieldError | undefined {
  const empty = Array.isArray(value) ? value.length === 0 : !value;
  return empty ? fault("validation_required") : undefined;
}

export function limits(
  value: number | null,
  { min, max }: { readonly min?: number; readonly max?: number },
): FieldError | undefined {
  if (value === null || value === 0) return undefined;
  if (min !== undefined && value < min) {
    return fault("validation_min_greater_equal_than_required", { threshold: min });
  }
  if (max !== undefined && value > max) {
    return fault("validation_max_less_equal_than_required", { threshold: max });
  }
  return undefined;
}

/** In bytes. */
export function lengthBetween(
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): FieldError | undefined {
  const length = Buffer.byteLength(text);
  const fits = length === 0 || (length >= min && length <= max);
  return fits ? undefined : fault("validation_length_out_of_range", { min, max });
}

/** `_via_` marks back relations in filters. */
export function withoutVia(name: string): FieldError | undefined {
  return name.toLowerCase().includes("_via_") ? fault("validation_found_via") : undefined;
}

export function wordsOnly(text: string): FieldError | undefined {
  return text === "" || /^\w+$/.test(text) ? undefined : fault("validation_match_invalid");
}

const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{1,63}|xn--[a-z0-9]{1,59})$/;

export function isDomain(text: string): boolean {
  return text.length <= 253 && DOMAIN.test(text);
}
