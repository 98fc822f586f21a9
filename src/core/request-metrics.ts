/** HTTP requests counted, each by the pattern of its route: paths would be without number. */

import type { Counter, Histogram, Series } from "../infra/metrics/families.ts";
import type { Metrics } from "../infra/metrics/metrics.ts";

/** Seconds, from what memory answers to what somebody waits for. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** In place of a pattern: pages, files, preflights, redirects, and what nothing answers. */
const UNMATCHED = "unmatched";

export class RequestMetrics {
  readonly #requests: Series<Counter>;
  readonly #seconds: Series<Histogram>;
  readonly #unmatched: ReadonlyMap<string, RouteMetrics>;
  readonly #otherMethods: RouteMetrics;

  constructor(metrics: Metrics) {
    this.#requests = metrics.counter({
      name: "parvis_http_requests_total",
      help: "Answered requests by method, pattern of the route, and status.",
      labels: ["method", "route", "status"],
    });
    this.#seconds = metrics.histogram({
      name: "parvis_http_request_duration_seconds",
      help: "Time until the answer, of a stream until it begins, by method and route.",
      labels: ["method", "route"],
      buckets: BUCKETS,
    });
    this.#unmatched = new Map(METHODS.map((method) => [method, this.route(method, UNMATCHED)]));
    this.#otherMethods = this.route("other", UNMATCHED);
  }

  /** To be kept with the route. `pattern` as it is mounted. */
  route(method: string, pattern: string): RouteMetrics {
    return new RouteMetrics({
      requests: (status) => this.#requests.with(method, pattern, status),
      seconds: () => this.#seconds.with(method, pattern),
    });
  }

  /** Of requests that no route takes. */
  unmatched(method: string): RouteMetrics {
    return this.#unmatched.get(method) ?? this.#otherMethods;
  }
}

interface RouteParts {
  readonly requests: (status: string) => Counter;
  readonly seconds: () => Histogram;
}

/** Of one method at one route. Says nothing in the scrape until there was a request. */
export class RouteMetrics {
  readonly #parts: RouteParts;
  readonly #byStatus = new Map<number, Counter>();
  #seconds: Histogram | undefined;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  /**
   * On the way of every request: no text is made here but at a status' first time. Without a time:
   * answered before anybody looked at the clock.
   */
  answered(status: number, tookMs?: number): void {
    let requests = this.#byStatus.get(status);
    if (!requests) {
      requests = this.#parts.requests(String(status));
      this.#byStatus.set(status, requests);
    }
    requests.inc();
    if (tookMs === undefined) return;
    this.#seconds ??= this.#parts.seconds();
    this.#seconds.observe(tookMs / 1000);
  }
}
