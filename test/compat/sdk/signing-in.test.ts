/** The official client: who is asking, passwords, tokens, impersonation. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { claimsOf, PASSWORD, ROOT, refusal, Stage } from "./stage.ts";

let on: Stage;
beforeAll(async () => {
  on = await Stage.start();
});
afterAll(() => on[Symbol.asyncDispose]());

const SUPERUSERS = "pbc_3142635823";

test("S01 health tells a superuser more than a guest", async () => {
  expect(await on.client().health.check()).toMatchObject({ code: 200, data: {} });
  expect((await on.client().health.check()).data).toEqual({});
  expect((await on.root.health.check()).data).toMatchObject({
    canBackup: true,
    realIP: "127.0.0.1",
  });
});

test("S02 a superuser signs in with a password", async () => {
  const client = on.client();
  const { token, record } = await client
    .collection("_superusers")
    .authWithPassword(ROOT.email, ROOT.password);
  expect(claimsOf(token)).toMatchObject({
    type: "auth",
    collectionId: SUPERUSERS,
    id: record.id,
    refreshable: true,
  });
  expect(client.authStore.isSuperuser).toBe(true);
  expect(client.authStore.isValid).toBe(true);
  expect(record).toMatchObject({ collectionName: "_superusers", email: ROOT.email });
});

test("S03 a wrong password is a 400 that names no field", async () => {
  const attempt = on.client().collection("_superusers").authWithPassword(ROOT.email, "wrong");
  expect(await refusal(attempt)).toEqual([400, {}]);
});

test("S04 a missing identity is named", async () => {
  const attempt = on.client().collection("users").authWithPassword("", "x");
  expect(await refusal(attempt)).toEqual([400, { identity: "validation_required" }]);
});

test("S36 a user is created with a confirmed password, unverified", async () => {
  const users = on.client().collection("users");
  const email = "new@example.com";
  const pair = { password: PASSWORD, passwordConfirm: PASSWORD };
  const attempts = [
    [
      { email, ...pair, passwordConfirm: "other" },
      { passwordConfirm: "validation_values_mismatch" },
    ],
    [{ email }, { password: "validation_required", passwordConfirm: "validation_required" }],
    [{ email, ...pair, verified: true }, { verified: "validation_values_mismatch" }],
  ] as const;
  for (const [body, codes] of attempts) {
    expect(await refusal(users.create(body))).toEqual([400, codes]);
  }
  const made = await users.create({ email, ...pair });
  expect(made.verified).toBe(false);
  expect(made).not.toContainAnyKeys(["email", "password", "tokenKey"]);
});

test("S37 a user signs in and refreshes", async () => {
  const { client, id, email } = await on.person("Ann");
  const before = client.authStore.token;
  expect(claimsOf(before)).toMatchObject({ id, refreshable: true });
  const { token, record } = await client.collection("users").authRefresh();
  expect(token).not.toBe("");
  expect([record.id, record.email]).toEqual([id, email]);
  expect(client.authStore.token).toBe(token);
  expect((await client.collection("users").getOne(id)).email).toBe(email);
});

test("S38 an own password is changed with the old one, and ends the tokens", async () => {
  const { client, id, email } = await on.person("Bob");
  const next = { password: "another-one-2", passwordConfirm: "another-one-2" };
  const users = client.collection("users");
  expect(await refusal(users.update(id, next))).toEqual([
    400,
    { oldPassword: "validation_required" },
  ]);
  expect(await refusal(users.update(id, { ...next, oldPassword: "wrong-one" }))).toEqual([
    400,
    { oldPassword: "validation_invalid_old_password" },
  ]);
  await users.update(id, { ...next, oldPassword: PASSWORD });
  expect(await refusal(users.authRefresh())).toEqual([401, {}]);
  expect((await users.authWithPassword(email, next.password)).record.id).toBe(id);
});

test("S39 an email is changed directly by those who manage the user only", async () => {
  const [cy, boss] = [await on.person("Cy"), await on.person("Boss")];
  const change = { email: "cy-changed@example.com" };
  expect(await refusal(cy.client.collection("users").update(cy.id, change))).toEqual([
    400,
    { email: "validation_values_mismatch" },
  ]);
  const { manageRule, updateRule } = await on.root.collections.getOne("users");
  const rule = `id = @request.auth.id || @request.auth.id = '${boss.id}'`;
  await on.root.collections.update("users", {
    updateRule: rule,
    manageRule: `@request.auth.id = '${boss.id}'`,
  });
  const changed = await boss.client.collection("users").update(cy.id, change);
  expect(changed.email).toBe(change.email);
  await on.root.collections.update("users", { manageRule, updateRule });
});

test("S45 an authRule that the record does not meet is a 403", async () => {
  const members = await on.root.collections.create({
    name: "members",
    type: "auth",
    authRule: "verified = true",
  });
  const pair = { password: PASSWORD, passwordConfirm: PASSWORD };
  const email = "member@example.com";
  const { id } = await on.root.collection("members").create({ email, ...pair });
  const guest = on.client().collection(members.name);
  expect(await refusal(guest.authWithPassword(email, PASSWORD))).toEqual([403, {}]);
  await on.root.collection("members").update(id, { verified: true });
  expect((await guest.authWithPassword(email, PASSWORD)).record.id).toBe(id);
});

test("S46 an impersonated client works, and its token is not renewed", async () => {
  const { id } = await on.person("Dan");
  const client = await on.root.collection("users").impersonate(id, 120);
  const { token } = client.authStore;
  const claims = claimsOf(token);
  expect(claims).toMatchObject({ id, refreshable: false });
  expect(Number(claims.exp) - Date.now() / 1000).toBeWithin(100, 125);
  expect((await client.collection("users").getOne(id)).id).toBe(id);
  expect((await client.collection("users").authRefresh()).token).toBe(token);
  expect(on.root.authStore.isSuperuser).toBe(true);
});

test("S47 the methods of signing in have their shape", async () => {
  expect(await on.client().collection("users").listAuthMethods()).toEqual({
    password: { enabled: true, identityFields: ["email"] },
    oauth2: { enabled: false, providers: [] },
    mfa: { enabled: false, duration: 0 },
    otp: { enabled: false, duration: 0 },
  });
});

test("S64 the last superuser stays; the command line makes others", async () => {
  const [only] = await on.root.collection("_superusers").getFullList();
  expect(await refusal(on.root.collection("_superusers").delete(only?.id ?? ""))).toEqual([
    400,
    {},
  ]);
  expect(await on.command("superuser", "upsert", "second@example.com", "second-one-2")).toBe(0);
  const second = on.client();
  await second.collection("_superusers").authWithPassword("second@example.com", "second-one-2");
  expect(second.authStore.isSuperuser).toBe(true);
  await second.collection("_superusers").delete(second.authStore.record?.id ?? "");
  expect(second.authStore.isValid).toBe(false);
});
