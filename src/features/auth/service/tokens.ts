/**
 * JSON Web Tokens (RFC 7519, HS256) of auth records. The signing key is the record's tokenKey and
 * the collection's secret in a row, so that changing either revokes what it signed.
 */

import { decodeJwt, errors, jwtVerify, SignJWT } from "jose";
import type { Clock } from "../../../base/clock.ts";
import type { Collection, RecordData } from "../../records/index.ts";

export interface TokenClaims {
  readonly id: string;
  readonly collectionId: string;
  readonly type: string;
  readonly refreshable: boolean;
  /** Seconds since the epoch. */
  readonly exp: number;
}

interface TokenSettings {
  readonly secret: string;
  readonly duration: number;
}

export interface IssueOptions {
  /** Seconds; the collection's duration by default. */
  readonly seconds?: number;
  readonly refreshable?: boolean;
}

export function issueAuthToken(
  collection: Collection,
  record: RecordData,
  options: IssueOptions & { readonly clock: Clock },
): Promise<string> {
  const { duration } = settings(collection);
  const seconds = options.seconds ?? duration;
  return new SignJWT({
    collectionId: collection.id,
    exp: Math.floor(options.clock.now() / 1000) + seconds,
    id: record.id,
    refreshable: options.refreshable ?? true,
    type: "auth",
  })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(signingKey(collection, record));
}

/** The claims as the token states them, not verified: enough to find whose key verifies it. */
export function readClaims(token: string): TokenClaims | undefined {
  try {
    const { id, collectionId, type, refreshable, exp } = decodeJwt(token);
    if (typeof id !== "string" || typeof collectionId !== "string") return undefined;
    if (typeof type !== "string" || typeof exp !== "number") return undefined;
    return { id, collectionId, type, refreshable: refreshable === true, exp };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

export async function verifyAuthToken(
  token: string,
  collection: Collection,
  options: { readonly record: RecordData; readonly clock: Clock },
): Promise<boolean> {
  try {
    await jwtVerify(token, signingKey(collection, options.record), {
      algorithms: ["HS256"],
      currentDate: new Date(options.clock.now()),
    });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

function signingKey(collection: Collection, record: RecordData): Uint8Array {
  return new TextEncoder().encode(String(record.tokenKey) + settings(collection).secret);
}

function settings(collection: Collection): TokenSettings {
  return collection.options.authToken as TokenSettings;
}
