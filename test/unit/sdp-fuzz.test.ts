import { expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { FAKE_CAPABILITIES } from "../../src/infra/media/fake-parameters.ts";
import { type Answer, readAnswer } from "../../src/tools/sdp/answer.ts";
import { type Mutant, mutants } from "../fixtures/sdp-mutants.ts";
import { receive } from "./fixtures/sdp/offers.ts";

const ROUNDS = 20_000;
/** A bound against hanging, far above what a busy machine needs. */
const TIMEOUT_MS = 120_000;
const SEED = 20_240_110;

const PAYLOADS = new Map(
  FAKE_CAPABILITIES.codecs.map((codec) => [codec.payloadType, codec.mimeType]),
);
const EXTENSIONS = new Set(FAKE_CAPABILITIES.headerExtensions.map(({ id, uri }) => `${id} ${uri}`));
const SSRC_MAX = 0xffff_ffff;

/** What must hold of whatever is let through to the media worker. */
function checkAnswer(answer: Answer): void {
  const ssrcs: number[] = [];
  for (const { algorithm, value } of answer.dtls.fingerprints) {
    expect(`${algorithm} ${value}`).toMatch(/^sha-(256|384|512) [0-9A-F]{2}(:[0-9A-F]{2})+$/);
  }
  for (const { rtp } of answer.published) {
    for (const codec of rtp.codecs) {
      expect(PAYLOADS.get(codec.payloadType)).toBe(codec.mimeType);
      for (const [key, value] of Object.entries(codec.parameters ?? {})) {
        expect(key).toMatch(/^[a-z-]{3,30}$/);
        expect(
          typeof value === "number" ? value >= 0 && value <= 1e6 : /^[0-9a-f]{6}$/.test(value),
        ).toBe(true);
      }
    }
    const ids = rtp.headerExtensions.map(({ id, uri }) => `${id} ${uri}`);
    expect(ids.every((id) => EXTENSIONS.has(id)) && new Set(ids).size === ids.length).toBe(true);
    expect(rtp.encodings.length).toBeGreaterThan(0);
    for (const { ssrc, rid, rtx } of rtp.encodings) {
      if (rid !== undefined) expect(["l", "m", "h"]).toContain(rid);
      if (ssrc !== undefined) ssrcs.push(ssrc);
      if (rtx !== undefined) ssrcs.push(rtx.ssrc);
    }
  }
  expect(ssrcs.every((ssrc) => Number.isInteger(ssrc) && ssrc > 0 && ssrc <= SSRC_MAX)).toBe(true);
  expect(new Set(ssrcs).size).toBe(ssrcs.length);
}

test(
  `${ROUNDS} mutated answers are read or refused, and nothing else happens`,
  () => {
    const answers = mutants(SEED);
    let accepted = 0;
    let slowestMs = 0;
    let totalMs = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { sdp, sections } = answers.next().value as Mutant;
      const startedAt = performance.now();
      let outcome: unknown;
      try {
        outcome = readAnswer(sdp, sections);
      } catch (thrown) {
        outcome = thrown;
      }
      const spent = performance.now() - startedAt;
      slowestMs = Math.max(slowestMs, spent);
      totalMs += spent;
      if (outcome instanceof Error) {
        if (!(outcome instanceof AppError)) throw new Error(`round ${round}`, { cause: outcome });
        expect(outcome.code).toBe("invalid_sdp");
      } else {
        accepted++;
        checkAnswer(outcome as Answer);
      }
    }
    console.log(
      `fuzz: ${accepted} read, ${ROUNDS - accepted} refused, ${totalMs.toFixed(0)} ms, slowest ${slowestMs.toFixed(1)} ms`,
    );
    // Both outcomes are common, else the mutations test nothing.
    expect(accepted).toBeGreaterThan(ROUNDS / 10);
    expect(accepted).toBeLessThan((ROUNDS * 9) / 10);
    expect(Object.keys(Object.prototype)).toEqual([]);
  },
  TIMEOUT_MS,
);

const LINES = LIMITS.sdpLinesMax - 20;
const LONG = LIMITS.sdpLineCharsMax - 20;
const LONG_LINES = Math.floor(LIMITS.sdpBytesMax / LIMITS.sdpLineCharsMax) - 2;

/** Shapes that make a careless reader quadratic, each near the bounds. Printed, not timed. */
test.each<[string, readonly string[]]>([
  ["payload types", Array.from({ length: LINES }, (_, i) => `a=rtpmap:${i % 127} VP8/90000`)],
  ["format lines", Array.from({ length: LINES }, (_, i) => `a=fmtp:${i % 127} apt=${i}`)],
  [
    "extensions",
    Array.from({ length: 4_000 }, () => "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid"),
  ],
  ["SSRCs", Array.from({ length: LINES }, (_, i) => `a=ssrc:${i + 1} cname:x`)],
  ["groups", Array.from({ length: LINES }, (_, i) => `a=ssrc-group:SIM ${i} ${i + 1}`)],
  ["rids", Array.from({ length: LINES }, (_, i) => `a=rid:r${i} send`)],
  ["feedback", Array.from({ length: LINES }, (_, i) => `a=rtcp-fb:101 x${i} y`)],
  [
    "a long format",
    Array.from({ length: LONG_LINES }, () => `a=fmtp:101 ${"a=1;".repeat(LONG / 4)}`),
  ],
  [
    "a long list of streams",
    Array.from({ length: LONG_LINES }, () => `a=simulcast:send ${"l;".repeat(LONG / 2)}`),
  ],
  ["long spaces", Array.from({ length: LONG_LINES }, () => `a=simulcast:${" ".repeat(LONG)}!`)],
  [
    "a long extension",
    Array.from({ length: LONG_LINES }, () => `a=extmap:1 ${"x ".repeat(LONG / 2)}`),
  ],
  [
    "a long group",
    Array.from({ length: LONG_LINES }, () => `a=ssrc-group:FID ${"1 ".repeat(LONG / 2)}`),
  ],
])("near the bounds: many %s", (name, lines) => {
  const sdp = [
    "v=0",
    `a=fingerprint:sha-256 ${Array(32).fill("00").join(":")}`,
    "a=setup:active",
    "m=video 9 UDP/TLS/RTP/SAVPF 101 102",
    "a=mid:1",
    "a=sendonly",
    "a=rtpmap:101 VP8/90000",
    "a=rtpmap:102 rtx/90000",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    ...lines,
  ].join("\n");
  expect(sdp.length).toBeLessThanOrEqual(LIMITS.sdpBytesMax);
  const startedAt = performance.now();
  try {
    readAnswer(sdp, [receive("1", "video")]);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AppError);
  }
  console.log(`${name}: ${(performance.now() - startedAt).toFixed(1)} ms for ${sdp.length} bytes`);
});
