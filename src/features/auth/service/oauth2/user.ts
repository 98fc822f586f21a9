/** The user behind a code: token, answer, and what of it counts. */

import { fail } from "../../../../base/errors.ts";
import type { OAuth2Client, ProviderToken } from "../../../../infra/oauth2/client.ts";
import type { ConfiguredProvider } from "./configuration.ts";
import { at, isTrue, type MappedUser, type Raw, textAt } from "./definition.ts";
import { idTokenClaims } from "./id-token.ts";

export interface ExternalUser extends MappedUser {
  readonly raw: Raw;
  readonly token: ProviderToken;
}

export interface CodeExchange {
  readonly code: string;
  readonly redirectURL: string;
  readonly codeVerifier: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Errors: 400 `oauth2_token`, `oauth2_unreachable`, `oauth2_user`. */
export async function fetchUser(
  client: OAuth2Client,
  provider: ConfiguredProvider,
  { code, redirectURL, codeVerifier, now }: CodeExchange,
): Promise<ExternalUser> {
  const { tokenURL, clientId, clientSecret } = provider;
  const token = await client.exchange({
    tokenURL,
    clientId,
    clientSecret,
    code,
    redirectURL,
    codeVerifier: provider.pkce ? codeVerifier : undefined,
  });
  const { idToken } = provider.definition;
  const fromToken =
    idToken?.use === "always" || (idToken !== undefined && provider.userInfoURL === "");
  const raw = fromToken
    ? await idTokenClaims(client, provider, { token, now })
    : await userInfo(client, provider, token);
  const user = await withEmail(client, provider, { user: mapUser(provider, raw, token), token });
  if (user.id === "") throw refused("the provider names no user");
  return { ...user, raw, token };
}

async function userInfo(
  client: OAuth2Client,
  { definition, userInfoURL, clientId }: ConfiguredProvider,
  token: ProviderToken,
): Promise<Raw> {
  const { query } = definition;
  const { status, value } = await client.json({
    url: userInfoURL,
    token,
    headers: {
      ...definition.headers?.(clientId),
      ...(query ? { "content-type": "application/json" } : {}),
    },
    ...(query ? { method: "POST" as const, body: JSON.stringify({ query }) } : {}),
  });
  if (status >= 400 || typeof value !== "object" || value === null) {
    throw refused(`the provider answered the user with ${status}`);
  }
  // Instagram tells what was agreed to with the token.
  const permissions = at(token.raw, "permissions");
  return permissions === undefined ? (value as Raw) : { permissions, ...value };
}

function mapUser({ definition }: ConfiguredProvider, raw: Raw, token: ProviderToken): MappedUser {
  const { user: paths, adjust } = definition;
  const { active } = paths;
  if (active && at(raw, active.path) !== active.is) throw refused("the user is not active");
  const vouched = (paths.emailIf ?? []).every((path) => isTrue(at(raw, path)));
  const user: MappedUser = {
    id: textAt(raw, paths.id),
    name: textAt(raw, paths.name),
    username: textAt(raw, paths.username),
    email: vouched ? textAt(raw, paths.email) : "",
    avatarURL: textAt(raw, paths.avatar),
  };
  return { ...user, ...adjust?.(user, raw, token) };
}

/** The address from where the provider keeps it, if the user let us look there. */
async function withEmail(
  client: OAuth2Client,
  { definition: { emailLookup }, userInfoURL }: ConfiguredProvider,
  { user, token }: { readonly user: MappedUser; readonly token: ProviderToken },
): Promise<MappedUser> {
  if (!emailLookup || user.email !== "") return user;
  const url = emailLookup.url.startsWith("/") ? userInfoURL + emailLookup.url : emailLookup.url;
  const { status, value } = await client.json({ url, token });
  return status >= 400 ? user : { ...user, email: emailLookup.pick(value) };
}

function refused(reason: string) {
  return fail.invalid("oauth2_user", "Failed to fetch OAuth2 user.", { cause: new Error(reason) });
}
