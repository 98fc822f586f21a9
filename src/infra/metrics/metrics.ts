/**
 * What the server counts of itself. The busy paths hold on to their own counter or histogram, so
 * that counting is an addition and no look-up; what can be asked for is read when somebody scrapes.
 */

import { assert } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { Buckets, Counter, type Family, Histogram, Series } from "./families.ts";
import { labelText, type MetricSpec, type MetricType, metricText, seriesLine } from "./text.ts";

export interface HistogramSpec extends MetricSpec {
  /** Upper bounds in the metric's unit, rising; the one without end is understood. */
  readonly buckets: readonly number[];
}

/** One number, or one for each set of label values, in the order of the metric's labels. */
export type Reading =
  | number
  | readonly { readonly labels: readonly string[]; readonly value: number }[];

export interface ReadSpec extends MetricSpec {
  readonly type: Exclude<MetricType, "histogram">;
  /** Asked at each scrape. Undefined: not known now. */
  read(): Reading | undefined | Promise<Reading | undefined>;
}

const NAME = /^[a-z][a-z0-9_]*$/;

export class Metrics {
  readonly #families = new Map<string, Family>();

  /** Error: an assertion for a name that is taken or malformed; so do the others. */
  counter(spec: MetricSpec): Series<Counter> {
    assert(spec.name.endsWith("_total"), `the counter ${spec.name} ends in _total`);
    return this.#add(spec, new Series(spec, "counter", () => new Counter()));
  }

  histogram(spec: HistogramSpec): Series<Histogram> {
    const { buckets } = spec;
    const rising = buckets.every((bound, index) => bound > (buckets[index - 1] ?? 0));
    assert(rising, `the buckets of ${spec.name} rise`);
    const shared = new Buckets(buckets);
    return this.#add(spec, new Series(spec, "histogram", () => new Histogram(shared)));
  }

  /** What somebody else counts or holds already. */
  read(spec: ReadSpec): void {
    this.#add(spec, {
      async text() {
        const reading = await spec.read();
        return reading === undefined
          ? ""
          : metricText(spec, spec.type, readingLines(spec, reading));
      },
    });
  }

  /**
   * Everything in the text exposition format 0.0.4
   * (https://prometheus.io/docs/instrumenting/exposition_formats/). What cannot be read now is left
   * out, with a word in the log: the rest is worth having.
   */
  async text(log: Log): Promise<string> {
    const parts = [...this.#families].map(async ([name, family]) => {
      try {
        return await family.text();
      } catch (cause) {
        log.warn("a metric could not be read", { name, cause });
        return "";
      }
    });
    return (await Promise.all(parts)).join("");
  }

  #add<F extends Family>(spec: MetricSpec, family: F): F {
    const { name, labels = [] } = spec;
    assert(!this.#families.has(name), `the metric ${name} is there once`);
    for (const each of [name, ...labels]) assert(NAME.test(each), `${each} is a metric's name`);
    this.#families.set(name, family);
    return family;
  }
}

function readingLines({ name, labels = [] }: MetricSpec, reading: Reading): string {
  if (typeof reading === "number") return seriesLine(name, "", reading);
  const lines = reading.map((one) => seriesLine(name, labelText(labels, one.labels), one.value));
  return lines.join("");
}
