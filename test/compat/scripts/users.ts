/** Records of an auth collection: who may change what of them. */

import { area, call, form, guest, prepare, su } from "../script.ts";
import { ACCOUNTS, ANN, BOB, CYD, PAIR, person, RECORDS, USERS } from "./accounts.ts";
import { PASSWORD } from "./stage.ts";

export const ACCOUNT_RECORDS = area("users", [
  guest("create", `POST ${RECORDS}`, person("eve000000000000", { name: "Eve" })),
  guest("create nothing", `POST ${RECORDS}`, {}),
  guest("create without confirmation", `POST ${RECORDS}`, { email: "x@x.io", password: PASSWORD }),
  guest("create with another confirmation", `POST ${RECORDS}`, {
    email: "x@x.io",
    password: PASSWORD,
    passwordConfirm: "other-1234",
  }),
  guest("create with a short password", `POST ${RECORDS}`, {
    email: "x@x.io",
    password: "short",
    passwordConfirm: "short",
  }),
  guest("create with a long password", `POST ${RECORDS}`, {
    email: "x@x.io",
    password: "x".repeat(72),
    passwordConfirm: "x".repeat(72),
  }),
  guest("create without email", `POST ${RECORDS}`, PAIR),
  guest("create with no email", `POST ${RECORDS}`, { email: "nope", ...PAIR }),
  guest("create with a taken email", `POST ${RECORDS}`, { email: "eve000000000000@x.io", ...PAIR }),
  guest("create with a taken email in capitals", `POST ${RECORDS}`, {
    email: "EVE000000000000@x.io",
    ...PAIR,
  }),
  guest(
    "create with a taken id",
    `POST ${RECORDS}`,
    person("eve000000000000", { email: "y@x.io" }),
  ),
  guest("create verified", `POST ${RECORDS}`, person("fay000000000000", { verified: true })),
  guest(
    "create with verified false",
    `POST ${RECORDS}`,
    person("gus000000000000", { verified: false }),
  ),
  guest("create with a token key", `POST ${RECORDS}`, person("hal000000000000", { tokenKey: "x" })),
  guest(
    "create with email shown",
    `POST ${RECORDS}`,
    person("ida000000000000", { emailVisibility: true }),
  ),
  guest(
    "create as a form",
    `POST ${RECORDS}`,
    form(["email", "form@x.io"], ["password", "12345678"], ["passwordConfirm", "12345678"]),
  ),
  su(
    "create verified by superuser",
    `POST ${RECORDS}`,
    person("jon000000000000", { verified: true }),
  ),
  su("create without confirmation by superuser", `POST ${RECORDS}`, {
    email: "z@x.io",
    password: PASSWORD,
  }),
  su("short token key", `POST ${RECORDS}`, person("kim000000000000", { tokenKey: "short" })),
  su("superuser with that id", "POST /api/collections/_superusers/records", {
    id: "eve000000000000",
    email: "other@x.io",
    ...PAIR,
  }),
  ...ACCOUNTS,
  guest("list as guest", `GET ${RECORDS}`),
  call("ann", "list as a user", `GET ${RECORDS}`),
  su("list as superuser", `GET ${RECORDS}`, undefined, {
    query: { sort: "email", fields: "id,email,verified" },
  }),
  guest("view as guest", `GET ${RECORDS}/${ANN}`),
  call("ann", "view oneself", `GET ${RECORDS}/${ANN}`),
  call("ann", "view another", `GET ${RECORDS}/${BOB}`),
  su("view as superuser", `GET ${RECORDS}/${ANN}`),
  prepare("everybody may view", `PATCH ${USERS}`, { viewRule: "", listRule: "", updateRule: "" }),
  guest("another's email is hidden", `GET ${RECORDS}/${ANN}`),
  guest("a shown email", `GET ${RECORDS}/ida000000000000`),
  call("bob", "another's email for a user", `GET ${RECORDS}/${ANN}`),
  call("ann", "update the name", `PATCH ${RECORDS}/${ANN}`, { name: "Ann", emailVisibility: true }),
  guest("the email is shown now", `GET ${RECORDS}/${ANN}`),
  call("ann", "update the email", `PATCH ${RECORDS}/${ANN}`, { email: "new@x.io" }),
  call("ann", "update with the same email", `PATCH ${RECORDS}/${ANN}`, { email: `${ANN}@x.io` }),
  call("ann", "update verified", `PATCH ${RECORDS}/${ANN}`, { verified: true }),
  call("ann", "update with the same verified", `PATCH ${RECORDS}/${ANN}`, { verified: false }),
  call("ann", "update email and verified", `PATCH ${RECORDS}/${ANN}`, {
    email: "a",
    verified: true,
    name: 1,
  }),
  call("ann", "update the token key", `PATCH ${RECORDS}/${ANN}`, { tokenKey: "x".repeat(50) }),
  call("ann", "password without the old one", `PATCH ${RECORDS}/${ANN}`, PAIR),
  call("ann", "password without confirmation", `PATCH ${RECORDS}/${ANN}`, {
    password: "new-secret",
    oldPassword: PASSWORD,
  }),
  call("ann", "password with a wrong old one", `PATCH ${RECORDS}/${ANN}`, {
    ...PAIR,
    oldPassword: "wrong",
  }),
  call("ann", "password too short", `PATCH ${RECORDS}/${ANN}`, {
    password: "a",
    passwordConfirm: "a",
    oldPassword: PASSWORD,
  }),
  call("ann", "an empty password", `PATCH ${RECORDS}/${ANN}`, { password: "", name: "Anna" }),
  call("ann", "only a confirmation", `PATCH ${RECORDS}/${ANN}`, { passwordConfirm: "x" }),
  call("ann", "the token still works", `POST ${USERS}/auth-refresh`),
  call("ann", "new password", `PATCH ${RECORDS}/${ANN}`, {
    password: "new-secret",
    passwordConfirm: "new-secret",
    oldPassword: PASSWORD,
  }),
  call("ann", "the token is a guest's now", `POST ${USERS}/auth-refresh`),
  guest("the old password", `POST ${USERS}/auth-with-password`, {
    identity: `${ANN}@x.io`,
    password: PASSWORD,
  }),
  guest(
    "the new password",
    `POST ${USERS}/auth-with-password`,
    {
      identity: `${ANN}@x.io`,
      password: "new-secret",
    },
    { keep: { ann: "token" } },
  ),
  su("superuser sets a password", `PATCH ${RECORDS}/${BOB}`, PAIR),
  call("bob", "bob's token is a guest's now", `POST ${USERS}/auth-refresh`),
  su("superuser sets an email", `PATCH ${RECORDS}/${BOB}`, { email: "bob@y.io", verified: true }),
  su("superuser takes the email away", `PATCH ${RECORDS}/${BOB}`, { email: "" }),
  prepare("bob is managed by ann", `PATCH ${USERS}`, {
    manageRule: "@request.auth.name = 'Ann' && id != @request.auth.id",
  }),
  call("ann", "manager sees the email", `GET ${RECORDS}/${CYD}`),
  call("ann", "manager lists", `GET ${RECORDS}`, undefined, {
    query: { filter: "id ~ '0000000'", sort: "id", fields: "id,email" },
  }),
  call("ann", "manager sets email and verified", `PATCH ${RECORDS}/${CYD}`, {
    email: "cyd@y.io",
    verified: true,
  }),
  call("ann", "manager sets a password", `PATCH ${RECORDS}/${CYD}`, PAIR),
  call("ann", "manager sets a password without confirmation", `PATCH ${RECORDS}/${CYD}`, {
    password: "another-one",
  }),
  guest("filter by a shown email", `GET ${RECORDS}`, undefined, {
    query: { filter: "email ~ '0000@x.io'", sort: "id", fields: "id" },
  }),
  call("ann", "delete another", `DELETE ${RECORDS}/dan000000000000`),
  call("ann", "delete oneself", `DELETE ${RECORDS}/${ANN}`),
  call("ann", "a deleted one is a guest", `GET ${RECORDS}`, undefined, {
    query: { perPage: "1", fields: "x" },
  }),
  call("ann", "a deleted one cannot refresh", `POST ${USERS}/auth-refresh`),
]);
