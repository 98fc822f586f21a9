/** Checks of the patterns in a field's own settings, for whoever makes or changes a collection. */

import type { FieldError } from "../../base/errors.ts";
import type { RandomBelow } from "../random.ts";
import { compileGenerator } from "./autogenerate.ts";
import { faults } from "./faults.ts";
import { type Field, textOption } from "./field.ts";
import { compilePattern } from "./pattern.ts";
import { textKind } from "./text-kinds.ts";

/** Values made to see whether the field takes what its pattern makes. */
const TRIALS = 10;

/** The fault of a `pattern` or `autogeneratePattern` as a regular expression; "" has none. */
export function checkPattern(pattern: string): FieldError | undefined {
  return pattern === "" || compilePattern(pattern) ? undefined : faults.invalidRegex();
}

/** The fault of a text field's `autogeneratePattern`, which must make values the field accepts. */
export function checkAutogenerate(field: Field, random: RandomBelow): FieldError | undefined {
  const pattern = textOption(field, "autogeneratePattern");
  if (pattern === "") return undefined;
  const invalid = checkPattern(pattern);
  if (invalid) return invalid;
  const generate = compileGenerator(pattern);
  if (typeof generate !== "function") return faults.autogenerate(generate.message);
  const kind = textKind(field);
  for (let trial = 0; trial < TRIALS; trial++) {
    const value = generate(random);
    const fault = kind.check(value, { isNew: true, stored: undefined });
    if (fault) return faults.autogenerateValue(value);
  }
  return undefined;
}
