/**
 * Jobs by the clock: each has an id and a cron expression in UTC. One timer wakes at the start of
 * each minute and starts what is due; a minute that passed while the machine slept is not made up
 * for. stop() ends the timer and waits for the jobs that run.
 */

import type { Clock, Timer } from "../../../../base/clock.ts";
import { assert, fail } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Log } from "../../../../base/log.ts";
import { type CronSchedule, parseCron } from "../../../../tools/cron.ts";

export interface CronJob {
  readonly id: string;
  readonly expression: string;
}

interface Entry extends CronJob {
  readonly schedule: CronSchedule;
  readonly run: () => void | Promise<void>;
  running: boolean;
}

const MINUTE_MS = 60_000;
/** What the server brings itself stands last in lists. */
const BUILT_IN = "__pb";

export class Scheduler {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Set<Promise<void>>();
  #timer: Timer | undefined;
  /** Start of the minute that is waited for. */
  #next = 0;

  constructor(parts: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /**
   * Adds a job, or puts it in the place of the one with its id. A job that still runs when it is
   * due again is left out that time, with a word in the log. Error: 400 `invalid_cron`.
   */
  add(job: CronJob & { readonly run: () => void | Promise<void> }): void {
    const schedule = parseCron(job.expression);
    if (!schedule) {
      throw fail.invalid("invalid_cron", `${job.expression} is not a cron expression.`);
    }
    assert(this.#entries.size < LIMITS.cronJobsMax, "so many cron jobs are a leak");
    const { expression } = schedule;
    this.#entries.set(job.id, { ...job, expression, schedule, running: false });
  }

  remove(id: string): void {
    this.#entries.delete(id);
  }

  /** By id, the server's own last. */
  get jobs(): CronJob[] {
    const jobs = [...this.#entries.values()].map(({ id, expression }) => ({ id, expression }));
    const rank = ({ id }: CronJob) => (id.startsWith(BUILT_IN) ? 1 : 0);
    return jobs.sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  }

  /** Starts a job now and does not wait for it; false where there is none of that id. */
  run(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry) this.#start(entry);
    return entry !== undefined;
  }

  /** Idempotent. */
  start(): void {
    if (this.#timer) return;
    this.#next = nextMinute(this.#clock.now());
    this.#arm();
  }

  /** Resolves when no job runs that runs now. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Waits for running jobs, but no longer than a stop may take. */
  async stop(): Promise<void> {
    this.#timer?.clear();
    this.#timer = undefined;
    if (this.#running.size === 0) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(LIMITS.shutdownGraceMs, resolve);
    await Promise.race([this.idle(), late]);
    timer.clear();
  }

  #arm(): void {
    const wait = Math.max(1, this.#next - this.#clock.now());
    // A clock that was set back must not stop the jobs for hours.
    this.#timer = this.#clock.after(Math.min(wait, MINUTE_MS), () => this.#wake());
  }

  #wake(): void {
    const now = this.#clock.now();
    if (now >= this.#next) this.#startDue(now);
    this.#next = nextMinute(now);
    this.#arm();
  }

  #startDue(now: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.schedule.matches(now)) this.#start(entry);
    }
  }

  #start(entry: Entry): void {
    if (entry.running) {
      this.#log.warn("a cron job still runs and was left out", { job: entry.id });
      return;
    }
    entry.running = true;
    const work = this.#attempt(entry).finally(() => {
      entry.running = false;
      this.#running.delete(work);
    });
    this.#running.add(work);
  }

  async #attempt(entry: Entry): Promise<void> {
    try {
      await entry.run();
    } catch (cause) {
      this.#log.error("a cron job failed", { job: entry.id, cause });
    }
  }
}

function nextMinute(now: number): number {
  return (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS;
}
