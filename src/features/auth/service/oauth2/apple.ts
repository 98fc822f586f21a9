/** The client secret that Apple wants: a token signed by the developer's key (RFC 7518, ES256). */

import { importPKCS8, SignJWT } from "jose";
import { fail } from "../../../../base/errors.ts";

export interface AppleClient {
  readonly clientId: string;
  /** Ten characters each. */
  readonly teamId: string;
  readonly keyId: string;
  /** PKCS #8 as PEM. */
  readonly privateKey: string;
  /** Seconds; Apple takes up to half a year. */
  readonly duration: number;
}

/** `now`: milliseconds since the epoch. Error: 400 `apple_secret_failed`. */
export async function appleClientSecret(client: AppleClient, now: number): Promise<string> {
  const seconds = Math.floor(now / 1000);
  try {
    const key = await importPKCS8(client.privateKey.trim(), "ES256");
    return await new SignJWT()
      .setProtectedHeader({ alg: "ES256", kid: client.keyId, typ: "JWT" })
      .setAudience("https://appleid.apple.com")
      .setSubject(client.clientId)
      .setIssuer(client.teamId)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + client.duration)
      .sign(key);
  } catch (cause) {
    throw fail.invalid("apple_secret_failed", "The private key cannot be used.", { cause });
  }
}
