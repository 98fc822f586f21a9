/** The lines of the text exposition format 0.0.4. */

import { assert } from "../../base/errors.ts";

export type MetricType = "counter" | "gauge" | "histogram";

export interface MetricSpec {
  /** With its prefix and its unit; counters end in `_total`. */
  readonly name: string;
  /** One sentence for whoever reads the scrape. */
  readonly help: string;
  readonly labels?: readonly string[];
}

/** The media type of the whole. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Nothing where there are no lines. */
export function metricText({ name, help }: MetricSpec, type: MetricType, lines: string): string {
  if (lines === "") return "";
  const said = help.replace(/[\\\n]/g, (mark) => (mark === "\n" ? "\\n" : "\\\\"));
  return `# HELP ${name} ${said}\n# TYPE ${name} ${type}\n${lines}`;
}

export function seriesLine(name: string, labels: string, value: number): string {
  return `${name}${labels} ${numberText(value)}\n`;
}

/** `{method="GET",route="/"}`, or nothing without labels. As many values as names. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  assert(names.length === values.length, `a value for each of the labels ${names.join(", ")}`);
  if (names.length === 0) return "";
  return `{${names.map((name, index) => `${name}="${escaped(values[index] ?? "")}"`).join(",")}}`;
}

export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (mark) => ESCAPES[mark] ?? mark);
}
