/** Signing in with accounts elsewhere, against a provider that checks what it is told. */

import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { OAuth2Redirect } from "../../src/features/auth/service/oauth2/redirect.ts";
import { type AuthFixture, authApp, PASSWORD, refusal, USERS } from "./auth-fixture.ts";
import { CLIENT, type Claims, OidcProvider } from "./oidc-provider.ts";
import { Listener } from "./realtime-fixture.ts";

const BACK = "https://app.example/back";
const ANN = { sub: "ann-1", name: "Ann", email: "ann@example.com", email_verified: true };

interface Options {
  readonly provider?: Claims;
  readonly oauth2?: Claims;
  readonly collection?: Claims;
}

async function connected(options: Options = {}): Promise<AuthFixture & { oidc: OidcProvider }> {
  const app = await authApp();
  const oidc = new OidcProvider();
  oidc.user = ANN;
  const provider = {
    name: "oidc",
    ...CLIENT,
    authURL: `${oidc.url}/authorize`,
    tokenURL: `${oidc.url}/token`,
    userInfoURL: `${oidc.url}/userinfo`,
    ...options.provider,
  };
  const oauth2 = { enabled: true, providers: [provider], ...options.oauth2 };
  await app.configure("users", { authAlert: { enabled: false }, oauth2, ...options.collection });
  const close = app[Symbol.asyncDispose];
  return {
    ...app,
    oidc,
    async [Symbol.asyncDispose]() {
      await oidc[Symbol.asyncDispose]();
      await close();
    },
  };
}

type Connected = Awaited<ReturnType<typeof connected>>;

/** From the list of providers to the code that came back. */
async function consent(app: Connected, user: Claims = app.oidc.user) {
  app.oidc.user = user;
  const [provider] = (await app.client().collection("users").listAuthMethods()).oauth2.providers;
  if (!provider) throw new Error("no provider");
  const { code, state } = await app.oidc.consent(provider.authURL, BACK);
  expect(state).toBe(provider.state);
  return { code, verifier: provider.codeVerifier };
}

async function signIn(
  app: Connected,
  user?: Claims,
  createData: Claims = {},
  client = app.client(),
) {
  const { code, verifier } = await consent(app, user);
  return client.collection("users").authWithOAuth2Code("oidc", code, verifier, BACK, createData);
}

describe("a new account", () => {
  test("is made of the provider's data and is the same the next time", async () => {
    await using app = await connected();
    const { record, meta, token } = await signIn(app, {
      ...ANN,
      picture: `${app.oidc.url}/picture.png`,
    });
    expect(record).toMatchObject({ name: "Ann", email: ANN.email, verified: true });
    expect(meta).toMatchObject({
      id: "ann-1",
      name: "Ann",
      email: ANN.email,
      isNew: true,
      refreshToken: "again",
      expiry: "2024-01-10 13:00:00.000Z",
      avatarUrl: `${app.oidc.url}/picture.png`,
    });
    expect(meta?.rawUser).toMatchObject(ANN);
    expect(record.avatar).toMatch(/^picture_[a-z0-9]{10}\.png$/);
    expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(200);
    const again = await signIn(app, { sub: "ann-1" });
    expect([again.record.id, again.meta?.isNew]).toEqual([record.id, false]);
  });

  test("takes what the client sends before what the provider says", async () => {
    await using app = await connected({ oauth2: { mappedFields: { id: "name" } } });
    const { record } = await signIn(app, ANN, { name: "Anna", email: "other@example.com" });
    expect(record).toMatchObject({ name: "Anna", email: "other@example.com", verified: false });
  });

  test("is made as far as the collection's rule lets it be", async () => {
    const createRule = "@request.context = 'oauth2' && @request.body.name = 'Ann'";
    await using app = await connected({ collection: { createRule } });
    expect(await refusal(signIn(app, { ...ANN, name: "Bob" }))).toEqual([400, {}]);
    expect(await app.rows("_externalAuths")).toEqual([]);
    expect((await signIn(app, ANN)).record.name).toBe("Ann");
  });

  test("needs an address that the provider vouches for", async () => {
    await using app = await connected();
    const unverified = { ...ANN, email_verified: false };
    expect(await refusal(signIn(app, unverified))).toEqual([400, { email: "validation_required" }]);
  });

  test("comes without a picture that cannot be had", async () => {
    await using app = await connected();
    const { record } = await signIn(app, { ...ANN, picture: `${app.oidc.url}/nothing` });
    expect(record.avatar).toBe("");
  });

  test("has a password that nobody knows, whatever the field asks of one", async () => {
    await using app = await connected();
    const users = await app.client();
    await users.collection("_superusers").authWithPassword("root@example.com", PASSWORD);
    const { fields } = await users.collections.getOne("users");
    const strict = fields.map((field) =>
      field.name === "password" ? { ...field, pattern: "^!+$" } : field,
    );
    await app.configure("users", { fields: strict });
    expect((await signIn(app)).meta?.isNew).toBe(true);
  });
});

describe("an account that is there", () => {
  test("is linked by its verified address and keeps its password", async () => {
    await using app = await connected();
    const { id } = await app.signUp("Ann");
    await app.app.call("records.update", { collection: "users", id, body: { verified: true } });
    const { record, meta } = await signIn(app);
    expect([record.id, meta?.isNew]).toEqual([id, false]);
    const users = app.client().collection("users");
    expect((await users.authWithPassword(ANN.email, PASSWORD)).record.id).toBe(id);
  });

  test("loses password and sessions where its address was not verified", async () => {
    await using app = await connected();
    const { id, token } = await app.signUp("Ann");
    expect((await signIn(app)).record).toMatchObject({ id, verified: true });
    expect((await app.request("POST", `${USERS}/auth-refresh`, { token })).status).toBe(401);
    const users = app.client().collection("users");
    expect(await refusal(users.authWithPassword(ANN.email, PASSWORD))).toEqual([400, {}]);
  });

  test("is the caller's own before it is the address's", async () => {
    await using app = await connected();
    await app.signUp("Ann");
    const { id } = await app.signUp("Bob");
    const client = app.client();
    await client.collection("users").authWithPassword("bob@example.com", PASSWORD);
    expect((await signIn(app, ANN, {}, client)).record.id).toBe(id);
    const [external] = await client.collection("_externalAuths").getFullList();
    expect(external).toMatchObject({ recordRef: id, provider: "oidc", providerId: "ann-1" });
  });

  test("is unlinked by its owner, and linked no more", async () => {
    await using app = await connected();
    const client = app.client();
    const { record } = await signIn(app, ANN, {}, client);
    await client.collection("users").unlinkExternalAuth(record.id, "oidc");
    expect(await app.rows("_externalAuths")).toEqual([]);
  });

  test("takes its links with it", async () => {
    await using app = await connected();
    const { record } = await signIn(app);
    await app.app.call("records.delete", { collection: "users", id: record.id });
    expect(await app.rows("_externalAuths")).toEqual([]);
    expect((await signIn(app)).meta?.isNew).toBe(true);
  });
});

describe("a code", () => {
  test("counts only with the verifier of its challenge", async () => {
    await using app = await connected();
    const { code } = await consent(app);
    const users = app.client().collection("users");
    const other = users.authWithOAuth2Code("oidc", code, "another verifier", BACK);
    expect(await refusal(other)).toEqual([400, {}]);
  });

  test("counts once, and for the address it was asked for", async () => {
    await using app = await connected();
    const users = app.client().collection("users");
    const first = await consent(app);
    await users.authWithOAuth2Code("oidc", first.code, first.verifier, BACK);
    const again = users.authWithOAuth2Code("oidc", first.code, first.verifier, BACK);
    expect(await refusal(again)).toEqual([400, {}]);
    const second = await consent(app);
    const elsewhere = users.authWithOAuth2Code("oidc", second.code, second.verifier, `${BACK}/2`);
    expect(await refusal(elsewhere)).toEqual([400, {}]);
  });

  const forms: readonly (readonly [string, Claims, Readonly<Record<string, string>>])[] = [
    [
      "with nothing",
      {},
      {
        provider: "validation_required",
        code: "validation_required",
        redirectURL: "validation_required",
      },
    ],
    [
      "of a provider that is not set up",
      { provider: "google", code: "x", redirectURL: BACK },
      { provider: "validation_invalid_provider" },
    ],
    ["with a wrong type", { provider: 5 }, {}],
    [
      "with data that is none",
      { provider: "oidc", code: "x", redirectURL: BACK, createData: [] },
      {},
    ],
  ];
  for (const [what, body, data] of forms) {
    test(`${what} is refused`, async () => {
      await using app = await connected();
      const answer = await app.request("POST", `${USERS}/auth-with-oauth2`, { body });
      const codes = Object.entries(answer.body.data as Record<string, { code: string }>);
      expect([answer.status, Object.fromEntries(codes.map(([n, { code }]) => [n, code]))]).toEqual([
        400,
        data,
      ]);
      expect(app.oidc.asked).toEqual([]);
    });
  }

  test("is exchanged by a secret in the form where the provider wants it there", async () => {
    await using app = await connected();
    app.oidc.secretIn = "form";
    expect((await signIn(app)).meta?.isNew).toBe(true);
    const before = app.oidc.asked.filter((path) => path === "/token").length;
    await signIn(app);
    expect(app.oidc.asked.filter((path) => path === "/token").length).toBe(before + 1);
  });

  test("leads nowhere when the provider's answer has no end", async () => {
    await using app = await connected();
    await app.configure("users", {
      oauth2: { providers: [{ name: "oidc", userInfoURL: `${app.oidc.url}/endless` }] },
    });
    expect(await refusal(signIn(app))).toEqual([400, {}]);
  });
});

describe("an id_token", () => {
  const NOW = Date.UTC(2024, 0, 10, 12) / 1000;
  const withKeys = { userInfoURL: "", extra: {} };

  test("stands for the user where no address of it is set", async () => {
    await using app = await connected({ provider: withKeys });
    app.oidc.idToken = { exp: NOW + 60, iat: NOW };
    expect((await signIn(app)).record.email).toBe(ANN.email);
    expect(app.oidc.asked).not.toContain("/userinfo");
  });

  const wrong: readonly (readonly [string, Claims])[] = [
    ["that has expired", { exp: NOW - 301 }],
    ["of the future", { iat: NOW + 301 }],
    ["for somebody else", { aud: "another" }],
  ];
  for (const [what, claims] of wrong) {
    test(`${what} is refused`, async () => {
      await using app = await connected({ provider: withKeys });
      app.oidc.idToken = claims;
      expect(await refusal(signIn(app))).toEqual([400, {}]);
    });
  }

  test("is held to issuer and key where these are known", async () => {
    await using app = await connected();
    const set = (extra: Claims) =>
      app.configure("users", {
        oauth2: { providers: [{ name: "oidc", ...withKeys, userInfoURL: "", extra }] },
      });
    const good = { issuers: [app.oidc.url], jwksURL: `${app.oidc.url}/keys` };
    await app.configure("users", { oauth2: { providers: [{ name: "oidc", userInfoURL: "" }] } });
    await set({ ...good, issuers: ["https://other.example"] });
    expect(await refusal(signIn(app))).toEqual([400, {}]);
    await using other = new OidcProvider();
    await set({ ...good, jwksURL: `${other.url}/keys` });
    expect(await refusal(signIn(app))).toEqual([400, {}]);
    await set(good);
    expect((await signIn(app)).meta?.isNew).toBe(true);
  });
});

describe("the page of providers' redirects", () => {
  test("is told of failure where nobody waits", async () => {
    await using app = await connected();
    const failure = "../_/#/auth/oauth2-redirect-failure";
    const got = await app.request("GET", "/api/oauth2-redirect?state=nobody&code=x");
    expect([got.status, got.headers.get("location")]).toEqual([307, failure]);
    const posted = await app.request("POST", "/api/oauth2-redirect", {
      body: "state=nobody&code=1",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect([posted.status, posted.headers.get("location")]).toEqual([303, failure]);
  });

  test("hands code and state to the realtime client that waits, once", async () => {
    await using app = await connected();
    const waiting = await Listener.open(app);
    await waiting.subscribe(["@oauth2"]);
    const state = waiting.clientId;
    const path = `/api/oauth2-redirect?state=${state}&code=abc`;
    const success = "../_/#/auth/oauth2-redirect-success";
    expect((await app.request("GET", path)).headers.get("location")).toBe(success);
    const [told] = await waiting.take();
    expect([told?.event, told?.data]).toEqual(["@oauth2", { state, code: "abc" }]);
    const failure = "../_/#/auth/oauth2-redirect-failure";
    expect((await app.request("GET", path)).headers.get("location")).toBe(failure);
    expect(await waiting.take()).toEqual([]);
  });

  test("hands on why the provider refused", async () => {
    await using app = await connected();
    const waiting = await Listener.open(app);
    await waiting.subscribe(["@oauth2"]);
    const state = waiting.clientId;
    const path = `/api/oauth2-redirect?state=${state}&error=access_denied`;
    const refused = await app.request("GET", path);
    expect(refused.headers.get("location")).toBe("../_/#/auth/oauth2-redirect-failure");
    const [told] = await waiting.take();
    expect(told?.data).toEqual({ state, code: "", error: "access_denied" });
  });

  test("keeps the name that Apple sends with it for the sign-in that follows", async () => {
    const clock = new FakeClock();
    const redirect = new OAuth2Redirect(clock, { deliverOnce: () => true });
    await using app = await authApp();
    const user = JSON.stringify({ name: { firstName: "Ann", lastName: "Bee" }, email: "a@x.co" });
    const receive = (code: string) => {
      redirect.receive(app.app.context(), { state: "client", code, user });
    };
    receive("1");
    expect([redirect.takeName("1"), redirect.takeName("1")]).toEqual(["Ann Bee", ""]);
    receive("2");
    await clock.advance(60_000);
    expect(redirect.takeName("2")).toBe("");
  });
});

describe("the list of ways to sign in", () => {
  test("has for each provider an address that the client completes", async () => {
    await using app = await connected({ provider: { displayName: "Ours" } });
    const { oauth2 } = await app.client().collection("users").listAuthMethods();
    expect(oauth2.providers).toHaveLength(1);
    const [provider] = oauth2.providers;
    const { name, displayName, codeChallengeMethod, state, codeVerifier } = provider ?? {};
    expect([name, displayName, codeChallengeMethod]).toEqual(["oidc", "Ours", "S256"]);
    expect([state?.length, codeVerifier?.length]).toEqual([30, 43]);
    const url = new URL(provider?.authURL ?? "");
    expect(provider?.authURL).toEndWith("&redirect_uri=");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: CLIENT.clientId,
      code_challenge: provider?.codeChallenge ?? "",
      code_challenge_method: "S256",
      redirect_uri: "",
      response_type: "code",
      scope: "openid email profile",
      state: state ?? "",
    });
  });

  test("is empty where none is on", async () => {
    await using app = await connected({ oauth2: { enabled: false } });
    const answer = await app.request("GET", `${USERS}/auth-methods`);
    expect(answer.body).toEqual({
      password: { enabled: true, identityFields: ["email"] },
      oauth2: { enabled: false, providers: [] },
      mfa: { enabled: false, duration: 0 },
      otp: { enabled: false, duration: 0 },
      authProviders: null,
      usernamePassword: false,
      emailPassword: true,
    });
    const refused = await app.request("POST", `${USERS}/auth-with-oauth2`, { body: {} });
    expect(refused.status).toBe(403);
  });
});
