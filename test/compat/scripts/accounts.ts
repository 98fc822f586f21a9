/** Four users with keys and secrets that are known, so that tokens can be made by the script. */

import { guest, type JsonObject, prepare, type Step } from "../script.ts";
import { PASSWORD } from "./stage.ts";

export const USERS = "/api/collections/users";
export const RECORDS = `${USERS}/records`;
const KEY = "k".repeat(50);
const SECRET = "s".repeat(50);
export const PAIR = { password: PASSWORD, passwordConfirm: PASSWORD };

export function person(id: string, more: JsonObject = {}): JsonObject {
  return { id, email: `${id}@x.io`, ...PAIR, ...more };
}

function signIn(as: string, identity: string, password = PASSWORD): Step {
  return guest(
    `${as} signs in`,
    `POST ${USERS}/auth-with-password`,
    { identity, password },
    {
      keep: { [as]: "token" },
      quiet: true,
    },
  );
}

/** `ann` to `dan`, with known keys and secrets, so that tokens can be minted. */
export const ACCOUNTS: readonly Step[] = [
  prepare("stage: known secrets", `PATCH ${USERS}`, {
    authToken: { secret: SECRET, duration: 604800 },
    verificationToken: { secret: SECRET, duration: 259200 },
    passwordResetToken: { secret: SECRET, duration: 1800 },
    emailChangeToken: { secret: SECRET, duration: 1800 },
    fileToken: { secret: SECRET, duration: 180 },
  }),
  ...["ann000000000000", "bob000000000000", "cyd000000000000", "dan000000000000"].map((id) => {
    return prepare(`stage: ${id}`, `POST ${RECORDS}`, {
      ...person(id),
      tokenKey: `${id}${KEY}`.slice(0, 50),
    });
  }),
  signIn("ann", "ann000000000000@x.io"),
  signIn("bob", "bob000000000000@x.io"),
];

function keyOf(id: string): string {
  return `${`${id}${KEY}`.slice(0, 50)}${SECRET}`;
}

export function mint(name: string, id: string, claims: JsonObject, seconds = 60): Step {
  const all = { id, collectionId: "_pb_users_auth_", ...claims };
  return { kind: "mint", name, key: keyOf(id), claims: all, seconds };
}

export const ANN = "ann000000000000";
export const BOB = "bob000000000000";
export const CYD = "cyd000000000000";
