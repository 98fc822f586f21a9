/** What the operating system says of this process. */

import { readdir } from "node:fs/promises";
import type { Clock } from "../../base/clock.ts";
import { openFileLimit } from "../machine/probes.ts";
import type { Metrics } from "./metrics.ts";

/** One entry for each open file, on Linux. */
const OPEN_FILES = "/proc/self/fd";

export function describeProcess(metrics: Metrics, clock: Clock): void {
  const startedAt = clock.now() / 1000 - process.uptime();
  metrics.read({
    name: "parvis_process_resident_memory_bytes",
    help: "Resident memory of the server, without its media workers.",
    type: "gauge",
    read: () => process.memoryUsage.rss(),
  });
  metrics.read({
    name: "parvis_process_cpu_seconds_total",
    help: "Processor time of the server, user and system, without its media workers.",
    type: "counter",
    read() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  });
  metrics.read({
    name: "parvis_process_start_time_seconds",
    help: "When the process began, in seconds since the epoch.",
    type: "gauge",
    read: () => startedAt,
  });
  metrics.read({
    name: "parvis_process_open_fds",
    help: "Open files and sockets; left out where the system does not tell.",
    type: "gauge",
    read: countOpenFiles,
  });
  metrics.read({
    name: "parvis_process_max_fds",
    help: "How many files and sockets the process may have open.",
    type: "gauge",
    read: openFileLimit,
  });
}

/** Off the event loop: ten thousand connections are ten thousand entries. */
async function countOpenFiles(): Promise<number | undefined> {
  try {
    return (await readdir(OPEN_FILES)).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
