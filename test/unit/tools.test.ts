/** Leaf algorithms: token buckets, networks, frames, JSON bounds, ids. */

import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { fakeIds, realIds } from "../../src/base/ids.ts";
import { bearerToken, parseJson, requestIdFrom } from "../../src/core/wire.ts";
import { decodeFrame, encodeFrame } from "../../src/tools/codec.ts";
import { inNetwork, isLoopback, parseNetwork } from "../../src/tools/network.ts";
import { TokenBuckets } from "../../src/tools/token-bucket.ts";
import { recordedLog } from "../fixtures/recorded-log.ts";

describe("token buckets", () => {
  const limit = { count: 2, windowMs: 1_000 };

  test("give a burst, then what the time brings", () => {
    const buckets = new TokenBuckets(10);
    expect([0, 0, 0].map(() => buckets.take("a", limit, 0))).toEqual([0, 0, 500]);
    expect(buckets.take("a", limit, 500)).toBe(0);
    expect(buckets.take("a", limit, 500)).toBe(500);
  });

  test("tell whether there is one without taking it", () => {
    const buckets = new TokenBuckets(10);
    expect([buckets.has("a", limit, 0), buckets.size]).toEqual([true, 0]);
    for (const _ of [0, 0]) buckets.take("a", limit, 0);
    expect([0, 499, 500, 500].map((now) => buckets.has("a", limit, now))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(buckets.take("a", limit, 500)).toBe(0);
  });

  test("a restored token can be taken again", () => {
    const buckets = new TokenBuckets(10);
    buckets.take("a", { count: 1, windowMs: 1_000 }, 0);
    buckets.restore("a", { count: 1 });
    expect(buckets.take("a", { count: 1, windowMs: 1_000 }, 0)).toBe(0);
  });

  test("keep a bounded number of keys, forgetting the one unused longest", () => {
    const buckets = new TokenBuckets(2);
    const one = { count: 1, windowMs: 1_000 };
    for (const key of ["a", "b", "a", "c"]) buckets.take(key, one, 0);
    expect(buckets.size).toBe(2);
    expect(buckets.take("a", one, 0)).toBeGreaterThan(0);
    expect(buckets.take("b", one, 0)).toBe(0);
  });
});

describe("networks", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["10.0.0.0/8", "10.255.1.2", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/8", "::ffff:10.0.0.1", true],
    ["0.0.0.0/0", "1.2.3.4", true],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["fd00::/8", "fd12::1", true],
    ["fd00::/8", "fe80::1", false],
    ["::1", "::1", true],
    ["::/0", "1.2.3.4", false],
    ["10.0.0.0/8", "not an address", false],
  ];
  for (const [network, address, inside] of rows) {
    test(`${address} ${inside ? "in" : "not in"} ${network}`, () => {
      const parsed = parseNetwork(network);
      expect(parsed && inNetwork(parsed, address)).toBe(inside);
    });
  }

  test("what is no network is none", () => {
    const bad = [
      "",
      "10.0.0",
      "10.0.0.0/33",
      "10.0.0.256",
      "::/129",
      "1::2::3",
      "10.0.0.0/x",
      "a/b/c",
    ];
    expect(bad.filter((text) => parseNetwork(text) !== undefined)).toEqual([]);
  });

  test("loopback is the machine itself in both families", () => {
    const rows = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.0.0.1", "::2", "x"];
    expect(rows.map(isLoopback)).toEqual([true, true, true, true, false, false, false]);
  });
});

describe("frames", () => {
  const value = { type: "chat", data: { message: "héllo 👏", n: 1.5, list: [null, true] } };
  for (const codec of ["json", "msgpack"] as const) {
    test(`${codec} comes back as it went`, () => {
      const frame = encodeFrame(codec, value);
      expect(typeof frame).toBe(codec === "json" ? "string" : "object");
      expect(decodeFrame(frame)).toEqual({ codec, value });
    });
  }

  const malformed: readonly (readonly [string, string | Uint8Array])[] = [
    ["half a JSON text", '{"type":'],
    ["no bytes", new Uint8Array()],
    ["a map that promises four billion entries", new Uint8Array([0xdf, 0xff, 0xff, 0xff, 0xff])],
    ["a text that promises four gigabytes", new Uint8Array([0xdb, 0xff, 0xff, 0xff, 0xff])],
    ["trailing bytes", new Uint8Array([0xc0, 0xc0])],
    ["arrays in arrays without end", new Uint8Array(60_000).fill(0x91)],
  ];
  for (const [what, frame] of malformed) {
    test(`refuses ${what}`, () => {
      expect(() => decodeFrame(frame)).toThrow("not valid");
    });
  }
});

describe("what comes in text", () => {
  test("JSON is bounded in depth, brackets in texts not counted", () => {
    expect(parseJson("")).toBeUndefined();
    expect(parseJson('{"a":"[[[[\\"[["}')).toEqual({ a: '[[[["[[' });
    const flat = Array.from({ length: 50 }, () => ({ a: [1] }));
    expect(parseJson(JSON.stringify(flat))).toEqual(flat);
    expect(() => parseJson("[".repeat(33) + "]".repeat(33))).toThrow("32 levels");
    expect(() => parseJson("{")).toThrow("not valid JSON");
  });

  test("tokens come with or without the scheme's name", () => {
    expect(["Bearer a.b.c", "bearer a.b.c", "a.b.c", "", "Bearer ", null].map(bearerToken)).toEqual(
      ["a.b.c", "a.b.c", "a.b.c", undefined, undefined, undefined],
    );
  });

  test("a request id is the client's where it is a sane one", () => {
    const ids = fakeIds(new FakeClock());
    expect(requestIdFrom("abc-1.2:3_4", ids)).toBe("abc-1.2:3_4");
    for (const bad of ["", "a b", "x".repeat(129), "<script>", "a\nb"]) {
      expect(requestIdFrom(bad, ids)).toMatch(/^[a-z0-9]{15}$/);
    }
  });
});

describe("ids", () => {
  test("record ids are 15 characters that grow with time", () => {
    const clock = new FakeClock();
    const ids = realIds(clock);
    const first = ids.record();
    clock.advance(1);
    expect(first).toMatch(/^[a-z0-9]{15}$/);
    expect(ids.record().slice(0, 8) > first.slice(0, 8)).toBe(true);
  });

  test("secrets use the whole alphabet evenly", () => {
    const text = realIds(new FakeClock()).secret(62_000);
    const counts = new Map<string, number>();
    for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).toBe(62);
    expect(Math.min(...counts.values())).toBeGreaterThan(800);
    expect(Math.max(...counts.values())).toBeLessThan(1_200);
  });
});

describe("the log", () => {
  test("hides secrets and spells out errors with their causes", () => {
    const { log, lines } = recordedLog();
    const cause = new Error("outer", { cause: new Error("inner") });
    log
      .child({ request: "r1" })
      .info("hello", { token: "abc", turn_secret: "x", user: "u1", cause });
    log.debug("not shown");
    const line = JSON.parse(lines[0] ?? "");
    expect(lines).toHaveLength(1);
    expect(line).toMatchObject({ message: "hello", request: "r1", user: "u1", token: "[hidden]" });
    expect(line.turn_secret).toBe("[hidden]");
    expect(line.cause.cause.message).toBe("inner");
  });
});
