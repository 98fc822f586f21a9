/**
 * JSON Web Tokens (RFC 7519, HS256) of auth records. The signing key is the record's tokenKey and
 * the secret that the collection has for the type, in a row, so that changing either revokes what
 * it signed. Signed here with the runtime's own HMAC: every request with a token is verified.
 */

import { createHmac, timingSafeEqual } from "node:crypto";

export type TokenType = "auth" | "emailChange" | "file" | "passwordReset" | "verification";

export interface TokenClaims {
  readonly id: string;
  readonly collectionId: string;
  readonly type: string;
  readonly refreshable: boolean;
  /** Seconds since the epoch. */
  readonly exp: number;
  readonly email: string;
  readonly newEmail: string;
}

export type NewClaims = Pick<TokenClaims, "id" | "collectionId" | "exp"> & {
  readonly type: TokenType;
} & Partial<Pick<TokenClaims, "refreshable" | "email" | "newEmail">>;

/** `{"alg":"HS256","typ":"JWT"}` */
const HEADER = Buffer.from(JSON.stringify({ alg: "HS256", typ: "JWT" })).toString("base64url");
const TOKEN_CHARS_MAX = 8_192;

export function signToken(claims: NewClaims, key: string): string {
  const entries = Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1));
  const payload = Buffer.from(JSON.stringify(Object.fromEntries(entries))).toString("base64url");
  const signed = `${HEADER}.${payload}`;
  return `${signed}.${signature(signed, key).toString("base64url")}`;
}

/** The claims as the token states them, not verified: enough to find whose key verifies it. */
export function readClaims(token: string): TokenClaims | undefined {
  const parts = token.split(".");
  if (parts.length !== 3 || token.length > TOKEN_CHARS_MAX) return undefined;
  const header = readPart(parts[0]);
  const claims = readPart(parts[1]);
  if (header?.alg !== "HS256" || !claims) return undefined;
  const { id, collectionId, type, exp, refreshable } = claims;
  if (typeof id !== "string" || typeof collectionId !== "string") return undefined;
  if (typeof type !== "string" || typeof exp !== "number") return undefined;
  const [email, newEmail] = [text(claims.email), text(claims.newEmail)];
  return { id, collectionId, type, refreshable: refreshable === true, exp, email, newEmail };
}

/** Whether the key signed it and its time is not up. `now`: milliseconds since the epoch. */
export function isGenuine(
  token: string,
  { key, exp, now }: { readonly key: string; readonly exp: number; readonly now: number },
): boolean {
  const end = token.lastIndexOf(".");
  const given = Buffer.from(token.slice(end + 1), "base64url");
  const expected = signature(token.slice(0, end), key);
  // The text counts too: base64url has several texts for the same bytes.
  if (given.toString("base64url") !== token.slice(end + 1)) return false;
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
  return exp * 1000 > now;
}

function signature(signed: string, key: string): Buffer {
  return createHmac("sha256", key).update(signed).digest();
}

function readPart(part: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? "", "base64url").toString());
    return typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    // What is no JSON is no token.
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
