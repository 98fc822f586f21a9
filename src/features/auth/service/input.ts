/** What may be sent to create or change an account, in the order and with the codes of the records API. */

import { type FieldError, fieldErrors } from "../../../base/errors.ts";
import { PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "../schema.ts";

export interface AccountInput {
  readonly email?: string;
  readonly name?: string;
  readonly emailVisibility?: boolean;
  readonly verified?: boolean;
  readonly password?: string;
  readonly oldPassword?: string;
}

interface ReadOptions {
  readonly creating: boolean;
  /** Superusers set `verified` and need no old password. */
  readonly privileged: boolean;
}

const EMAIL =
  /^[^\s@"(),:;<>[\\\]]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i;
const EMAIL_CHARS_MAX = 255;
const NAME_CHARS_MAX = 255;

const REQUIRED: FieldError = { code: "validation_required", message: "Cannot be blank." };

/** Error: 400 with field errors; a wrong pair of passwords is reported alone, as the form step. */
export function readAccountInput(body: unknown, options: ReadOptions): AccountInput {
  const given = isObject(body) ? body : {};
  const faults: Record<string, FieldError> = {};
  const password = text(given.password);
  const confirm = text(given.passwordConfirm);
  const wantsPassword = options.creating || password !== undefined;
  if (wantsPassword && !password) faults.password = REQUIRED;
  if (wantsPassword && !confirm) faults.passwordConfirm = REQUIRED;
  else if (wantsPassword && confirm !== password) {
    faults.passwordConfirm = {
      code: "validation_values_mismatch",
      message: "Values don't match.",
    };
  }
  if (options.creating && !options.privileged && given.verified === true) {
    faults.verified = { code: "validation_values_mismatch", message: "Values don't match." };
  }
  throwIfAny(faults);
  if (password) checkPassword(password, faults);
  const email = text(given.email);
  if (email) checkEmail(email, faults);
  else if (options.creating || email === "") faults.email = REQUIRED;
  const name = text(given.name);
  if (name && [...name].length > NAME_CHARS_MAX) faults.name = tooLong(NAME_CHARS_MAX);
  throwIfAny(faults);
  return omitUndefined({
    email,
    name,
    password,
    oldPassword: text(given.oldPassword),
    emailVisibility: bool(given.emailVisibility),
    verified: bool(given.verified),
  });
}

function checkPassword(password: string, faults: Record<string, FieldError>): void {
  const length = [...password].length;
  if (length < PASSWORD_CHARS_MIN) {
    faults.password = {
      code: "validation_min_text_constraint",
      message: `Must be at least ${PASSWORD_CHARS_MIN} character(s).`,
      params: { min: PASSWORD_CHARS_MIN },
    };
  } else if (length > PASSWORD_CHARS_MAX) faults.password = tooLong(PASSWORD_CHARS_MAX);
}

function checkEmail(email: string, faults: Record<string, FieldError>): void {
  if (email.length <= EMAIL_CHARS_MAX && EMAIL.test(email)) return;
  faults.email = { code: "validation_is_email", message: "Must be a valid email address." };
}

function tooLong(max: number): FieldError {
  return {
    code: "validation_max_text_constraint",
    message: `Must be no more than ${max} character(s).`,
    params: { max },
  };
}

function throwIfAny(faults: Record<string, FieldError>): void {
  if (Object.keys(faults).length > 0) throw fieldErrors(faults);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function bool(value: unknown): boolean | undefined {
  if (value === undefined) return undefined;
  return value === true || value === "true" || value === 1;
}

/** Only what was sent: an absent key leaves the stored value alone. */
function omitUndefined(values: { [K in keyof AccountInput]: AccountInput[K] | undefined }) {
  const sent = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(sent) as AccountInput;
}
