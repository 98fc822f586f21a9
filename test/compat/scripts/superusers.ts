/** Superusers, and the system collections that belong to accounts. */

import { area, call, guest, su } from "../script.ts";
import { ACCOUNTS, ANN, PAIR, RECORDS } from "./accounts.ts";
import { PASSWORD } from "./stage.ts";

export const SUPERUSERS = area("superusers", [
  guest("list as guest", "GET /api/collections/_superusers/records"),
  su("list", "GET /api/collections/_superusers/records"),
  guest("create as guest", "POST /api/collections/_superusers/records", {
    email: "a@x.io",
    ...PAIR,
  }),
  su("delete the last one", "DELETE /api/collections/_superusers/records/{root}"),
  su("create", "POST /api/collections/_superusers/records", {
    id: "second000000000",
    email: "second@x.io",
    ...PAIR,
  }),
  su("create with nothing", "POST /api/collections/_superusers/records", {}),
  su("create unverified", "POST /api/collections/_superusers/records", {
    id: "third0000000000",
    email: "third@x.io",
    verified: false,
    ...PAIR,
  }),
  guest(
    "sign in",
    "POST /api/collections/_superusers/auth-with-password",
    {
      identity: "second@x.io",
      password: PASSWORD,
    },
    { keep: { second: "token" } },
  ),
  call("second", "change oneself", "PATCH /api/collections/_superusers/records/second000000000", {
    email: "changed@x.io",
  }),
  call("second", "the token ended", "POST /api/collections/_superusers/auth-refresh"),
  su("impersonate a superuser", "POST /api/collections/_superusers/impersonate/second000000000", {
    duration: 100,
  }),
  su("delete another", "DELETE /api/collections/_superusers/records/second000000000"),
  su("delete the third", "DELETE /api/collections/_superusers/records/third0000000000"),
  guest("reset of a superuser", "POST /api/collections/_superusers/request-password-reset", {
    email: "root@example.com",
  }),
  ...ACCOUNTS,
  call("ann", "list as a user", "GET /api/collections/_superusers/records"),
  call("ann", "one's own origins", "GET /api/collections/_authOrigins/records"),
  guest("origins as guest", "GET /api/collections/_authOrigins/records"),
  su("all origins", "GET /api/collections/_authOrigins/records", undefined, {
    query: { fields: "collectionRef" },
    only: ["page"],
  }),
  su("external accounts", "GET /api/collections/_externalAuths/records"),
  su(
    "create an external account",
    "POST /api/collections/_externalAuths/records",
    {
      collectionRef: "_pb_users_auth_",
      recordRef: ANN,
      provider: "google",
      providerId: "g1",
    },
    { keep: { external: "id" } },
  ),
  su("create it twice", "POST /api/collections/_externalAuths/records", {
    collectionRef: "_pb_users_auth_",
    recordRef: ANN,
    provider: "google",
    providerId: "g1",
  }),
  su("of an unknown record", "POST /api/collections/_externalAuths/records", {
    collectionRef: "_pb_users_auth_",
    recordRef: "nobody",
    provider: "google",
    providerId: "g2",
  }),
  su("of an unknown collection", "POST /api/collections/_externalAuths/records", {
    collectionRef: "nope",
    recordRef: ANN,
    provider: "google",
    providerId: "g2",
  }),
  su("of nothing", "POST /api/collections/_externalAuths/records", {}),
  call(
    "ann",
    "one's own external accounts",
    "GET /api/collections/_externalAuths/records",
    undefined,
    {
      query: { filter: `recordRef = "${ANN}"` },
    },
  ),
  call("bob", "another's external accounts", "GET /api/collections/_externalAuths/records"),
  call("bob", "unlink another's", "DELETE /api/collections/_externalAuths/records/{external}"),
  call("ann", "create as a user", "POST /api/collections/_externalAuths/records", {}),
  call("ann", "update as a user", "PATCH /api/collections/_externalAuths/records/{external}", {}),
  call("ann", "unlink", "DELETE /api/collections/_externalAuths/records/{external}"),
  su("delete a user with everything", `DELETE ${RECORDS}/${ANN}`),
  su("the origins went with it", "GET /api/collections/_authOrigins/records", undefined, {
    query: { filter: `recordRef = "${ANN}"` },
  }),
]);
