/**
 * What accounts have beyond other records: the pair of passwords, the old one, and fields that only
 * a manager changes. Checked before the fields are; its faults come alone.
 */

import { type FieldError, fieldErrors } from "../../../base/errors.ts";
import { faults } from "../../../tools/fields/faults.ts";
import { NewPassword } from "../../../tools/fields/password-kind.ts";
import type { RecordData } from "../store/rows.ts";
import type { Passwords } from "./passwords.ts";

export interface AccountForm {
  /** The body as it was sent. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Its resolved values. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly stored: RecordData | undefined;
  /** Superusers, and who the collection's manageRule lets through. */
  readonly manages: boolean;
  readonly passwords: Passwords;
}

/** Error: 400 with field errors. */
export async function checkAccountForm(form: AccountForm): Promise<void> {
  const { values, stored, manages } = form;
  const found: Record<string, FieldError> = {};
  const password = values.password instanceof NewPassword ? values.password.plain : "";
  const confirm = text(form.body.passwordConfirm);
  const old = text(form.body.oldPassword);
  // Who speaks of one of the three means to change the password and needs the others.
  const changes = !stored || password !== "" || confirm !== "" || old !== "";
  if (changes && password === "") found.password = faults.required();
  if (changes && confirm !== password) {
    const missing = confirm === "";
    found.passwordConfirm = missing ? faults.required() : faults.mismatch();
  } else if (confirm === "" && (!stored || old !== "")) {
    found.passwordConfirm = faults.required();
  }
  if (!manages) {
    const verified = stored ? stored.verified : false;
    if ((values.verified ?? verified) !== verified) found.verified = faults.mismatch();
    if (stored && (values.email ?? stored.email) !== stored.email) found.email = faults.mismatch();
  }
  if (stored && !manages && (password !== "" || confirm !== "")) {
    const fault = await oldPasswordFault(form.passwords, old, stored);
    if (fault) found.oldPassword = fault;
  }
  if (Object.keys(found).length > 0) throw fieldErrors(found);
}

async function oldPasswordFault(
  passwords: Passwords,
  given: string,
  stored: RecordData,
): Promise<FieldError | undefined> {
  if (given === "") return faults.required();
  const right = await passwords.verify(given, String(stored.password));
  return right ? undefined : faults.wrongOldPassword();
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
