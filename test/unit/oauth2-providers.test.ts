/** What identity providers' answers become, as far as they differ; nothing leaves the machine. */

import { expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import {
  authorizationUrl,
  configuredProvider,
} from "../../src/features/auth/service/oauth2/configuration.ts";
import { knownProviders } from "../../src/features/auth/service/oauth2/providers.ts";
import { fetchUser } from "../../src/features/auth/service/oauth2/user.ts";
import {
  isProvider,
  providerNames,
} from "../../src/features/records/service/collections/providers.ts";
import { OAuth2Client } from "../../src/infra/oauth2/client.ts";

type Json = Readonly<Record<string, unknown>>;

/** Only their operators know where these are. */
const OWN_ADDRESSES = new Set(["mailcow", "oidc", "oidc2", "oidc3"]);

function configured(name: string) {
  const provider = configuredProvider({
    name,
    clientId: "us",
    clientSecret: "secret",
    authURL: "",
    tokenURL: OWN_ADDRESSES.has(name) ? "https://own.test/token" : "",
    userInfoURL: OWN_ADDRESSES.has(name) ? "https://own.test/user" : "",
    displayName: "",
    pkce: null,
    extra: null,
  });
  if (!provider) throw new Error(`no provider ${name}`);
  return provider;
}

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

/** Signs in where the token is `token` and each further request gets the next answer. */
async function userOf(name: string, answers: readonly (Json | Json[])[], token: Json = {}) {
  const sent: Sent[] = [];
  const client = new OAuth2Client(new FakeClock(), async (url, init) => {
    sent.push({ url, init });
    if (sent.length === 1) return Response.json({ access_token: "t", ...token });
    return Response.json(answers[sent.length - 2] ?? {}, {
      status: answers[sent.length - 2] ? 200 : 403,
    });
  });
  const exchange = { code: "c", redirectURL: "https://a.test", codeVerifier: "v", now: 0 };
  const { raw: _, token: __, ...user } = await fetchUser(client, configured(name), exchange);
  return { user, sent };
}

const GITHUB = { id: 7, login: "ann", name: "Ann", email: null, avatar_url: "https://a.test/p" };

type Row = readonly [name: string, answers: readonly (Json | Json[])[], user: Json, token?: Json];

const ROWS: readonly Row[] = [
  [
    "github",
    [
      GITHUB,
      [
        { email: "x@x.co", verified: true },
        { email: "a@x.co", verified: true, primary: true },
      ],
    ],
    { id: "7", name: "Ann", username: "ann", email: "a@x.co", avatarURL: "https://a.test/p" },
  ],
  ["github", [GITHUB], { id: "7", email: "" }],
  ["google", [{ sub: "1", email: "a@x.co", email_verified: false }], { id: "1", email: "" }],
  ["google", [{ sub: "1", email: "a@x.co", email_verified: true }], { id: "1", email: "a@x.co" }],
  ["oidc", [{ sub: "1", email: "a@x.co", email_verified: "true" }], { id: "1", email: "a@x.co" }],
  [
    "discord",
    [
      {
        id: "9",
        username: "ann",
        discriminator: "0042",
        avatar: "hash",
        email: "a@x.co",
        verified: true,
      },
    ],
    {
      id: "9",
      name: "ann#0042",
      username: "ann",
      email: "a@x.co",
      avatarURL: "https://cdn.discordapp.com/avatars/9/hash.png",
    },
  ],
  [
    "facebook",
    [{ id: "1", name: "Ann", email: "a@x.co", picture: { data: { url: "https://p" } } }],
    { id: "1", name: "Ann", username: "", email: "a@x.co", avatarURL: "https://p" },
  ],
  [
    "bitbucket",
    [
      {
        uuid: "{1}",
        display_name: "Ann",
        account_status: "active",
        links: { avatar: { href: "h" } },
      },
      { values: [{ email: "b@x.co" }, { email: "a@x.co", is_primary: true }] },
    ],
    { id: "{1}", name: "Ann", email: "a@x.co", avatarURL: "h" },
  ],
  [
    "gitee",
    [
      { id: 3, login: "ann", email: "no address" },
      [{ email: "a@x.co", state: "confirmed", scope: ["primary"] }],
    ],
    { id: "3", username: "ann", email: "a@x.co" },
  ],
  ["gitee", [{ id: 3, email: "b@x.co" }], { id: "3", email: "b@x.co" }],
  [
    "kakao",
    [
      {
        id: 5,
        properties: { nickname: "ann", profile_image: "p" },
        kakao_account: { email: "a@x.co", is_email_valid: true, is_email_verified: false },
      },
    ],
    { id: "5", username: "ann", email: "", avatarURL: "p" },
  ],
  [
    "linear",
    [
      {
        data: {
          viewer: { id: "1", displayName: "ann", name: "Ann", email: "a@x.co", active: true },
        },
      },
    ],
    { id: "1", name: "Ann", username: "ann", email: "a@x.co" },
  ],
  [
    "mailcow",
    [{ id: "1", username: "ann@x.co", full_name: "Ann", email: "ann@x.co", active: 1 }],
    { id: "1", name: "Ann", username: "ann", email: "ann@x.co" },
  ],
  ["strava", [{ id: 8, firstname: "Ann", lastname: "Bee" }], { id: "8", name: "Ann Bee" }],
  [
    "twitch",
    [{ data: [{ id: "4", login: "ann", display_name: "Ann", email: "a@x.co" }] }],
    { id: "4", name: "Ann", username: "ann", email: "a@x.co" },
  ],
  [
    "vk",
    [{ response: [{ id: 6, first_name: "Ann", last_name: "", screen_name: "ann" }] }],
    { id: "6", name: "Ann", username: "ann", email: "a@x.co" },
    { email: "a@x.co" },
  ],
  [
    "wakatime",
    [
      {
        data: {
          id: "1",
          photo: "p",
          photo_public: false,
          email: "a@x.co",
          is_email_confirmed: true,
        },
      },
    ],
    { id: "1", email: "a@x.co", avatarURL: "" },
  ],
  [
    "yandex",
    [{ id: "1", login: "ann", default_avatar_id: "77", is_avatar_empty: false }],
    { id: "1", avatarURL: "https://avatars.yandex.net/get-yapic/77/islands-200" },
  ],
  [
    "spotify",
    [{ id: "1", display_name: "Ann", images: [{ url: "p" }] }],
    { name: "Ann", avatarURL: "p" },
  ],
];

for (const [index, [name, answers, expected, token]] of ROWS.entries()) {
  test(`${name} ${index}: an answer becomes a user`, async () => {
    const { user } = await userOf(name, answers, token);
    expect(user).toMatchObject(expected);
  });
}

const REFUSED: readonly (readonly [name: string, answer: Json])[] = [
  ["bitbucket", { uuid: "1", account_status: "inactive" }],
  ["box", { id: "1", status: "inactive" }],
  ["linear", { data: { viewer: { id: "1", active: false } } }],
  ["mailcow", { id: "1", active: 0 }],
  ["monday", { data: { me: { id: "1", enabled: false } } }],
  ["planningcenter", { data: { id: "1", attributes: { status: "inactive" } } }],
  ["twitch", { data: [] }],
  ["github", { login: "nobody" }],
];

for (const [name, answer] of REFUSED) {
  test(`${name}: ${JSON.stringify(answer)} is nobody`, async () => {
    const attempt = userOf(name, [answer]);
    await expect(attempt).rejects.toBeInstanceOf(AppError);
    await expect(attempt).rejects.toMatchObject({ code: "oauth2_user", status: 400 });
  });
}

test("requests carry what their provider wants of them", async () => {
  const headersOf = async (name: string, answer: Json) => {
    const { sent } = await userOf(name, [answer]);
    return new Headers(sent[1]?.init.headers);
  };
  const twitch = await headersOf("twitch", { data: [{ id: "1" }] });
  expect([twitch.get("client-id"), twitch.get("authorization")]).toEqual(["us", "Bearer t"]);
  const notion = await headersOf("notion", { bot: { owner: { user: { id: "1" } } } });
  expect(notion.get("notion-version")).toBe("2022-06-28");
  const { sent } = await userOf("monday", [{ data: { me: { id: "1", enabled: true } } }]);
  expect(sent[1]?.init.method).toBe("POST");
  expect(JSON.parse(String(sent[1]?.init.body)).query).toContain("me {");
});

test("a verifier goes only to providers with PKCE", async () => {
  const verifier = async (name: string, answer: Json) => {
    const { sent } = await userOf(name, [answer]);
    return new URLSearchParams(String(sent[0]?.init.body)).get("code_verifier");
  };
  expect(await verifier("google", { sub: "1" })).toBe("v");
  expect(await verifier("vk", { response: [{ id: 1 }] })).toBeNull();
});

test("every provider that collections may name is known, with addresses over TLS", () => {
  expect(knownProviders()).toEqual(providerNames().map(({ name }) => name));
  expect(knownProviders().every(isProvider)).toBe(true);
  for (const name of knownProviders()) {
    if (OWN_ADDRESSES.has(name)) continue;
    const { authURL, tokenURL, userInfoURL } = configured(name);
    const addresses = name === "apple" ? [authURL, tokenURL] : [authURL, tokenURL, userInfoURL];
    for (const address of addresses) expect(address).toStartWith("https://");
    expect(new URL(authURL).hostname).toContain(".");
  }
});

test("Apple is asked to answer with a form", () => {
  const url = authorizationUrl(configured("apple"), { state: "s", codeChallenge: "c" });
  expect(url).toBe(
    "https://appleid.apple.com/auth/authorize?client_id=us&code_challenge=c&code_challenge_method=S256&response_mode=form_post&response_type=code&scope=name+email&state=s&redirect_uri=",
  );
});
