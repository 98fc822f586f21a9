/** Users out of id_tokens (OpenID Connect Core 1.0, section 3.1.3.7). */

import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from "jose";
import { fail } from "../../../../base/errors.ts";
import type { OAuth2Client, ProviderToken } from "../../../../infra/oauth2/client.ts";
import type { ConfiguredProvider } from "./configuration.ts";
import { at, type Raw, textAt } from "./definition.ts";

/** How far the provider's clock may be from ours. */
const LEEWAY_SECONDS = 300;

/**
 * The token's claims, after a check of times, audience and, where it is known, issuer. The
 * signature is checked where a key set is known; the token came from the provider itself over TLS.
 * Error: 400 `oauth2_user`.
 */
export async function idTokenClaims(
  client: OAuth2Client,
  provider: ConfiguredProvider,
  { token, now }: { readonly token: ProviderToken; readonly now: number },
): Promise<Raw> {
  const text = textAt(token.raw, "id_token");
  const { idToken } = provider.definition;
  const jwksURL = idToken?.jwksURL ?? textAt(provider.extra, "jwksURL");
  try {
    const claims = decodeJwt(text);
    checkTimes(claims, { seconds: now / 1000, expires: idToken?.expires === true });
    checkParties(claims, provider);
    if (jwksURL !== "") {
      const { value } = await client.json({ url: jwksURL });
      if (!isKeySet(value)) throw new Error("the key set has no keys");
      await jwtVerify(text, createLocalJWKSet(value), {
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(now),
      });
    }
    return claims;
  } catch (cause) {
    throw fail.invalid("oauth2_user", "Failed to fetch OAuth2 user.", { cause });
  }
}

function checkTimes(
  { exp, nbf, iat }: { readonly exp?: number; readonly nbf?: number; readonly iat?: number },
  { seconds, expires }: { readonly seconds: number; readonly expires: boolean },
): void {
  if (exp === undefined ? expires : exp + LEEWAY_SECONDS < seconds) {
    throw new Error("the id_token has expired");
  }
  if (Math.max(nbf ?? 0, iat ?? 0) - LEEWAY_SECONDS > seconds) {
    throw new Error("the id_token is not valid yet");
  }
}

function checkParties(
  { aud, iss }: { readonly aud?: string | string[]; readonly iss?: string },
  { clientId, definition, extra }: ConfiguredProvider,
): void {
  if (![aud].flat().includes(clientId)) throw new Error("the id_token is for somebody else");
  const configured = at(extra, "issuers");
  const issuers = definition.idToken?.issuer
    ? [definition.idToken.issuer]
    : [configured].flat().filter((issuer) => typeof issuer === "string" && issuer !== "");
  if (issuers.length > 0 && !issuers.includes(iss)) throw new Error("the id_token is by another");
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return Array.isArray(at(value, "keys"));
}
