/** bcrypt, on a thread of the runtime's own, at the cost the records platform's fields have. */

import { PASSWORD_COST } from "../schema.ts";

export function hashPassword(password: string): Promise<string> {
  return Bun.password.hash(password, { algorithm: "bcrypt", cost: PASSWORD_COST });
}

/** A stored text that is no hash verifies nothing. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  try {
    return await Bun.password.verify(password, hash);
  } catch {
    return false;
  }
}
