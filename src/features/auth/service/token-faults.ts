/** What can be wrong with a token out of a mail, with the codes that clients know. */

import type { FieldError } from "../../../base/errors.ts";

export const tokenFaults = {
  claims: () => fault("validation_invalid_token_claims", "The token names no address."),
  payload: () => fault("validation_invalid_token_payload", "The token names no new address."),
  invalid: () => fault("validation_invalid_token", "Invalid or expired token."),
  otherCollection: () =>
    fault("validation_token_collection_mismatch", "The token is of another collection."),
  otherEmail: () => fault("validation_token_email_mismatch", "The token is of another address."),
  takenEmail: () => fault("validation_existing_token_email", "The new address is taken."),
} as const;

function fault(code: string, message: string): FieldError {
  return { code, message };
}
