import { fail } from "../../../base/errors.ts";

export type FormInput = Readonly<Record<string, unknown>>;

/**
 * Values of a body with a fixed shape, each of the type that its default has; what is absent or
 * null is the default. Error: 400 `invalid_body`, without details, for a value of another type.
 */
export function readForm<Form extends Readonly<Record<string, string | number>>>(
  input: FormInput,
  empty: Form,
): Form {
  const entries = Object.entries(empty).map(([name, none]) => {
    const given = input[name] ?? none;
    const fits = typeof given === typeof none && (typeof given === "string" || isWhole(given));
    if (fits) return [name, given];
    const message = "An error occurred while loading the submitted data.";
    throw fail.invalid("invalid_body", message);
  });
  return Object.fromEntries(entries) as Form;
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value);
}
