/** Places that accounts sign in from: what is kept of them, and who is told of a new one. */

import { area, call, guest, prepare, type Step, su } from "../script.ts";
import { ACCOUNTS, ANN, BOB, CYD, PAIR, RECORDS, USERS } from "./accounts.ts";
import { PASSWORD } from "./stage.ts";

const ORIGINS = "/api/collections/_authOrigins/records";
const DAN = "dan000000000000";
const COUNT = { only: ["totalItems"] };

/** Signs in with a browser of that name. */
function from(agent: string, id: string, name = `${id} from ${agent}`): Step {
  const body = { identity: `${id}@x.io`, password: PASSWORD };
  return guest(name, `POST ${USERS}/auth-with-password`, body, {
    headers: { "user-agent": agent },
    query: { fields: "record.id" },
  });
}

/** Mails come in the order of the sign-ins: one that should not have come would be found here. */
function told(id: string, agent: string): Step {
  return { kind: "mail", name: `${id} is told of ${agent}`, keep: { info: `Alert:(.*${agent}):` } };
}

const NEW: readonly Step[] = [
  prepare("stage: mails", "PATCH /api/settings", {
    smtp: { enabled: true, host: "127.0.0.1", port: "{smtpPort}" },
  }),
  prepare("stage: alerts", `PATCH ${USERS}`, {
    authAlert: {
      enabled: true,
      emailTemplate: { subject: "New place", body: "<p>Alert:{ALERT_INFO}:</p>" },
    },
  }),
  su("ann and bob have signed in once", `GET ${ORIGINS}`, undefined, COUNT),
  from("one", ANN),
  told(ANN, "one"),
  from("one", ANN, "the same place again"),
  from("one", CYD, "the first place of an account"),
  from("two", CYD),
  told(CYD, "two"),
  su("what is kept", `GET ${ORIGINS}`, undefined, {
    query: {
      filter: `recordRef = "${CYD}"`,
      fields: "collectionId,collectionName,collectionRef,recordRef,created,updated",
    },
  }),
  su("a fingerprint", `GET ${ORIGINS}`, undefined, {
    query: { filter: `recordRef = "${CYD}"`, fields: "fingerprint" },
    like: { "items.*.fingerprint": "^[0-9a-f]{32}$" },
  }),
];

const OWN: readonly Step[] = [
  guest("a guest sees none", `GET ${ORIGINS}`),
  call("ann", "ann sees hers", `GET ${ORIGINS}`, undefined, { query: { fields: "recordRef" } }),
  call("ann", "one of hers", `GET ${ORIGINS}?perPage=1`, undefined, {
    keep: { origin: "items.0.id" },
    only: ["totalItems"],
  }),
  call("bob", "bob sees none of hers", `GET ${ORIGINS}/{origin}`),
  call("bob", "bob takes none of hers away", `DELETE ${ORIGINS}/{origin}`),
  call("ann", "ann makes none", `POST ${ORIGINS}`, {
    collectionRef: "_pb_users_auth_",
    recordRef: ANN,
    fingerprint: "x",
  }),
  call("ann", "ann changes none", `PATCH ${ORIGINS}/{origin}`, { fingerprint: "x" }),
  call("ann", "ann takes one away", `DELETE ${ORIGINS}/{origin}`),
  call("ann", "ann has one left", `GET ${ORIGINS}`, undefined, COUNT),
  su("a place of nobody", `POST ${ORIGINS}`, {
    collectionRef: "_pb_users_auth_",
    recordRef: "nobody000000000",
    fingerprint: "x",
  }),
  su("a place in nothing", `POST ${ORIGINS}`, {
    collectionRef: "nothing",
    recordRef: ANN,
    fingerprint: "x",
  }),
  su("nothing at all", `POST ${ORIGINS}`, {}),
];

const LEFT: readonly Step[] = [
  from("a", DAN),
  ...["b", "c", "d", "e", "f", "g"].flatMap((agent) => [from(agent, DAN), told(DAN, agent)]),
  su("five are kept", `GET ${ORIGINS}`, undefined, {
    ...COUNT,
    query: { filter: `recordRef = "${DAN}"` },
  }),
  call("bob", "refreshing is no place", `POST ${USERS}/auth-refresh`, undefined, {
    headers: { "user-agent": "elsewhere" },
    query: { fields: "record.id" },
  }),
  su("impersonating is no place", `POST ${USERS}/impersonate/${BOB}`, undefined, {
    headers: { "user-agent": "elsewhere" },
    query: { fields: "record.id" },
  }),
  su("bob has one", `GET ${ORIGINS}`, undefined, {
    ...COUNT,
    query: { filter: `recordRef = "${BOB}"` },
  }),
  prepare("cyd has a new password", `PATCH ${RECORDS}/${CYD}`, PAIR),
  su("cyd has none", `GET ${ORIGINS}`, undefined, {
    ...COUNT,
    query: { filter: `recordRef = "${CYD}"` },
  }),
  from("three", CYD, "the first place with it"),
  prepare("stage: no alerts", `PATCH ${USERS}`, { authAlert: { enabled: false } }),
  from("quiet", BOB),
  su("bob has still one", `GET ${ORIGINS}`, undefined, {
    ...COUNT,
    query: { filter: `recordRef = "${BOB}"` },
  }),
  prepare("stage: alerts again", `PATCH ${USERS}`, { authAlert: { enabled: true } }),
  from("loud", BOB),
  told(BOB, "loud"),
  prepare("dan leaves", `DELETE ${RECORDS}/${DAN}`),
  su("his places leave with him", `GET ${ORIGINS}`, undefined, {
    ...COUNT,
    query: { filter: `recordRef = "${DAN}"` },
  }),
];

export const ORIGINS_AREA = area("origins", [...ACCOUNTS, ...NEW, ...OWN, ...LEFT], {
  services: ["smtp"],
});
