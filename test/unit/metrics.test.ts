/** Counting, and the text that it comes out as. */

import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { silentLog } from "../../src/base/log.ts";
import { RequestMetrics } from "../../src/core/request-metrics.ts";
import { watchEventLoop } from "../../src/infra/metrics/event-loop.ts";
import { Metrics } from "../../src/infra/metrics/metrics.ts";
import { readExposition, sampleOf } from "../fixtures/exposition.ts";
import { recordedLog } from "../fixtures/recorded-log.ts";

const HELP = "What it is.";

async function textOf(metrics: Metrics): Promise<string> {
  return metrics.text(silentLog());
}

test("the text of a counter, a gauge and a histogram, letter by letter", async () => {
  const metrics = new Metrics();
  const sent = metrics.counter({ name: "a_total", help: HELP, labels: ["to", "by"] });
  sent.with("x", "y").inc();
  sent.with("x", "y").inc(2);
  sent.with("x", "z").inc(0.5);
  metrics.read({ name: "b_bytes", help: HELP, type: "gauge", read: async () => 12 });
  const took = metrics.histogram({ name: "c_seconds", help: HELP, buckets: [0.1, 1] }).with();
  for (const value of [0.05, 0.1, 0.5, 3]) took.observe(value);
  expect(await textOf(metrics)).toBe(
    "# HELP a_total What it is.\n# TYPE a_total counter\n" +
      'a_total{to="x",by="y"} 3\na_total{to="x",by="z"} 0.5\n' +
      "# HELP b_bytes What it is.\n# TYPE b_bytes gauge\nb_bytes 12\n" +
      "# HELP c_seconds What it is.\n# TYPE c_seconds histogram\n" +
      'c_seconds_bucket{le="0.1"} 2\nc_seconds_bucket{le="1"} 3\nc_seconds_bucket{le="+Inf"} 4\n' +
      "c_seconds_sum 3.65\nc_seconds_count 4\n",
  );
});

describe("label values come back as they went in", () => {
  const rows = [
    "",
    "plain",
    'a "quoted" one',
    "back\\slash",
    "two\nlines",
    "\\n",
    'end\\"',
    "{a,b=}",
  ];
  for (const value of rows) {
    test(JSON.stringify(value), async () => {
      const metrics = new Metrics();
      metrics
        .counter({ name: "a_total", help: HELP, labels: ["of"] })
        .with(value)
        .inc(7);
      const took = metrics.histogram({ name: "b_s", help: HELP, labels: ["of"], buckets: [1] });
      took.with(value).observe(0.5);
      const read = readExposition(await textOf(metrics));
      expect(sampleOf(read, "a_total", { of: value })).toBe(7);
      expect(sampleOf(read, "b_s_bucket", { of: value, le: "1" })).toBe(1);
    });
  }
});

test("help is one line", async () => {
  const metrics = new Metrics();
  metrics.counter({ name: "a_total", help: "a \\ and\nmore" });
  expect(await textOf(metrics)).toStartWith("# HELP a_total a \\\\ and\\nmore\n# TYPE");
});

describe("numbers", () => {
  const rows = [
    [0, "0"],
    [-1.5, "-1.5"],
    [1e21, "1e+21"],
    [1e-9, "1e-9"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [Number.NaN, "NaN"],
  ] as const;
  for (const [value, text] of rows) {
    test(text, async () => {
      const metrics = new Metrics();
      metrics.read({ name: "a", help: HELP, type: "gauge", read: () => value });
      expect((await textOf(metrics)).trimEnd().split("\n").at(-1)).toBe(`a ${text}`);
      readExposition(await textOf(metrics));
    });
  }
});

test("what was never counted is nought without labels and silent with them", async () => {
  const metrics = new Metrics();
  metrics.counter({ name: "a_total", help: HELP });
  metrics.counter({ name: "b_total", help: HELP, labels: ["of"] });
  metrics.read({ name: "c", help: HELP, type: "gauge", labels: ["of"], read: () => [] });
  metrics.read({ name: "d", help: HELP, type: "gauge", read: () => undefined });
  expect([...readExposition(await textOf(metrics)).keys()]).toEqual(["a_total"]);
});

test("a reading that fails costs itself only, and the log says so", async () => {
  const metrics = new Metrics();
  const { log, lines } = recordedLog();
  const read = () => Promise.reject(new Error("gone"));
  metrics.read({ name: "a", help: HELP, type: "gauge", read });
  metrics.read({ name: "b", help: HELP, type: "gauge", read: () => 1 });
  expect([...readExposition(await metrics.text(log)).keys()]).toEqual(["b"]);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: "warn", name: "a" }]);
});

test("past the bound everything counts under one other", async () => {
  const metrics = new Metrics();
  const family = metrics.counter({ name: "a_total", help: HELP, labels: ["of", "by"] });
  const more = 10;
  for (let n = 0; n < LIMITS.metricSeriesMax + more; n++) family.with(`${n}`, "x").inc();
  const read = readExposition(await textOf(metrics));
  expect(read.get("a_total")?.samples.length).toBe(LIMITS.metricSeriesMax + 1);
  expect(sampleOf(read, "a_total", { of: "other", by: "other" })).toBe(more);
  family.with("0", "x").inc();
  expect(family.with("0", "x").value).toBe(2);
});

describe("a programmer's errors", () => {
  const rows: readonly (readonly [string, (metrics: Metrics) => unknown])[] = [
    ["a name twice", (m) => m.read({ name: "a_total", help: HELP, type: "gauge", read: () => 1 })],
    ["a counter without _total", (m) => m.counter({ name: "b", help: HELP })],
    ["a malformed name", (m) => m.counter({ name: "b-total_total", help: HELP })],
    ["a malformed label", (m) => m.counter({ name: "b_total", help: HELP, labels: ["a b"] })],
    ["buckets that fall", (m) => m.histogram({ name: "b", help: HELP, buckets: [2, 1] })],
    [
      "values that are too few",
      (m) => m.counter({ name: "b_total", help: HELP, labels: ["x"] }).with(),
    ],
  ];
  for (const [what, act] of rows) {
    test(what, () => {
      const metrics = new Metrics();
      metrics.counter({ name: "a_total", help: HELP });
      expect(() => act(metrics)).toThrow();
    });
  }
});

test("requests of one route are kept apart by status, and strange methods go together", async () => {
  const metrics = new Metrics();
  const requests = new RequestMetrics(metrics);
  const route = requests.route("GET", "/api/things/:id");
  route.answered(200, 2);
  route.answered(200, 400);
  route.answered(404, 2);
  for (const method of ["BREW", "PROPFIND", "GET"]) requests.unmatched(method).answered(404, 1);
  requests.unmatched("OPTIONS").answered(204);
  const read = readExposition(await textOf(metrics));
  const rows = read.get("parvis_http_requests_total")?.samples.map(({ labels, value }) => {
    return `${labels.method} ${labels.route} ${labels.status} ${value}`;
  });
  expect(rows).toEqual([
    "GET /api/things/:id 200 2",
    "GET /api/things/:id 404 1",
    "other unmatched 404 2",
    "GET unmatched 404 1",
    "OPTIONS unmatched 204 1",
  ]);
  const took = "parvis_http_request_duration_seconds";
  const place = { method: "GET", route: "/api/things/:id" };
  expect(sampleOf(read, `${took}_bucket`, { ...place, le: "0.0025" })).toBe(2);
  expect(sampleOf(read, `${took}_sum`, place)).toBeCloseTo(0.404);
  expect(sampleOf(read, `${took}_count`, place)).toBe(3);
  const timed = read.get(took)?.samples.map(({ labels }) => labels.method);
  expect(timed).not.toContain("OPTIONS");
});

test("the event loop's lag is how much later than due the timer ran", async () => {
  const metrics = new Metrics();
  const clock = new FakeClock();
  let heldMs = 0;
  const late = {
    ...{ now: () => clock.now(), monotonic: () => clock.monotonic() + heldMs },
    after: clock.after.bind(clock),
    every: clock.every.bind(clock),
  };
  const timer = watchEventLoop(metrics, late);
  await clock.advance(LIMITS.lagSampleMs * 2);
  heldMs += 300;
  await clock.advance(LIMITS.lagSampleMs * 2);
  const read = readExposition(await textOf(metrics));
  const name = "parvis_event_loop_lag_seconds";
  expect(sampleOf(read, `${name}_count`)).toBe(4);
  expect(sampleOf(read, `${name}_sum`)).toBeCloseTo(0.3);
  expect(sampleOf(read, `${name}_bucket`, { le: "0.25" })).toBe(3);
  expect(sampleOf(read, `${name}_bucket`, { le: "0.5" })).toBe(4);
  timer.clear();
  expect(clock.pending).toBe(0);
});
