/** One-time passwords, second steps, places of sign-ins: with the official client. */

import { describe, expect, test } from "bun:test";
import { authApp, codeIn, PASSWORD, refusal, USERS } from "./auth-fixture.ts";

const ANN = "ann@example.com";
const OTP_ON = { otp: { enabled: true } };
const QUIET = { authAlert: { enabled: false } };

/** Asks for a second step and returns what stands for the first. */
async function challenged(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    const { status, response } = error as { status: number; response: Record<string, string> };
    expect([status, Object.keys(response)]).toEqual([401, ["mfaId"]]);
    return response.mfaId ?? "";
  }
  throw new Error("there was no challenge");
}

describe("a one-time password", () => {
  test("signs in once and verifies the address it went to", async () => {
    await using app = await authApp();
    await app.configure("users", OTP_ON);
    const { id } = await app.signUp("Ann");
    const users = app.client().collection("users");
    const { otpId } = await users.requestOTP(ANN);
    const code = codeIn(await app.mail());
    expect(code).toMatch(/^\d{8}$/);
    await app.mailCount();
    const answer = await users.authWithOTP(otpId, code);
    expect([answer.record.id, answer.record.verified]).toEqual([id, true]);
    expect(await refusal(users.authWithOTP(otpId, code))).toEqual([400, {}]);
    expect(await app.rows("_otps")).toEqual([]);
  });

  test("is made by a superuser for somebody, without a mail", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    const make = () => app.app.call("auth.makeOtp", { collection: "users", id });
    await expect(make()).rejects.toMatchObject({ code: "otp_disabled" });
    await app.configure("users", OTP_ON);
    const made = (await make()) as { otpId: string; password: string; seconds: number };
    expect(made.seconds).toBe(180);
    const users = app.client().collection("users");
    const answer = await users.authWithOTP(made.otpId, made.password);
    // It says nothing about who reads the mail.
    expect([answer.record.id, answer.record.verified]).toEqual([id, false]);
    expect(await app.mailCount()).toBe(0);
  });

  test("is asked for in the same way by nobody, without a mail", async () => {
    await using app = await authApp();
    await app.configure("users", OTP_ON);
    await app.signUp("Ann");
    const users = app.client().collection("users");
    for (const email of [ANN, "nobody@example.com"]) {
      expect((await users.requestOTP(email)).otpId).toMatch(/^[a-z0-9]{15}$/);
    }
    expect(await app.mailCount()).toBe(1);
  });

  test("is refused when it is wrong, late or another collection's", async () => {
    await using app = await authApp();
    await app.configure("users", OTP_ON);
    await app.configure("_superusers", { otp: { enabled: true }, mfa: { enabled: true } });
    await app.signUp("Ann");
    const users = app.client().collection("users");
    const { otpId } = await users.requestOTP(ANN);
    const code = codeIn(await app.mail());
    const supers = app.client().collection("_superusers");
    expect(await refusal(users.authWithOTP(otpId, "0"))).toEqual([400, {}]);
    expect(await refusal(supers.authWithOTP(otpId, code))).toEqual([400, {}]);
    await app.clock.advance(180_001);
    expect(await refusal(users.authWithOTP(otpId, code))).toEqual([400, {}]);
  });

  test("may be guessed five times in three minutes, one that is not there too", async () => {
    await using app = await authApp();
    await app.configure("users", { otp: { enabled: true, duration: 3600 } });
    await app.signUp("Ann");
    const users = app.client().collection("users");
    const { otpId } = await users.requestOTP(ANN);
    const code = codeIn(await app.mail());
    for (const id of [otpId, "nobodys00000000"]) {
      const tries = [];
      for (let i = 0; i < 6; i++) tries.push((await refusal(users.authWithOTP(id, "0")))[0]);
      expect(tries).toEqual([400, 400, 400, 400, 400, 429]);
    }
    expect((await refusal(users.authWithOTP(otpId, code)))[0]).toBe(429);
    await app.clock.advance(180_000);
    expect((await users.authWithOTP(otpId, code)).record.email).toBe(ANN);
  });

  test("is given out ten times at most", async () => {
    await using app = await authApp();
    await app.configure("users", OTP_ON);
    await app.signUp("Ann");
    const users = app.client().collection("users");
    const given: string[] = [];
    for (let i = 0; i < 11; i++) {
      given.push((await users.requestOTP(ANN)).otpId);
      await app.clock.advance(10);
    }
    expect(new Set(given).size).toBe(10);
    expect(given[10]).toBe(given[9] ?? "");
  });

  test("is gone when the hour strikes after its time", async () => {
    await using app = await authApp();
    await app.configure("users", OTP_ON);
    await app.signUp("Ann");
    await app.client().collection("users").requestOTP(ANN);
    await app.mailCount();
    const { Records } = await import("../../src/features/records/index.ts");
    const { scheduler } = app.app.kernel.registry.service(Records);
    scheduler.run("__pbOTPCleanup__");
    await scheduler.stop();
    expect(await app.rows("_otps")).toHaveLength(1);
    await app.clock.advance(181_000);
    scheduler.run("__pbOTPCleanup__");
    await scheduler.stop();
    expect(await app.rows("_otps")).toEqual([]);
  });

  test("does not survive a new password", async () => {
    await using app = await authApp();
    await app.configure("users", OTP_ON);
    const { id } = await app.signUp("Ann");
    const users = app.client().collection("users");
    const { otpId } = await users.requestOTP(ANN);
    const code = codeIn(await app.mail());
    await app.mailCount();
    const body = { password: "another one", passwordConfirm: "another one" };
    await app.app.call("records.update", { collection: "users", id, body });
    expect(await refusal(users.authWithOTP(otpId, code))).toEqual([400, {}]);
  });
});

describe("a second step", () => {
  const TWO_STEPS = { ...OTP_ON, mfa: { enabled: true } };

  test("is taken in another way than the first", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    await app.configure("users", TWO_STEPS);
    const users = app.client().collection("users");
    const mfaId = await challenged(users.authWithPassword(ANN, PASSWORD));
    const same = users.authWithPassword(ANN, PASSWORD, { mfaId });
    expect(await refusal(same)).toEqual([400, {}]);
    const { otpId } = await users.requestOTP(ANN);
    const code = codeIn(await app.mail());
    const answer = await users.authWithOTP(otpId, code, { mfaId });
    expect(answer.record.id).toBe(id);
    expect(await app.rows("_mfas")).toEqual([]);
  });

  test("is refused when it is late, unknown or another's", async () => {
    await using app = await authApp();
    await app.signUp("Ann");
    await app.signUp("Bob");
    await app.configure("users", { ...TWO_STEPS, otp: { enabled: true, duration: 7200 } });
    const users = app.client().collection("users");
    const anns = await challenged(users.authWithPassword(ANN, PASSWORD));
    const bobs = await challenged(users.authWithPassword("bob@example.com", PASSWORD));
    const attempt = async (mfaId: string) => {
      const { otpId } = await users.requestOTP(ANN);
      const code = codeIn(await app.mail());
      return refusal(users.authWithOTP(otpId, code, { mfaId }));
    };
    expect(await attempt("nobodys00000000")).toEqual([400, {}]);
    expect(await attempt(bobs)).toEqual([400, {}]);
    await app.clock.advance(1_800_001);
    expect(await attempt(anns)).toEqual([400, {}]);
    expect((await app.rows("_mfas")).map((row) => row.id)).toEqual([bobs]);
  });

  test("is for those whom the rule names", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    await app.signUp("Bob");
    await app.configure("users", { ...OTP_ON, mfa: { enabled: true, rule: "name = 'Bob'" } });
    const users = app.client().collection("users");
    expect((await users.authWithPassword(ANN, PASSWORD)).record.id).toBe(id);
    await challenged(users.authWithPassword("bob@example.com", PASSWORD));
  });
});

describe("the place of a sign-in", () => {
  const from = (agent: string) => ({ headers: { "user-agent": agent } });

  test("is told by mail when it is new, but not the first time", async () => {
    await using app = await authApp();
    await app.configure("users", {});
    await app.signUp("Ann");
    const users = app.client().collection("users");
    await users.authWithPassword(ANN, PASSWORD, from("Other Browser <1>"));
    expect(await app.mailCount()).toBe(1);
    const mail = await app.mail();
    expect(mail.subject).toBe("New sign-in to your Acme account");
    expect(mail.text).toContain("2024-01-10 12:00:00.000Z - 127.0.0.1 Other Browser <1>");
    await users.authWithPassword(ANN, PASSWORD, from("Other Browser <1>"));
    expect(await app.mailCount()).toBe(1);
  });

  test("is remembered for five of them, and shown to the account alone", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    const { token: bobs } = await app.signUp("Bob");
    const client = app.client();
    for (let i = 0; i < 6; i++) {
      await app.clock.advance(1_000);
      await client.collection("users").authWithPassword(ANN, PASSWORD, from(`agent ${i}`));
    }
    const seen = await client.collection("_authOrigins").getFullList();
    expect(seen.map((origin) => origin.recordRef)).toEqual(Array(5).fill(id));
    const path = "/api/collections/_authOrigins/records";
    const others = await app.request("GET", path, { token: bobs });
    expect(others.body.items).toHaveLength(1);
    const body = { password: "another one", passwordConfirm: "another one" };
    await app.app.call("records.update", { collection: "users", id, body });
    expect((await app.rows("_authOrigins")).filter((row) => row.recordRef === id)).toEqual([]);
  });

  test("is not noted where the collection does not want it", async () => {
    await using app = await authApp();
    await app.configure("users", QUIET);
    await app.signUp("Ann");
    expect((await app.rows("_authOrigins")).map((row) => row.collectionRef)).toEqual([
      "pbc_3142635823",
    ]);
  });
});

describe("who may sign in", () => {
  test("is told by the collection's rule, which superusers pass for them", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    await app.configure("users", { authRule: "verified = true && @request.context = 'password'" });
    const users = app.client().collection("users");
    expect(await refusal(users.authWithPassword(ANN, PASSWORD))).toEqual([403, {}]);
    const admin = app.client();
    await admin.collection("_superusers").authWithPassword("root@example.com", PASSWORD);
    const asAnn = await admin.collection("users").impersonate(id, 60, { fetch: app.fetch });
    expect(asAnn.authStore.record?.id).toBe(id);
    await admin.collection("users").update(id, { verified: true });
    expect((await users.authWithPassword(ANN, PASSWORD)).record.id).toBe(id);
  });

  test("may be a superuser as somebody, for a time and no longer", async () => {
    await using app = await authApp();
    const { id, token } = await app.signUp("Ann");
    const admin = app.client();
    await admin.collection("_superusers").authWithPassword("root@example.com", PASSWORD);
    const asAnn = await admin.collection("users").impersonate(id, 60, { fetch: app.fetch });
    const refreshed = await app.request("POST", `${USERS}/auth-refresh`, {
      token: asAnn.authStore.token,
    });
    expect(refreshed.body.token).toBe(asAnn.authStore.token);
    await app.clock.advance(60_000);
    const late = { token: asAnn.authStore.token };
    expect((await app.request("POST", `${USERS}/auth-refresh`, late)).status).toBe(401);
    const path = `${USERS}/impersonate/${id}`;
    expect((await app.request("POST", path, { token, body: {} })).status).toBe(403);
  });

  test("is found by another identity, in any case where its index says so", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    await app.configure("users", {
      indexes: ["CREATE UNIQUE INDEX `by_name` ON `users` (`name` COLLATE NOCASE)"],
      passwordAuth: { enabled: true, identityFields: ["name", "email"] },
    });
    const users = app.client().collection("users");
    for (const identity of ["Ann", "aNN", ANN]) {
      expect((await users.authWithPassword(identity, PASSWORD)).record.id).toBe(id);
    }
    const body = { identity: "Ann", password: PASSWORD, identityField: "email" };
    expect(await refusal(users.authWithPassword("", "", { body }))).toEqual([400, {}]);
    const methods = await users.listAuthMethods();
    expect(methods.password).toEqual({ enabled: true, identityFields: ["name", "email"] });
  });
});
