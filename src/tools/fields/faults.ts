/** What can be wrong with a value, with the codes and parameters that clients know. */

import type { FieldError } from "../../base/errors.ts";

export const faults = {
  required: (): FieldError => fault("validation_required", "Cannot be blank."),
  invalidFormat: () => fault("validation_invalid_format", "Invalid value format."),
  invalidValue: (value?: string) =>
    value === undefined
      ? fault("validation_invalid_value", "Invalid value.")
      : fault("validation_invalid_value", `Invalid value ${short(value)}.`, { value }),
  tooShort: (min: number) =>
    fault("validation_min_text_constraint", `Must be at least ${min} character(s).`, { min }),
  tooLong: (max: number) =>
    fault("validation_max_text_constraint", `Must be no more than ${max} character(s).`, { max }),
  keyChanged: () => fault("validation_pk_change", "The record's id cannot be changed."),
  keyInvalid: () => fault("validation_pk_invalid", "The record's id is invalid or already taken."),
  keyCharacter: (ch: string) =>
    fault("validation_forbidden_pk_character", `${JSON.stringify(ch)} cannot be part of an id.`, {
      ch,
    }),
  keyReserved: (reserved: string) =>
    fault("validation_reserved_pk", `The id ${reserved} is reserved.`, { reserved }),
  notANumber: () => fault("validation_not_a_number", "Must be a number."),
  onlyWhole: () => fault("validation_only_int_constraint", "Decimal numbers are not allowed."),
  below: (min: number) =>
    fault("validation_min_number_constraint", `Must not be less than ${min}.`),
  above: (max: number) =>
    fault("validation_max_number_constraint", `Must not be more than ${max}.`),
  notAnEmail: () => fault("validation_is_email", "Must be a valid email address."),
  emailDomain: () => fault("validation_email_domain_not_allowed", "Email domain is not allowed."),
  notAUrl: () => fault("validation_invalid_url", "Must be a valid URL."),
  urlDomain: () => fault("validation_url_domain_not_allowed", "URL domain is not allowed."),
  tooEarly: (threshold: string) =>
    fault("validation_min_greater_equal_than_required", `Must be no earlier than ${threshold}.`, {
      threshold,
    }),
  tooLate: (threshold: string) =>
    fault("validation_max_less_equal_than_required", `Must be no later than ${threshold}.`, {
      threshold,
    }),
  contentSize: (maxSize: number) =>
    fault("validation_content_size_limit", `May have at most ${maxSize} bytes.`, { maxSize }),
  jsonSize: (maxSize: number) =>
    fault("validation_json_size_limit", `May have at most ${maxSize} bytes of JSON.`, { maxSize }),
  invalidJson: () => fault("validation_invalid_json", "Must be a valid JSON value."),
  tooManyValues: (max: number) =>
    fault("validation_too_many_values", `Select no more than ${max}.`, { maxSelect: max }),
  tooFewValues: (min: number) =>
    fault("validation_not_enough_values", `Select at least ${min}.`, { minSelect: min }),
  missingCollection: () =>
    fault("validation_missing_rel_collection", "The related collection cannot be found."),
  missingRecords: () =>
    fault("validation_missing_rel_records", "Some of the related records cannot be found."),
  mismatch: () => fault("validation_values_mismatch", "Values don't match."),
  wrongOldPassword: () =>
    fault("validation_invalid_old_password", "Missing or invalid old password."),
  latitude: () =>
    fault("validation_invalid_latitude", "Latitude must be between -90 and 90 degrees."),
  longitude: () =>
    fault("validation_invalid_longitude", "Longitude must be between -180 and 180 degrees."),
  unknownFiles: (invalidFiles: readonly string[]) =>
    fault("validation_invalid_file", "Only uploads can be added as new files.", { invalidFiles }),
  tooManyFiles: (max: number) =>
    fault("validation_too_many_files", `No more than ${max} file(s) are allowed.`, {
      maxSelect: max,
    }),
  fileSize: (file: string, maxSize: number) =>
    fault("validation_file_size_limit", `${short(file)} has more than ${maxSize} bytes.`, {
      file,
      maxSize,
    }),
  fileType: (file: string, allowed: readonly string[]) =>
    fault(
      "validation_invalid_mime_type",
      `${short(file)} must be one of: ${short(allowed.join(", "))}.`,
    ),
  fileName: (max: number) =>
    fault("validation_length_out_of_range", `The file name has no 1 to ${max} characters.`, {
      max,
      min: 1,
    }),
  fileNamePattern: () => fault("validation_match_invalid", "The file name is not allowed."),
  notUnique: () => fault("validation_not_unique", "Value must be unique."),
  invalidRegex: () => fault("validation_invalid_regex", "Must be a valid regular expression."),
  autogenerate: (reason: string) =>
    fault("validation_invalid_autogenerate_pattern", `The pattern cannot be used: ${reason}.`),
  autogenerateValue: (example: string) =>
    fault(
      "validation_invalid_autogenerate_pattern_value",
      `The pattern makes values that the field refuses, such as ${short(example)}.`,
    ),
} as const;

function fault(code: string, message: string, params?: FieldError["params"]): FieldError {
  return params ? { code, message, params } : { code, message };
}

/** What a client sent comes back in a message, but not megabytes of it. */
function short(text: string): string {
  return text.length <= 250 ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, 250))}…`;
}
