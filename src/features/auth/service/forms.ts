/**
 * Bodies with a fixed shape. A value of a wrong type refuses the body without details, a wrong
 * value is told by its field; the first fault of a field counts.
 */

import { type AppError, type FieldError, fail, fieldErrors } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import { isEmail } from "../../../tools/fields/addresses.ts";
import { faults } from "../../../tools/fields/faults.ts";

/** What the wire read: the body's values beside parameters of path and query. */
export type FormInput = Readonly<Record<string, unknown>>;

/** Undefined: nothing wrong. Rules after `required` are not asked about "". */
export type FormRule = (value: string) => FieldError | undefined | Promise<FieldError | undefined>;

/**
 * Values as texts, "" for what is absent. Plain forms have no types, so what looked like a number
 * in one is the text that was sent. Error: 400 `invalid_body`.
 */
export function readTexts<Name extends string>(
  context: Context,
  input: FormInput,
  names: readonly Name[],
): Record<Name, string> {
  const isForm = /form/.test(context.request?.headers.get("content-type") ?? "");
  const entries = names.map((name) => [name, readText(input[name], isForm)] as const);
  return Object.fromEntries(entries) as Record<Name, string>;
}

function readText(given: unknown, isForm: boolean): string {
  if (given === undefined || given === null) return "";
  if (typeof given === "string") return given;
  if (isForm && (typeof given === "number" || typeof given === "boolean")) return String(given);
  if (isForm && Array.isArray(given)) return readText(given[0], isForm);
  throw malformedBody();
}

export function malformedBody(): AppError {
  return fail.invalid("invalid_body", "An error occurred while loading the submitted data.");
}

/** Error: 400 `validation_failed` with one entry per field at fault. */
export async function checkForm<Name extends string>(
  values: Readonly<Record<Name, string>>,
  rules: Readonly<Partial<Record<Name, readonly FormRule[]>>>,
): Promise<void> {
  const found: Record<string, FieldError> = {};
  for (const name of Object.keys(rules) as Name[]) {
    const fault = await firstFault(values[name], rules[name] ?? []);
    if (fault) found[name] = fault;
  }
  if (Object.keys(found).length > 0) throw fieldErrors(found);
}

async function firstFault(value: string, rules: readonly FormRule[]) {
  for (const rule of rules) {
    if (value === "" && rule !== required) continue;
    const fault = await rule(value);
    if (fault) return fault;
  }
  return undefined;
}

export const required: FormRule = (value) => (value === "" ? faults.required() : undefined);

export const email: FormRule = (value) => (isEmail(value) ? undefined : faults.notAnEmail());

/** Characters. */
export function length(min: number, max: number): FormRule {
  return (value) => {
    const chars = [...value].length;
    if (chars >= min && chars <= max) return undefined;
    const message = `The length must be between ${min} and ${max}.`;
    return { code: "validation_length_out_of_range", message, params: { min, max } };
  };
}

export function equalTo(other: string): FormRule {
  return (value) => (value === other ? undefined : faults.mismatch());
}

export function oneOf(values: readonly string[]): FormRule {
  const fault = { code: "validation_in_invalid", message: "Must be a valid value." };
  return (value) => (values.includes(value) ? undefined : fault);
}

/** A parameter of the query; a call without HTTP gives it with the input. */
export function queryText(context: Context, input: FormInput, name: string): string {
  if (context.request) return context.request.query.get(name) ?? "";
  const given = input[name];
  return typeof given === "string" ? given : "";
}
