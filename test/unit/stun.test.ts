import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { readBindingAnswer, stunMessageLength, writeBindingRequest } from "../../src/tools/stun.ts";

/** The sample IPv4 response of RFC 5769, section 2.2 (password VOkJxbRl1RmTxUk/WvJxBt). */
const SAMPLE = Buffer.from(
  "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147" +
    "e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96",
  "hex",
);
const PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt";
const TRANSACTION = SAMPLE.subarray(8, 20);
const EXPECTED = { transactionId: TRANSACTION, password: PASSWORD };

function changed(at: number, value: number): Buffer {
  const copy = Buffer.from(SAMPLE);
  copy[at] = value;
  return copy;
}

describe("a binding answer", () => {
  test("of the protocol's own test vectors is genuine", () => {
    expect(readBindingAnswer(SAMPLE, EXPECTED)).toEqual({ kind: "success" });
  });

  test.each<[string, Uint8Array, object, string]>([
    ["under another password", SAMPLE, { password: "other" }, "forged"],
    ["with a changed attribute", changed(26, 0x75), {}, "forged"],
    ["with a changed fingerprint", changed(79, 0), {}, "forged"],
    ["of another transaction", SAMPLE, { transactionId: Buffer.alloc(12) }, "other"],
    ["without the magic cookie", changed(4, 0), {}, "other"],
    ["that is cut short", SAMPLE.subarray(0, 70), {}, "other"],
    ["that is empty", new Uint8Array(0), {}, "other"],
    ["that is a request", changed(0, 0), {}, "other"],
    ["whose attribute is longer than it", changed(23, 0xff), {}, "other"],
  ])("%s is not taken for one", (_name, bytes, expected, kind) => {
    expect(readBindingAnswer(bytes, { ...EXPECTED, ...expected }).kind).toBe(kind as "other");
  });

  test("without integrity is forged", () => {
    const bare = Buffer.from(SAMPLE.subarray(0, 20));
    bare.writeUInt16BE(0, 2);
    expect(readBindingAnswer(bare, EXPECTED)).toEqual({ kind: "forged" });
  });

  test("that refuses tells its code", () => {
    const refusal = Buffer.concat([SAMPLE.subarray(0, 20), Buffer.from("0009000400000401", "hex")]);
    refusal.writeUInt16BE(0x0111, 0);
    refusal.writeUInt16BE(8, 2);
    expect(readBindingAnswer(refusal, EXPECTED)).toEqual({ kind: "error", code: 401 });
  });

  test("of any bytes is read without throwing", () => {
    for (let length = 0; length < SAMPLE.length; length++) {
      for (let at = 0; at < length; at += 3) {
        const { kind } = readBindingAnswer(changed(at, 0xff).subarray(0, length), EXPECTED);
        expect(kind).toBe("other");
      }
    }
  });
});

describe("a binding request", () => {
  const request = {
    transactionId: TRANSACTION,
    username: "server:probe",
    password: PASSWORD,
    priority: 0x6eff_ffff,
  };
  const bytes = Buffer.from(writeBindingRequest(request));

  test("says its own length, and ends with integrity and fingerprint", () => {
    expect(bytes.readUInt16BE(0)).toBe(0x0001);
    expect(stunMessageLength(bytes)).toBe(bytes.length);
    expect(bytes.subarray(8, 20)).toEqual(TRANSACTION);
    expect(bytes.includes("server:probe")).toBe(true);
    expect(bytes.readUInt16BE(bytes.length - 8)).toBe(0x8028);
    expect(bytes.readUInt16BE(bytes.length - 32)).toBe(0x0008);
  });

  test("signs what stands before the integrity, under the length that includes it", () => {
    const covered = Buffer.from(bytes.subarray(0, bytes.length - 32));
    covered.writeUInt16BE(covered.length + 24 - 20, 2);
    const signature = createHmac("sha1", PASSWORD).update(covered).digest();
    expect(bytes.subarray(bytes.length - 28, bytes.length - 8)).toEqual(signature);
  });

  test("asserts a transaction id of 12 bytes", () => {
    const short = { ...request, transactionId: Buffer.alloc(11) };
    expect(() => writeBindingRequest(short)).toThrow("assertion failed");
  });
});
