/** The server's figures for Prometheus. */

import { Type } from "@sinclair/typebox";
import { type CallOperation, defineOperation, TextOutput } from "../../core/operation.ts";
import type { FeatureHost } from "../../core/registry.ts";
import { METRICS_TYPE } from "../../infra/metrics/text.ts";
import { mayScrape } from "./service.ts";

export function metricsOperation(version: string, { metrics }: FeatureHost): CallOperation {
  metrics.read({
    name: "parvis_build_info",
    help: "What runs, in its labels.",
    type: "gauge",
    labels: ["version"],
    read: () => [{ labels: [version], value: 1 }],
  });
  return defineOperation({
    name: "system.metrics",
    kind: "read",
    summary: "The server's figures in the Prometheus text format",
    input: Type.Object({}),
    output: TextOutput,
    answers: "text",
    access: mayScrape,
    errors: [],
    // Every few seconds, for ever: the request log has better to show.
    quiet: true,
    rest: [{ method: "GET", path: "/metrics" }],
    run: async ({ log }) => ({ type: METRICS_TYPE, text: await metrics.text(log) }),
  });
}
