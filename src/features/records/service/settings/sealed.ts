/**
 * Settings at rest under a key: AES-256-GCM, stored as base64 of nonce, ciphertext and tag, which
 * is what a PocketBase data directory holds, so that either server opens what the other wrote.
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Ids } from "../../../../base/ids.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WORD = 2 ** 32;

/** `key`: 32 bytes of text. */
export function seal(plain: Uint8Array, key: string, ids: Ids): string {
  const nonce = Buffer.alloc(NONCE_BYTES);
  for (let at = 0; at < NONCE_BYTES; at += 4) nonce.writeUInt32BE(ids.below(WORD), at);
  const cipher = createCipheriv(CIPHER, Buffer.from(key), nonce);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString("base64");
}

/** Undefined when the text is not one that `key` sealed. */
export function unseal(sealed: string, key: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, "base64");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const tag = bytes.subarray(-TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, Buffer.from(key), bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(tag);
  const body = bytes.subarray(NONCE_BYTES, -TAG_BYTES);
  try {
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    // The tag says so: another key, or changed bytes.
    return undefined;
  }
}
