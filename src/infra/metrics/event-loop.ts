/** How late the event loop is: a timer that looks how long after its time it runs. */

import type { Clock, Timer } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Metrics } from "./metrics.ts";

/** Seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/**
 * Starts measuring. A histogram and not the percentiles that the runtime offers: those hold for one
 * reader's window, and this adds up over every window, reader and server.
 */
export function watchEventLoop(metrics: Metrics, clock: Clock): Timer {
  const lag = metrics
    .histogram({
      name: "parvis_event_loop_lag_seconds",
      help: `How late a timer ran that is due every ${LIMITS.lagSampleMs} ms.`,
      buckets: BUCKETS,
    })
    .with();
  let due = clock.monotonic() + LIMITS.lagSampleMs;
  return clock.every(LIMITS.lagSampleMs, () => {
    const now = clock.monotonic();
    lag.observe(Math.max(0, now - due) / 1000);
    due = now + LIMITS.lagSampleMs;
  });
}
