/** What can be wrong with what an operator sends, with the codes and parameters clients know. */

import type { AppError, FieldError } from "../../../base/errors.ts";
import { fail } from "../../../base/errors.ts";

/** Faults by field, nested as the input is. */
export interface Faults {
  readonly [field: string]: FieldError | Faults | undefined;
}

export const required: FieldError = fault("validation_required", "Cannot be blank.");

export function fault(code: string, message: string, params?: FieldError["params"]): FieldError {
  return params ? { code, message, params } : { code, message };
}

/** Bytes of UTF-8; an empty text has no length to be wrong. */
export function lengthFault(text: string, min: number, max: number): FieldError | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0 || (bytes >= min && bytes <= max)) return undefined;
  if (min === max) {
    return fault("validation_length_invalid", `The length must be exactly ${min}.`, { max, min });
  }
  const message = `The length must be between ${min} and ${max}.`;
  return fault("validation_length_out_of_range", message, { max, min });
}

/** 0 counts as left out. */
export function belowFault(value: number, threshold: number): FieldError | undefined {
  if (value === 0 || value >= threshold) return undefined;
  const message = `Must be no less than ${threshold}.`;
  return fault("validation_min_greater_equal_than_required", message, { threshold });
}

export function aboveFault(value: number, threshold: number): FieldError | undefined {
  if (value <= threshold) return undefined;
  const message = `Must be no greater than ${threshold}.`;
  return fault("validation_max_less_equal_than_required", message, { threshold });
}

export function requiredWhen(condition: boolean, value: unknown): FieldError | undefined {
  const empty = value === "" || value === 0 || (Array.isArray(value) && value.length === 0);
  return condition && empty ? required : undefined;
}

export function choiceFault(value: string, choices: readonly string[]): FieldError | undefined {
  if (value === "" || choices.includes(value)) return undefined;
  return fault("validation_in_invalid", "Must be a valid value.");
}

export function patternFault(value: string, pattern: RegExp): FieldError | undefined {
  if (value === "" || pattern.test(value)) return undefined;
  return fault("validation_match_invalid", "Must be in a valid format.");
}

/** Error: 400 `validation_failed`, unless there is no fault. */
export function throwFaults(faults: Faults, message: string): void {
  const data = pruned(faults);
  if (data) throw validationFailed(data, message);
}

function validationFailed(data: Readonly<Record<string, unknown>>, message: string): AppError {
  return fail.invalid("validation_failed", message, { data });
}

function pruned(faults: Faults): Record<string, unknown> | undefined {
  const left: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(faults)) {
    if (value === undefined) continue;
    const kept = isFault(value) ? value : pruned(value);
    if (kept) left[field] = kept;
  }
  return Object.keys(left).length > 0 ? left : undefined;
}

function isFault(value: FieldError | Faults): value is FieldError {
  return typeof value.code === "string" && typeof value.message === "string";
}
