import { expect, test } from "bun:test";
import { NO_STATS, type ReceivedStats } from "../../src/client/stats.ts";
import { QualityMeter } from "../../src/web/quality.ts";

function stats(packets: number, packetsLost: number, roundTripMs: number) {
  const received = { packets, packetsLost } as ReceivedStats;
  return { ...NO_STATS, received: [received], roundTripMs };
}

const rows: [what: string, packets: number, lost: number, roundTripMs: number, quality: string][] =
  [
    ["everything arrives", 1_100, 10, 20, "good"],
    ["one packet in thirty is lost", 1_100, 13, 20, "fair"],
    ["one packet in ten is lost", 1_100, 21, 20, "poor"],
    ["a long way", 1_100, 10, 300, "fair"],
    ["a very long way", 1_100, 10, 700, "poor"],
    ["too few packets to say", 1_001, 15, 20, "good"],
    ["a lost packet that came after all", 1_100, 5, 20, "good"],
  ];

test.each(rows)("%s", (_what, packets, lost, roundTripMs, quality) => {
  const meter = new QualityMeter();
  expect(meter.look(stats(1_000, 10, 20))).toBeUndefined();
  expect(meter.look(stats(packets, lost, roundTripMs))).toBe(quality as "good");
});

test("a new connection says nothing at first", () => {
  const meter = new QualityMeter();
  meter.look(stats(1_000, 10, 20));
  expect(meter.look(stats(5, 0, 20))).toBeUndefined();
});
