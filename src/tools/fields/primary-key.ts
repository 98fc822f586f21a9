/** Ids of records. They name folders of files too, so a pattern of one's own allows not everything. */

import type { FieldError } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import type { Generate } from "./autogenerate.ts";
import { faults } from "./faults.ts";
import { type Field, textOption } from "./field.ts";

const DEFAULT_PATTERN = "^[a-z0-9]+$";
const DEFAULT_AUTOGENERATE = "[a-z0-9]{15}";

const FORBIDDEN = [..."./\\|\"'`<>:?*%$\0\t\n\r "];

/** Names of devices on some file systems. */
const RESERVED = /^(?:con|prn|aux|nul|(?:com|lpt)[1-9])$/i;

export function isPrimaryKey(field: Field): boolean {
  return field.type === "text" && field.primaryKey === true;
}

/** Whether ids are lower case by the default pattern; under others a look-up must ignore case. */
export function hasDefaultPattern(field: Field): boolean {
  return textOption(field, "pattern") === DEFAULT_PATTERN;
}

/** What the id's pattern does not catch; for patterns other than the default. */
export function checkKeyCharacters(id: string): FieldError | undefined {
  const found = FORBIDDEN.find((ch) => id.includes(ch));
  if (found !== undefined) return faults.keyCharacter(found);
  return RESERVED.test(id) ? faults.keyReserved(id.toUpperCase()) : undefined;
}

/** What values are made up from. */
export type IdSource = Pick<Ids, "record" | "below">;

/**
 * The maker of a field's ids: ordered ones where field and patterns are the default, which they
 * satisfy; else what the field's own pattern makes; "" where it has none, so that a client must
 * send one.
 */
export function keyMaker(field: Field, generate: Generate | undefined): (ids: IdSource) => string {
  const pattern = textOption(field, "autogeneratePattern");
  const ordinary = pattern === DEFAULT_AUTOGENERATE && hasDefaultPattern(field);
  if (ordinary) return (ids) => ids.record();
  return generate ? (ids) => generate((bound) => ids.below(bound)) : () => "";
}
