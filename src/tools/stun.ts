/**
 * STUN binding requests and their answers (RFC 8489), as much of it as an ICE connectivity check
 * (RFC 8445) needs.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { assert } from "../base/errors.ts";

const HEADER_BYTES = 20;
const MAGIC_COOKIE = 0x2112a442;
const TRANSACTION_BYTES = 12;
const INTEGRITY_BYTES = 20;
const FINGERPRINT_XOR = 0x5354554e;

const TYPE = { request: 0x0001, success: 0x0101, failure: 0x0111 } as const;

const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  priority: 0x0024,
  fingerprint: 0x8028,
  iceControlling: 0x802a,
} as const;

export interface BindingRequest {
  /** 12 bytes, not to be guessed. */
  readonly transactionId: Uint8Array;
  /** `their fragment:our fragment`. */
  readonly username: string;
  /** The password of the side that is asked. */
  readonly password: string;
  readonly priority: number;
}

/** A request with MESSAGE-INTEGRITY and FINGERPRINT, as the controlling side sends it. */
export function writeBindingRequest(request: BindingRequest): Uint8Array {
  assert(request.transactionId.length === TRANSACTION_BYTES, "a transaction id has 12 bytes");
  const priority = Buffer.alloc(4);
  priority.writeUInt32BE(request.priority);
  const attributes = [
    attribute(ATTRIBUTE.username, Buffer.from(request.username)),
    attribute(ATTRIBUTE.priority, priority),
    // The tie-breaker decides between two controlling sides; a server never is one.
    attribute(ATTRIBUTE.iceControlling, Buffer.alloc(8)),
  ];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(TYPE.request, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  header.set(request.transactionId, 8);
  const message = Buffer.concat([header, ...attributes]);
  const signed = append(message, {
    type: ATTRIBUTE.messageIntegrity,
    bytes: INTEGRITY_BYTES,
    cover: (covered) => hmac(covered, request.password),
  });
  return append(signed, { type: ATTRIBUTE.fingerprint, bytes: 4, cover: fingerprint });
}

/**
 * `other`: not a STUN answer to this transaction. `forged`: its integrity or fingerprint is wrong.
 */
export type BindingAnswer =
  | { readonly kind: "success" }
  | { readonly kind: "error"; readonly code: number }
  | { readonly kind: "forged" }
  | { readonly kind: "other" };

/** Never throws, whatever the bytes are. */
export function readBindingAnswer(
  bytes: Uint8Array,
  { transactionId, password }: Pick<BindingRequest, "transactionId" | "password">,
): BindingAnswer {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes = readAttributes(message, transactionId);
  if (attributes === undefined) return { kind: "other" };
  const type = message.readUInt16BE(0);
  if (type !== TYPE.success && type !== TYPE.failure) return { kind: "other" };
  const print = attributes.get(ATTRIBUTE.fingerprint);
  if (print !== undefined && !matches(message, print, fingerprint)) return { kind: "forged" };
  if (type === TYPE.failure) {
    const error = attributes.get(ATTRIBUTE.errorCode)?.value;
    if (error === undefined || error.length < 4) return { kind: "other" };
    return { kind: "error", code: (error.readUInt8(2) & 7) * 100 + error.readUInt8(3) };
  }
  const integrity = attributes.get(ATTRIBUTE.messageIntegrity);
  const sign = (covered: Buffer) => hmac(covered, password);
  if (integrity === undefined || !matches(message, integrity, sign)) return { kind: "forged" };
  return { kind: "success" };
}

/** Length of the message that begins in `bytes`, for reading one off a stream; 0: not known yet. */
export function stunMessageLength(bytes: Uint8Array): number {
  if (bytes.length < 4) return 0;
  return HEADER_BYTES + Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt16BE(2);
}

interface Attribute {
  readonly value: Buffer;
  /** Of its header, from the start of the message. */
  readonly offset: number;
}

/** Undefined when it is not a well-formed message of this transaction. */
function readAttributes(
  message: Buffer,
  transactionId: Uint8Array,
): Map<number, Attribute> | undefined {
  if (message.length < HEADER_BYTES || message.length !== stunMessageLength(message)) return;
  if (message.readUInt32BE(4) !== MAGIC_COOKIE) return;
  if (!message.subarray(8, HEADER_BYTES).equals(transactionId)) return;
  const found = new Map<number, Attribute>();
  let offset = HEADER_BYTES;
  while (offset + 4 <= message.length) {
    const type = message.readUInt16BE(offset);
    const length = message.readUInt16BE(offset + 2);
    const value = message.subarray(offset + 4, offset + 4 + length);
    if (value.length !== length) return;
    // Only the first of a type counts, and nothing but the fingerprint after the integrity.
    if (!found.has(type)) found.set(type, { value, offset });
    offset += 4 + padded(length);
  }
  return offset === message.length ? found : undefined;
}

interface Trailer {
  readonly type: number;
  readonly bytes: number;
  readonly cover: (covered: Buffer) => Buffer;
}

function attribute(type: number, value: Buffer): Buffer {
  const out = Buffer.alloc(4 + padded(value.length));
  out.writeUInt16BE(type, 0);
  out.writeUInt16BE(value.length, 2);
  out.set(value, 4);
  return out;
}

/** Both trailing attributes cover all before them, under a length that includes themselves. */
function append(message: Buffer, { type, bytes, cover }: Trailer): Buffer {
  const covered = withLength(message, message.length + 4 + bytes);
  return Buffer.concat([covered, attribute(type, cover(covered))]);
}

function matches(
  message: Buffer,
  { value, offset }: Attribute,
  cover: (covered: Buffer) => Buffer,
): boolean {
  const covered = withLength(message.subarray(0, offset), offset + 4 + value.length);
  const expected = cover(covered);
  return expected.length === value.length && timingSafeEqual(expected, value);
}

function withLength(message: Buffer, totalBytes: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(totalBytes - HEADER_BYTES, 2);
  return copy;
}

function hmac(covered: Buffer, password: string): Buffer {
  return createHmac("sha1", password).update(covered).digest();
}

function fingerprint(covered: Buffer): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE((Bun.hash.crc32(covered) ^ FINGERPRINT_XOR) >>> 0);
  return out;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
