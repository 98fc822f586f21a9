import { expect, test } from "bun:test";
import { suggest } from "../../src/tools/suggest.ts";
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
} from "../../src/tools/units.ts";

test.each([
  ["500ms", 500],
  ["0s", 0],
  ["10s", 10_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["2d", 172_800_000],
  ["1500ms", 1_500],
  ["90m", 5_400_000],
])("duration %s is %d ms and is written back", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
  expect(parseDuration(formatDuration(ms))).toBe(ms);
});

test.each([
  "",
  "5",
  "m",
  "-5m",
  "1.5h",
  "5 m",
  "5M",
  "5min",
  "1h30m",
  "5m ",
  "0x5s",
  "١s",
  "9999999999999999d",
  "999999999999999d",
  "toStringms",
  "5B",
])("duration %j is refused", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  ["0B", 0],
  ["512B", 512],
  ["256KiB", 262_144],
  ["10MB", 10_000_000],
  ["32MiB", 33_554_432],
  ["1GiB", 1_073_741_824],
  ["1GB", 1_000_000_000],
])("size %s is %d bytes and is written back", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
  expect(formatSize(bytes)).toBe(text);
});

test.each(["", "10", "10mb", "10Mb", "1.5MB", "-1B", "10 MB", "10TB", "999999999999999GiB"])(
  "size %j is refused",
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);

test.each([
  ["20/s", { count: 20, windowMs: 1_000 }],
  ["600/m", { count: 600, windowMs: 60_000 }],
  ["1000/h", { count: 1_000, windowMs: 3_600_000 }],
  ["1/d", { count: 1, windowMs: 86_400_000 }],
])("rate %s is read and written back", (text, rate) => {
  expect(parseRate(text)).toEqual(rate);
  expect(formatRate(rate)).toBe(text);
});

test.each(["", "20", "0/s", "-1/s", "20/ms", "20 /s", "20/", "/s", "1.5/s", "20/2s"])(
  "rate %j is refused",
  (text) => {
    expect(parseRate(text)).toBeUndefined();
  },
);

test("formatting takes the largest unit that divides evenly", () => {
  expect([0, 1, 1_000, 90_000, 3_600_000, 86_400_000].map(formatDuration)).toEqual([
    "0s",
    "1ms",
    "1s",
    "90s",
    "1h",
    "1d",
  ]);
});

const KEYS = ["port", "workers", "listen_ip", "announced_ip", "ice_servers", "dir"];

test.each([
  ["prot", "port"],
  ["Port", "port"],
  ["prt", "port"],
  ["ports", "port"],
  ["worker", "workers"],
  ["announcedIp", "announced_ip"],
  ["announced-ips", "announced_ip"],
  ["icesrevers", "ice_servers"],
  ["d", undefined],
  ["xyz", undefined],
  ["", undefined],
  ["participants", undefined],
  ["p".repeat(100_000), undefined],
])("for %.20s the nearest key is %s", (word, nearest) => {
  expect(suggest(word, KEYS)).toBe(nearest as string);
});

test("of equally near words the first is suggested", () => {
  expect(suggest("cat", ["bat", "car"])).toBe("bat");
});
