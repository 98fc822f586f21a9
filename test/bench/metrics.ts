/**
 * What counting costs: `bun test/bench/metrics.ts`. The time of one request's count and latency, of
 * a route that has answered before, and of a scrape with every route in use.
 */

import { silentLog } from "../../src/base/log.ts";
import { RequestMetrics } from "../../src/core/request-metrics.ts";
import { Metrics } from "../../src/infra/metrics/metrics.ts";

const ROUNDS = 5;
const REQUESTS = 2_000_000;
const ROUTES = 300;
const STATUSES = [200, 200, 200, 204, 400, 404];

const metrics = new Metrics();
const requests = new RequestMetrics(metrics);
const routes = Array.from({ length: ROUTES }, (_, index) =>
  requests.route("GET", `/api/collections/:collection/thing-${index}/:id`),
);

for (let round = 0; round < ROUNDS; round++) {
  const startedAt = performance.now();
  for (let index = 0; index < REQUESTS; index++) {
    const route = routes[index % ROUTES];
    route?.answered(STATUSES[index % STATUSES.length] ?? 200, (index % 400) / 10);
  }
  const each = ((performance.now() - startedAt) / REQUESTS) * 1e6;
  console.log(`${each.toFixed(0)} ns a request`);
}
for (let round = 0; round < ROUNDS; round++) {
  const startedAt = performance.now();
  const { length } = await metrics.text(silentLog());
  const took = (performance.now() - startedAt).toFixed(1);
  console.log(`a scrape of ${(length / 1e3).toFixed(0)} kB: ${took} ms`);
}
