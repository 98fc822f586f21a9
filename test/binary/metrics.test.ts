/** The compiled executable tells its figures to who has the scrape token. */

import { afterAll, expect, test } from "bun:test";
import { freshHome, run, startServer } from "../fixtures/executable.ts";
import { readExposition, sampleOf } from "../fixtures/exposition.ts";
import { until } from "../fixtures/until.ts";

const TOKEN = "a scrape token of some length";
const ENV = { PATH: "/usr/bin:/bin", METRICS_TOKEN: TOKEN };

const FAMILIES = [
  "parvis_build_info",
  "parvis_connections",
  "parvis_connections_ended_total",
  "parvis_database_log_pages",
  "parvis_database_read_seconds",
  "parvis_database_transaction_seconds",
  "parvis_database_write_wait_seconds",
  "parvis_database_writes_total",
  "parvis_database_writes_waiting",
  "parvis_event_loop_lag_seconds",
  "parvis_http_request_duration_seconds",
  "parvis_http_requests_total",
  "parvis_media_bytes_total",
  "parvis_media_consumers",
  "parvis_media_producers",
  "parvis_media_transports",
  "parvis_media_worker_resident_memory_bytes",
  "parvis_media_worker_restarts_total",
  "parvis_media_workers",
  "parvis_media_workers_up",
  "parvis_messages_delivered_total",
  "parvis_process_cpu_seconds_total",
  "parvis_process_max_fds",
  "parvis_process_open_fds",
  "parvis_process_resident_memory_bytes",
  "parvis_process_start_time_seconds",
  "parvis_room_participants",
  "parvis_rooms",
];

const home = freshHome();
afterAll(() => home[Symbol.dispose]());

test("every family is there, and the figures are of this process", async () => {
  const from = Date.now() / 1000;
  await using server = await startServer(home, { env: ENV });
  const scrape = async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${server.url}/metrics`, { headers });
    expect(response.status).toBe(200);
    return readExposition(await response.text());
  };
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  const read = await until("the event loop was looked at", 5_000, async () => {
    const now = await scrape();
    return sampleOf(now, "parvis_event_loop_lag_seconds_count") > 0 && now;
  });
  expect([...read.keys()].sort()).toEqual(FAMILIES);
  const refused = { method: "GET", route: "/metrics", status: "401" };
  expect(sampleOf(read, "parvis_http_requests_total", refused)).toBe(1);
  expect(sampleOf(read, "parvis_media_workers_up")).toBeGreaterThan(0);
  expect(sampleOf(read, "parvis_media_worker_resident_memory_bytes")).toBeGreaterThan(1e6);
  expect(sampleOf(read, "parvis_process_resident_memory_bytes")).toBeGreaterThan(1e7);
  expect(sampleOf(read, "parvis_process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(sampleOf(read, "parvis_process_open_fds")).toBeGreaterThan(5);
  const startedAt = sampleOf(read, "parvis_process_start_time_seconds");
  expect(startedAt).toBeGreaterThan(from - 1);
  expect(startedAt).toBeLessThan(Date.now() / 1000);
  expect(server.log()).not.toContain(TOKEN);
});

test("config print tells that the token is set, and not which one", async () => {
  const { out, code } = await run(home, ["config", "print"], { env: ENV });
  expect(code).toBe(0);
  expect(out).toContain("metrics_token: [hidden] # env METRICS_TOKEN");
  expect(out).not.toContain(TOKEN);
});
