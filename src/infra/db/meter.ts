/** What of the database is counted and timed. */

import type { Counter, Histogram } from "../metrics/families.ts";
import type { Metrics } from "../metrics/metrics.ts";

/** Seconds. A read is a matter of microseconds, a commit waits for the disk. */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10];

export interface DatabaseMeter {
  readonly readSeconds: Histogram;
  readonly waitSeconds: Histogram;
  readonly transactionSeconds: Histogram;
  readonly written: Counter;
  readonly undone: Counter;
  readonly refused: Counter;
}

export interface DatabaseState {
  /** Writes in the queue, and pages of the log that are not in the main file. */
  stats(): { readonly waiting: number; readonly logPages: number };
}

/** Once for each `Metrics`. */
export function databaseMeter(metrics: Metrics, state: DatabaseState): DatabaseMeter {
  const timed = (name: string, help: string) =>
    metrics.histogram({ name, help, buckets: BUCKETS }).with();
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.read({ name, help, type: "gauge", read });
  gauge("parvis_database_writes_waiting", "Writes in the queue.", () => state.stats().waiting);
  gauge(
    "parvis_database_log_pages",
    "Pages of the write-ahead log that a checkpoint has still to move.",
    () => state.stats().logPages,
  );
  const writes = metrics.counter({
    name: "parvis_database_writes_total",
    help: "Writes by outcome; undone: it failed, refused: it waited too long or the queue was full.",
    labels: ["outcome"],
  });
  return {
    readSeconds: timed("parvis_database_read_seconds", "Time of reads outside of transactions."),
    waitSeconds: timed(
      "parvis_database_write_wait_seconds",
      "Time that writes stood in the queue.",
    ),
    transactionSeconds: timed(
      "parvis_database_transaction_seconds",
      "Time of write transactions, each of one or several writes, with their commit.",
    ),
    written: writes.with("committed"),
    undone: writes.with("undone"),
    refused: writes.with("refused"),
  };
}
