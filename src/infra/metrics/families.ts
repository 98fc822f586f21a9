/** Metrics that count by themselves, and the family of those that differ in label values only. */

import { LIMITS } from "../../base/limits.ts";
import {
  labelText,
  type MetricSpec,
  type MetricType,
  metricText,
  numberText,
  seriesLine,
} from "./text.ts";

/** Something that has a place in the scrape. */
export interface Family {
  /** With its HELP and TYPE lines; empty while there is nothing to tell. */
  text(): string | Promise<string>;
}

interface Metric {
  lines(name: string, labels: string): string;
}

export class Counter implements Metric {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  inc(by = 1): void {
    this.#value += by;
  }

  lines(name: string, labels: string): string {
    return seriesLine(name, labels, this.#value);
  }
}

/** The buckets that the histograms of one family share. */
export class Buckets {
  /** Rising; the one without end is understood. */
  readonly bounds: readonly number[];
  /** What closes each bucket's labels; written once, there are many lines of it. */
  readonly ends: readonly string[];

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    const all = [...bounds, Number.POSITIVE_INFINITY];
    this.ends = all.map((bound) => `le="${numberText(bound)}"} `);
  }
}

export class Histogram implements Metric {
  readonly #buckets: Buckets;
  /** Observations of each bucket alone. */
  readonly #counts: number[];
  #sum = 0;

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
    this.#counts = buckets.ends.map(() => 0);
  }

  observe(value: number): void {
    const { bounds } = this.#buckets;
    let bucket = 0;
    // Most of what is measured is quick: the first buckets are the likely ones.
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    (this.#counts[bucket] as number)++;
    this.#sum += value;
  }

  lines(name: string, labels: string): string {
    const begin = `${name}_bucket${labels === "" ? "{" : `${labels.slice(0, -1)},`}`;
    let text = "";
    let count = 0;
    this.#buckets.ends.forEach((end, bucket) => {
      count += this.#counts[bucket] as number;
      text += `${begin}${end}${count}\n`;
    });
    const sum = seriesLine(`${name}_sum`, labels, this.#sum);
    return text + sum + seriesLine(`${name}_count`, labels, count);
  }
}

/** Joins label values to a key: no value that is text of ours holds it. */
const BETWEEN = "\u0000";

export class Series<M extends Metric> implements Family {
  readonly #spec: MetricSpec;
  readonly #type: MetricType;
  readonly #make: () => M;
  readonly #members = new Map<string, { readonly labels: string; readonly metric: M }>();

  constructor(spec: MetricSpec, type: MetricType, make: () => M) {
    this.#spec = spec;
    this.#type = type;
    this.#make = make;
    if (!spec.labels) this.with();
  }

  /**
   * The one with these label values, in the order of the labels; made when it is first asked for.
   * To be kept by who counts often. Beyond `LIMITS.metricSeriesMax`: the one whose values are all
   * `other`.
   */
  with(...values: readonly string[]): M {
    const key = values.join(BETWEEN);
    const known = this.#members.get(key);
    if (known) return known.metric;
    const names = this.#spec.labels ?? [];
    if (this.#members.size >= LIMITS.metricSeriesMax) {
      const others = names.map(() => "other");
      const rest = this.#members.get(others.join(BETWEEN));
      return rest ? rest.metric : this.#add(others);
    }
    return this.#add(values);
  }

  text(): string {
    let lines = "";
    for (const { labels, metric } of this.#members.values()) {
      lines += metric.lines(this.#spec.name, labels);
    }
    return metricText(this.#spec, this.#type, lines);
  }

  #add(values: readonly string[]): M {
    const metric = this.#make();
    const labels = labelText(this.#spec.labels ?? [], values);
    this.#members.set(values.join(BETWEEN), { labels, metric });
    return metric;
  }
}
