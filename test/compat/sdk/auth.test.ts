/** The official client: verification, resets, one-time passwords, second steps, OAuth2. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { EventSource } from "eventsource";
import { ClientResponseError } from "pocketbase";
import { CLIENT, OidcProvider } from "../../features/oidc-provider.ts";
import { until } from "../../fixtures/until.ts";
import { type Mail, MailSink } from "../services.ts";
import { minted, PASSWORD, type Person, refusal, Stage } from "./stage.ts";

const SECRET = "s".repeat(50);
const KEY = "k".repeat(50);
const BACK = "https://app.example/back";

let on: Stage;
let mails: MailSink;
let oidc: OidcProvider;
beforeAll(async () => {
  // Neither Bun nor Node has one of its own.
  Object.assign(globalThis, { EventSource });
  [on, mails, oidc] = [await Stage.start(), new MailSink(), new OidcProvider()];
  // The other place is tried first, so both ways are walked.
  oidc.secretIn = "form";
  const smtp = { enabled: true, host: "127.0.0.1", port: mails.port };
  await on.root.settings.update({ smtp });
  await on.root.collections.update("users", {
    authAlert: { enabled: false },
    verificationToken: { secret: SECRET, duration: 1000 },
    oauth2: {
      enabled: true,
      providers: [
        {
          name: "oidc",
          ...CLIENT,
          authURL: `${oidc.url}/authorize`,
          tokenURL: `${oidc.url}/token`,
          userInfoURL: `${oidc.url}/userinfo`,
        },
      ],
    },
  });
});
afterAll(async () => {
  await on[Symbol.asyncDispose]();
  mails[Symbol.dispose]();
  await oidc[Symbol.asyncDispose]();
});

async function mailTo(email: string): Promise<Mail> {
  const mail = await mails.take();
  expect(mail?.to).toEqual([email]);
  return mail as Mail;
}

function tokenIn(mail: Mail, page: string): string {
  const link = new RegExp(`/_/#/auth/${page}/([\\w.-]+)`).exec(mail.text);
  return link?.[1] ?? "";
}

const users = (client = on.client()) => client.collection("users");

test("S40 an email is verified by its token, which outlives its use but not its time", async () => {
  const { id, email, client } = await on.person("Ann", { tokenKey: KEY });
  expect(await users().requestVerification(email)).toBe(true);
  const token = tokenIn(await mailTo(email), "confirm-verification");
  expect(await users(client).confirmVerification(token)).toBe(true);
  expect(client.authStore.record?.verified).toBe(true);
  expect((await users(on.root).getOne(id)).verified).toBe(true);
  expect(await users().confirmVerification(token)).toBe(true);
  const claims = { id, email, type: "verification", collectionId: "_pb_users_auth_" };
  const late = minted({ ...claims, exp: Math.floor(Date.now() / 1000) - 5 }, KEY + SECRET);
  expect(await refusal(users().confirmVerification(late))).toEqual([
    400,
    { token: "validation_invalid_token" },
  ]);
  expect(await users().requestVerification("nobody@example.com")).toBe(true);
});

test("S41 a password is reset by a mailed token, once, and the email is verified", async () => {
  const { id, email } = await on.person("Bob");
  expect(await users().requestPasswordReset(email)).toBe(true);
  const token = tokenIn(await mailTo(email), "confirm-password-reset");
  const next = "another-one-2";
  expect(await refusal(users().confirmPasswordReset(token, next, "other"))).toEqual([
    400,
    { passwordConfirm: "validation_values_mismatch" },
  ]);
  expect(await users().confirmPasswordReset(token, next, next)).toBe(true);
  expect((await users().authWithPassword(email, next)).record).toMatchObject({
    id,
    verified: true,
  });
  expect(await refusal(users().confirmPasswordReset(token, next, next))).toEqual([
    400,
    { token: "validation_invalid_token" },
  ]);
});

test("S42 an email is changed by a mailed token and the password", async () => {
  const { id, client } = await on.person("Cy");
  const address = "cy-new@example.com";
  expect(await users(client).requestEmailChange(address)).toBe(true);
  const token = tokenIn(await mailTo(address), "confirm-email-change");
  expect(await refusal(users(client).confirmEmailChange(token, "wrong-one"))).toEqual([
    400,
    { password: "validation_invalid_password" },
  ]);
  expect(client.authStore.isValid).toBe(true);
  expect(await users(client).confirmEmailChange(token, PASSWORD)).toBe(true);
  expect(client.authStore.record).toBeNull();
  expect(await users(on.root).getOne(id)).toMatchObject({ email: address, verified: true });
});

test("S43 a one-time password signs in once; it can be guessed five times", async () => {
  await on.root.collections.update("users", { otp: { enabled: true } });
  const { id, email } = await on.person("Dan");
  const unknown = await users().requestOTP("nobody@example.com");
  expect(unknown.otpId).toMatch(/^[a-z0-9]{15}$/);
  const { otpId } = await users().requestOTP(email);
  const code = /\b(\d{8})\b/.exec((await mailTo(email)).text)?.[1] ?? "";
  // It verifies the address that it is known to have been sent to, a moment after the mail.
  await until("the note of the address", 5_000, async () => {
    return (await on.root.collection("_otps").getOne(otpId)).sentTo === email;
  });
  const { record } = await users().authWithOTP(otpId, code);
  expect([record.id, record.verified]).toEqual([id, true]);
  expect(await refusal(users().authWithOTP(otpId, code))).toEqual([400, {}]);

  const eve = await on.person("Eve");
  const second = await users().requestOTP(eve.email);
  await mailTo(eve.email);
  const tries = [];
  for (let i = 0; i < 6; i++) {
    tries.push((await refusal(users().authWithOTP(second.otpId, "00000000")))[0]);
  }
  expect(tries).toEqual([400, 400, 400, 400, 400, 429]);
});

async function challenge(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.catch((thrown: unknown) => thrown);
  if (!(error instanceof ClientResponseError)) throw new Error("It was not refused.");
  expect([error.status, Object.keys(error.response)]).toEqual([401, ["mfaId"]]);
  return error.response.mfaId;
}

test("S44 a second step is another way to sign in than the first", async () => {
  const fay: Person = await on.person("Fay");
  await on.root.collections.update("users", { otp: { enabled: true }, mfa: { enabled: true } });
  const mfaId = await challenge(users().authWithPassword(fay.email, PASSWORD));
  const again = users().authWithPassword(fay.email, PASSWORD, { mfaId });
  expect(await refusal(again)).toEqual([400, {}]);
  const { otpId } = await users().requestOTP(fay.email);
  const code = /\b(\d{8})\b/.exec((await mailTo(fay.email)).text)?.[1] ?? "";
  const { record } = await users().authWithOTP(otpId, code, { mfaId });
  expect(record.id).toBe(fay.id);
  await on.root.collections.update("users", { mfa: { enabled: false } });
});

async function withCode(claims: Readonly<Record<string, unknown>>, client = on.client()) {
  oidc.user = claims;
  const [provider] = (await users(client).listAuthMethods()).oauth2.providers;
  if (!provider) throw new Error("There is no provider.");
  const { code, state } = await oidc.consent(provider.authURL, BACK);
  expect(state).toBe(provider.state);
  return users(client).authWithOAuth2Code("oidc", code, provider.codeVerifier, BACK);
}

test("S48 OAuth2 makes an account, signs in to it again, and is listed and unlinked", async () => {
  const user = { sub: "gil-1", name: "Gil", email: "gil@example.com", email_verified: true };
  const client = on.client();
  const first = await withCode(user, client);
  expect(first.meta).toMatchObject({ id: "gil-1", isNew: true, email: user.email });
  expect(first.record).toMatchObject({ email: user.email, verified: true });
  const second = await withCode(user);
  expect([second.record.id, second.meta?.isNew]).toEqual([first.record.id, false]);

  const hal = await on.person("Hal", { verified: true });
  const linked = await withCode({ sub: "hal-1", email: hal.email, email_verified: true });
  expect([linked.record.id, linked.meta?.isNew]).toEqual([hal.id, false]);

  const [external, ...others] = await users(client).listExternalAuths(first.record.id);
  expect(external).toMatchObject({ provider: "oidc", providerId: "gil-1" });
  expect(others).toEqual([]);
  expect(await users(client).unlinkExternalAuth(first.record.id, "oidc")).toBe(true);
  expect(await users(client).listExternalAuths(first.record.id)).toEqual([]);
});

test("S49 OAuth2 in one call: consent, redirect, and the word over realtime", async () => {
  oidc.user = { sub: "ida-1", name: "Ida", email: "ida@example.com", email_verified: true };
  const client = on.client();
  const { record, meta } = await users(client).authWithOAuth2({
    provider: "oidc",
    urlCallback: async (url) => {
      const consent = await fetch(url, { redirect: "manual" });
      const back = consent.headers.get("location") ?? "";
      expect(back).toStartWith(`${on.url}/api/oauth2-redirect?`);
      const answer = await fetch(back, { redirect: "manual" });
      expect(answer.status).toBe(307);
      expect(answer.headers.get("location")).toEndWith("/oauth2-redirect-success");
    },
  });
  expect(record).toMatchObject({ email: "ida@example.com", name: "Ida" });
  expect(meta?.isNew).toBe(true);
  expect(client.authStore.record?.id).toBe(record.id);
});
