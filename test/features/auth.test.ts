/** Accounts over HTTP: sign-up, sign-in, tokens and what revokes them, who sees and changes whom. */

import { describe, expect, test } from "bun:test";
import { type AppFixture, freshApp, PASSWORD } from "./app-fixture.ts";

const USERS = "/api/collections/users";
const SUPERUSERS = "/api/collections/_superusers";

const account = (extra: Record<string, unknown> = {}) => ({
  email: "ann@example.com",
  name: "Ann",
  password: PASSWORD,
  passwordConfirm: PASSWORD,
  ...extra,
});

function signIn(app: AppFixture, identity: string, password = PASSWORD) {
  return app.request("POST", `${USERS}/auth-with-password`, { body: { identity, password } });
}

describe("signing up", () => {
  const rows: readonly (readonly [string, unknown, Record<string, string>])[] = [
    ["nothing", {}, { password: "validation_required", passwordConfirm: "validation_required" }],
    [
      "no body",
      undefined,
      { password: "validation_required", passwordConfirm: "validation_required" },
    ],
    [
      "passwords that differ",
      account({ passwordConfirm: "other" }),
      { passwordConfirm: "validation_values_mismatch" },
    ],
    [
      "a short password",
      account({ password: "1234567", passwordConfirm: "1234567" }),
      { password: "validation_min_text_constraint" },
    ],
    [
      "a password longer than the hash looks at",
      account({ password: "x".repeat(72), passwordConfirm: "x".repeat(72) }),
      { password: "validation_max_text_constraint" },
    ],
    ["no email", account({ email: "" }), { email: "validation_required" }],
    ["no email address", account({ email: "ann" }), { email: "validation_is_email" }],
    [
      "verified by oneself",
      account({ verified: true }),
      { verified: "validation_values_mismatch" },
    ],
    ["a long name", account({ name: "x".repeat(256) }), { name: "validation_max_text_constraint" }],
  ];
  for (const [what, body, codes] of rows) {
    test(`is refused with ${what}`, async () => {
      await using app = await freshApp();
      const answer = await app.request("POST", `${USERS}/records`, { body });
      const found = Object.entries(answer.body.data as Record<string, { code: string }>);
      expect(answer.status).toBe(400);
      expect(Object.fromEntries(found.map(([field, { code }]) => [field, code]))).toEqual(codes);
      expect(Object.keys(answer.body).sort()).toEqual(["data", "message", "status"]);
    });
  }

  test("answers with the record, its secrets and its address left out", async () => {
    await using app = await freshApp();
    const answer = await app.request("POST", `${USERS}/records`, { body: account() });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      collectionId: "_pb_users_auth_",
      collectionName: "users",
      name: "Ann",
      verified: false,
      emailVisibility: false,
    });
    expect(answer.body.id).toMatch(/^[a-z0-9]{15}$/);
    expect(answer.body.created).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
    for (const hidden of ["password", "tokenKey", "email"]) {
      expect(answer.body).not.toHaveProperty(hidden);
    }
  });

  test("takes an address once, however many try at the same time", async () => {
    await using app = await freshApp();
    const attempts = Array.from({ length: 5 }, () =>
      app.request("POST", `${USERS}/records`, { body: account() }),
    );
    const answers = await Promise.all(attempts);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    const refused = answers.find(({ status }) => status === 400);
    expect(refused?.body.data.email.code).toBe("validation_not_unique");
  });
});

describe("signing in", () => {
  test("gives a token of the reference's form and the whole own record", async () => {
    await using app = await freshApp();
    const { id } = await app.signUp("Ann");
    const answer = await signIn(app, "ann@example.com");
    expect(answer.status).toBe(200);
    expect(answer.body.record).toMatchObject({ id, email: "ann@example.com" });
    const claims = JSON.parse(Buffer.from(answer.body.token.split(".")[1], "base64url").toString());
    expect(claims).toEqual({
      collectionId: "_pb_users_auth_",
      exp: Math.floor(app.clock.now() / 1000) + 604_800,
      id,
      refreshable: true,
      type: "auth",
    });
  });

  test("says the same of a wrong password and of nobody", async () => {
    await using app = await freshApp();
    await app.signUp("Ann");
    const wrong = await signIn(app, "ann@example.com", "wrong");
    const nobody = await signIn(app, "bob@example.com");
    expect(wrong.body).toEqual(nobody.body);
    expect([wrong.status, wrong.body.data]).toEqual([400, {}]);
  });

  test("is held up after ten failures of one identity, others are not", async () => {
    await using app = await freshApp();
    await app.signUp("Ann");
    await app.signUp("Bob");
    for (let i = 0; i < 10; i++) await signIn(app, "ann@example.com", "wrong");
    const held = await signIn(app, "ann@example.com");
    expect([held.status, held.headers.get("retry-after")]).toEqual([429, "6"]);
    expect((await signIn(app, "bob@example.com")).status).toBe(200);
    await app.clock.advance(6_000);
    expect((await signIn(app, "ann@example.com")).status).toBe(200);
  });

  test("is a 404 where there are no accounts", async () => {
    await using app = await freshApp();
    for (const name of ["nope", "rooms"]) {
      const body = { identity: "a@b.co", password: "x" };
      const path = `/api/collections/${name}/auth-with-password`;
      expect((await app.request("POST", path, { body })).status).toBe(404);
    }
  });
});

describe("a token", () => {
  test("is refreshed with its own collection, with and without Bearer", async () => {
    await using app = await freshApp();
    const { id, token } = await app.signUp("Ann");
    for (const given of [token, `Bearer ${token}`, `bearer ${token}`]) {
      const answer = await app.request("POST", `${USERS}/auth-refresh`, { token: given });
      expect([answer.status, answer.body.record.id]).toEqual([200, id]);
    }
    expect((await app.request("POST", `${SUPERUSERS}/auth-refresh`, { token })).status).toBe(403);
  });

  const bad: readonly (readonly [string, (token: string) => string])[] = [
    ["nonsense", () => "nonsense"],
    ["another signature", (token) => `${token.slice(0, -3)}abc`],
    ["no signature", (token) => `${token.split(".").slice(0, 2).join(".")}.`],
    ["the algorithm none", (token) => `eyJhbGciOiJub25lIn0.${token.split(".")[1]}.`],
  ];
  for (const [what, spoil] of bad) {
    test(`with ${what} is a guest to the records API and 401 to our own routes`, async () => {
      await using app = await freshApp();
      const token = spoil((await app.signUp("Ann")).token);
      expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(401);
      expect((await app.request("GET", "/api/health", { token })).status).toBe(200);
      const own = await app.request("GET", "/api/rooms", { token });
      expect([own.status, own.body.code]).toEqual([401, "invalid_token"]);
    });
  }

  test("ends when its time is up", async () => {
    await using app = await freshApp();
    const { token } = await app.signUp("Ann");
    await app.clock.advance(604_800_000);
    expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(401);
  });

  test("is revoked by a new password, which needs the old one", async () => {
    await using app = await freshApp();
    const { id, token } = await app.signUp("Ann");
    const change = (extra: object) =>
      app.request("PATCH", `${USERS}/records/${id}`, {
        token,
        body: { password: "another one", passwordConfirm: "another one", ...extra },
      });
    expect((await change({})).body.data.oldPassword.code).toBe("validation_required");
    expect((await change({ oldPassword: "wrong" })).body.data.oldPassword.code).toBe(
      "validation_invalid_old_password",
    );
    expect((await change({ oldPassword: PASSWORD })).status).toBe(200);
    expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(401);
    expect((await signIn(app, "ann@example.com", "another one")).status).toBe(200);
  });
});

describe("an account", () => {
  test("is its owner's: others see and change nothing", async () => {
    await using app = await freshApp();
    const ann = await app.signUp("Ann");
    const bob = await app.signUp("Bob");
    const path = `${USERS}/records/${ann.id}`;
    for (const token of [bob.token, undefined]) {
      expect((await app.request("GET", path, { token })).status).toBe(404);
      expect((await app.request("PATCH", path, { token, body: { name: "X" } })).status).toBe(404);
      expect((await app.request("DELETE", path, { token })).status).toBe(404);
    }
    const list = await app.request("GET", `${USERS}/records`, { token: ann.token });
    expect(list.body.items.map((item: { id: string }) => item.id)).toEqual([ann.id]);
    expect((await app.request("GET", `${USERS}/records`)).body.totalItems).toBe(0);
  });

  test("lets its owner change the name, not email and verified", async () => {
    await using app = await freshApp();
    const { id, token } = await app.signUp("Ann");
    const patch = (body: object) => app.request("PATCH", `${USERS}/records/${id}`, { token, body });
    expect((await patch({ name: "Anna" })).body.name).toBe("Anna");
    expect((await patch({ email: "x@example.com" })).body.data.email.code).toBe(
      "validation_values_mismatch",
    );
    expect((await patch({ verified: true })).body.data.verified.code).toBe(
      "validation_values_mismatch",
    );
  });

  test("is gone with its tokens after a delete", async () => {
    await using app = await freshApp();
    const { id, token } = await app.signUp("Ann");
    expect((await app.request("DELETE", `${USERS}/records/${id}`, { token })).status).toBe(204);
    expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(401);
    expect((await signIn(app, "ann@example.com")).status).toBe(400);
  });

  test("can be found and changed by a superuser", async () => {
    await using app = await freshApp();
    const { id } = await app.signUp("Ann");
    const token = await app.superuser();
    const found = await app.request("GET", "/api/accounts/users/lookup?identity=ann@example.com", {
      token,
    });
    expect([found.status, found.body.id]).toEqual([200, id]);
    const body = { email: "new@example.com", verified: true };
    const changed = await app.request("PATCH", `${USERS}/records/${id}`, { token, body });
    expect(changed.body).toMatchObject(body);
    const list = await app.request("GET", `${USERS}/records?perPage=1`, { token });
    expect(list.body).toMatchObject({ page: 1, perPage: 1, totalItems: 1, totalPages: 1 });
  });

  test("can be filtered for by those who may see it", async () => {
    await using app = await freshApp();
    await app.signUp("Ann");
    await app.signUp("Bob");
    const token = await app.superuser();
    const path = `${USERS}/records?filter=${encodeURIComponent("name = 'Bob'")}`;
    expect((await app.request("GET", path, { token })).body.totalItems).toBe(1);
    expect((await app.request("GET", path)).body.totalItems).toBe(0);
  });
});

describe("superusers", () => {
  test("are locked to themselves", async () => {
    await using app = await freshApp();
    const { token } = await app.signUp("Ann");
    for (const given of [token, undefined]) {
      expect((await app.request("GET", `${SUPERUSERS}/records`, { token: given })).status).toBe(
        403,
      );
      const made = await app.request("POST", `${SUPERUSERS}/records`, {
        token: given,
        body: account(),
      });
      expect(made.status).toBe(403);
    }
  });

  test("the first is made with the set-up token, which works no more after it", async () => {
    await using app = await freshApp();
    const { Auth } = await import("../../src/features/auth/index.ts");
    const auth = app.app.kernel.registry.service(Auth);
    const context = app.app.context();
    expect(await auth.hasSuperuser(context)).toBe(false);
    const token = await auth.setupToken(context);
    expect(await auth.hasSuperuser(context)).toBe(false);
    const make = () => app.request("POST", `${SUPERUSERS}/records`, { token, body: account() });
    expect((await make()).status).toBe(200);
    expect(await auth.hasSuperuser(context)).toBe(true);
    expect((await make()).status).toBe(403);
  });

  test("a set-up token is good for half an hour", async () => {
    await using app = await freshApp();
    const { Auth } = await import("../../src/features/auth/index.ts");
    const token = await app.app.kernel.registry.service(Auth).setupToken(app.app.context());
    await app.clock.advance(1_800_000);
    const answer = await app.request("POST", `${SUPERUSERS}/records`, { token, body: account() });
    expect(answer.status).toBe(403);
  });

  test("the last one stays", async () => {
    await using app = await freshApp();
    const token = await app.superuser();
    const list = await app.request("GET", `${SUPERUSERS}/records`, { token });
    const path = `${SUPERUSERS}/records/${list.body.items[0].id}`;
    expect((await app.request("DELETE", path, { token })).status).toBe(400);
    expect((await app.request("GET", path, { token })).status).toBe(200);
  });
});
