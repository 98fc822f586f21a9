/** Verification, password reset, change of address: with the official client and its mails. */

import { describe, expect, test } from "bun:test";
import { authApp, PASSWORD, refusal, tokenIn, USERS } from "./auth-fixture.ts";

const ANN = "ann@example.com";

describe("verification", () => {
  test("comes by mail and holds, also when the link is followed twice", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    const users = app.client().collection("users");
    expect(await users.requestVerification(ANN)).toBe(true);
    const mail = await app.mail();
    expect([mail.to, mail.subject]).toEqual([ANN, "Confirm your address for Acme"]);
    expect(mail.html).toContain(`http://localhost:8090/_/#/auth/confirm-verification/`);
    const token = tokenIn(mail);
    for (let i = 0; i < 2; i++) expect(await users.confirmVerification(token)).toBe(true);
    const [row] = await app.rows("users");
    expect([row?.id, row?.verified]).toEqual([id, 1]);
  });

  test("is mailed once in two minutes, to whom it concerns only", async () => {
    await using app = await authApp();
    await app.signUp("Ann");
    const users = app.client().collection("users");
    for (const email of [ANN, ANN, "nobody@example.com"]) await users.requestVerification(email);
    expect(await app.mailCount()).toBe(1);
    await app.clock.advance(120_000);
    await users.requestVerification(ANN);
    expect(await app.mailCount()).toBe(2);
    await users.confirmVerification(tokenIn(await app.mail()));
    await app.clock.advance(120_000);
    await users.requestVerification(ANN);
    expect(await app.mailCount()).toBe(2);
  });

  test("ends with its time, and with the address", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    const users = app.client().collection("users");
    await users.requestVerification(ANN);
    const token = tokenIn(await app.mail());
    await app.app.call("records.update", { collection: "users", id, body: { email: "b@x.co" } });
    const changed = await refusal(users.confirmVerification(token));
    expect(changed).toEqual([400, { token: "validation_invalid_token" }]);
    await app.clock.advance(120_000);
    await users.requestVerification("b@x.co");
    const second = tokenIn(await app.mail());
    await app.clock.advance(259_200_000);
    const late = await refusal(users.confirmVerification(second));
    expect(late).toEqual([400, { token: "validation_invalid_token" }]);
  });

  test("writes a name that looks like a placeholder as a name", async () => {
    await using app = await authApp();
    await app.configure("users", {
      verificationTemplate: { subject: "For {RECORD:name}", body: "<p>{RECORD:name} {TOKEN}</p>" },
    });
    const { id } = await app.signUp("Ann");
    const name = "<b>{TOKEN}</b>";
    await app.app.call("records.update", { collection: "users", id, body: { name } });
    await app.client().collection("users").requestVerification(ANN);
    const mail = await app.mail();
    expect(mail.subject).toBe(`For ${name}`);
    expect(mail.html).toContain("<p>&lt;b&gt;{TOKEN}&lt;/b&gt; eyJ");
    expect(mail.text).toStartWith("<b>{TOKEN}</b> eyJ");
  });
});

describe("a password reset", () => {
  test("sets the password, verifies the address and ends all sessions", async () => {
    await using app = await authApp();
    const { id, token } = await app.signUp("Ann");
    const users = app.client().collection("users");
    await users.requestPasswordReset(ANN);
    const reset = tokenIn(await app.mail());
    await users.confirmPasswordReset(reset, "another one", "another one");
    const [row] = await app.rows("users");
    expect([row?.id, row?.verified]).toEqual([id, 1]);
    expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(401);
    expect((await users.authWithPassword(ANN, "another one")).record.id).toBe(id);
    expect(await refusal(users.authWithPassword(ANN, PASSWORD))).toEqual([400, {}]);
    const again = await refusal(users.confirmPasswordReset(reset, "a third one", "a third one"));
    expect(again).toEqual([400, { token: "validation_invalid_token" }]);
  });

  test("goes to nobody else, and to nobody twice in two minutes", async () => {
    await using app = await authApp();
    await app.signUp("Ann");
    const users = app.client().collection("users");
    for (const email of [ANN, "nobody@example.com", ANN]) await users.requestPasswordReset(email);
    expect(await app.mailCount()).toBe(1);
  });

  test("holds the password to the rules of its field", async () => {
    await using app = await authApp();
    await app.signUp("Ann");
    const users = app.client().collection("users");
    await users.requestPasswordReset(ANN);
    const token = tokenIn(await app.mail());
    const long = "x".repeat(80);
    const tooLong = await refusal(users.confirmPasswordReset(token, long, long));
    expect(tooLong).toEqual([400, { password: "validation_max_text_constraint" }]);
    expect((await app.client().collection("users").authWithPassword(ANN, PASSWORD)).token).not.toBe(
      "",
    );
  });

  test("does not go to the account of the set-up link", async () => {
    await using app = await authApp();
    const { Auth } = await import("../../src/features/auth/index.ts");
    await app.app.kernel.registry.service(Auth).setupToken(app.app.context());
    await app.client().collection("_superusers").requestPasswordReset("__pbinstaller@example.com");
    expect(await app.mailCount()).toBe(0);
  });
});

describe("a change of address", () => {
  test("is confirmed from the new address, with the password", async () => {
    await using app = await authApp();
    const { id, token } = await app.signUp("Ann");
    const client = app.client();
    const users = client.collection("users");
    await users.authWithPassword(ANN, PASSWORD);
    await users.requestEmailChange("new@example.com");
    const mail = await app.mail();
    expect(mail.to).toBe("new@example.com");
    const change = tokenIn(mail);
    const wrong = await refusal(users.confirmEmailChange(change, "wrong"));
    expect(wrong).toEqual([400, { password: "validation_invalid_password" }]);
    await users.confirmEmailChange(change, PASSWORD);
    expect(client.authStore.isValid).toBe(false);
    const [row] = await app.rows("users");
    expect([row?.id, row?.email, row?.verified]).toEqual([id, "new@example.com", 1]);
    expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(401);
  });

  test("is refused to an address that is taken by then", async () => {
    await using app = await authApp();
    await app.signUp("Ann");
    const users = app.client().collection("users");
    await users.authWithPassword(ANN, PASSWORD);
    await users.requestEmailChange("bob@example.com");
    const change = tokenIn(await app.mail());
    await app.signUp("Bob");
    expect(await refusal(users.confirmEmailChange(change, PASSWORD))).toEqual([
      400,
      { token: "validation_existing_token_email", password: "validation_invalid_password" },
    ]);
  });

  test("tells nothing of addresses to who has no valid token", async () => {
    await using app = await authApp();
    const { id } = await app.signUp("Ann");
    const users = app.client().collection("users");
    const claims = { id, collectionId: "_pb_users_auth_", type: "emailChange", exp: 9e9 };
    for (const newEmail of [ANN, "free@example.com"]) {
      const parts = [
        { alg: "HS256", typ: "JWT" },
        { ...claims, newEmail },
      ];
      const unsigned = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
      const answer = await refusal(users.confirmEmailChange(`${unsigned.join(".")}.AAAA`, "x"));
      expect(answer[1].token).toBe("validation_invalid_token");
    }
  });
});
