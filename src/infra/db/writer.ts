/**
 * The one place that writes: a queue in order of arrival, and a transaction for each group of it.
 * A transaction's end closes everything made for it: the job's `Transaction` refuses later use, so
 * work that was not awaited cannot slip into a neighbour's.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { type AppError, assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import type { Changes } from "./changes.ts";
import type { Connection } from "./connection.ts";
import type { Transaction } from "./database.ts";
import { databaseBusy, databaseFailed, isBusy, statementError } from "./errors.ts";
import type { DatabaseMeter } from "./meter.ts";
import { SqliteTransaction } from "./transaction.ts";

/** `pause` runs between transactions, with none open: the log's checkpoint. */
type JobKind = "shared" | "exclusive" | "pause";

interface Job {
  readonly kind: JobKind;
  readonly work: (tx: Transaction) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** On the monotonic clock. */
  readonly deadline: number;
  next: Job | undefined;
}

export interface WriterOptions {
  readonly connection: Connection;
  /** Told of everything that is written. */
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each transaction. */
  readonly committed: () => void;
  readonly meter: DatabaseMeter;
}

/** First and longest wait between two attempts to get the lock from another process. */
const RETRY_MS = { first: 1, longest: 20 };

export class Writer {
  readonly #connection: Connection;
  readonly #changes: Changes;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #committed: () => void;
  readonly #meter: DatabaseMeter;
  #head: Job | undefined;
  #tail: Job | undefined;
  #waiting = 0;
  #running: Promise<void> | undefined;
  #waitTimer: Timer | undefined;
  #retryMs = RETRY_MS.first;
  #commits = 0;

  constructor(options: WriterOptions) {
    this.#connection = options.connection;
    this.#changes = options.changes;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#committed = options.committed;
    this.#meter = options.meter;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get commits(): number {
    return this.#commits;
  }

  /** Queues `work`; settles after its commit or rollback. See `Database.write` for the errors. */
  queue<T>(kind: JobKind, work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#waiting >= LIMITS.writeQueueMax) {
      this.#meter.refused.inc();
      return Promise.reject(databaseBusy());
    }
    const answer = Promise.withResolvers<T>();
    this.#push({
      kind,
      work,
      // What comes back is what `work` of this very job returned.
      resolve: (value) => answer.resolve(value as T),
      reject: answer.reject,
      deadline: this.#clock.monotonic() + LIMITS.writeWaitMs,
      next: undefined,
    });
    this.#running ??= this.#drain();
    return answer.promise;
  }

  /** Resolves when nothing waits or runs any more. The caller lets nothing new in. */
  async idle(): Promise<void> {
    await this.#running;
    this.#waitTimer?.clear();
  }

  #push(job: Job): void {
    if (this.#tail) this.#tail.next = job;
    else this.#head = job;
    this.#tail = job;
    this.#waiting++;
    this.#watchWaits();
  }

  #pop(): Job {
    const job = this.#head;
    assert(job, "a job waits");
    this.#head = job.next;
    if (!this.#head) this.#tail = undefined;
    this.#waiting--;
    return job;
  }

  /**
   * All jobs may wait equally long and stand in order of arrival, so one timer for the first one
   * is enough. It is not moved when that one starts: it then finds nothing due and is set anew.
   */
  #watchWaits(): void {
    if (this.#waitTimer || !this.#head) return;
    const delay = Math.max(1, this.#head.deadline - this.#clock.monotonic());
    this.#waitTimer = this.#clock.after(delay, () => {
      this.#waitTimer = undefined;
      this.#expire();
      this.#watchWaits();
    });
  }

  #expire(): void {
    const now = this.#clock.monotonic();
    const before = this.#waiting;
    while (this.#head && this.#head.deadline <= now) this.#pop().reject(databaseBusy());
    const gaveUp = before - this.#waiting;
    if (gaveUp === 0) return;
    this.#meter.refused.inc(gaveUp);
    this.#log.warn("writes gave up waiting for the database", { gaveUp, waiting: this.#waiting });
  }

  async #drain(): Promise<void> {
    for (;;) {
      // Calls that arrive in the same turn of the event loop join the group, and between groups
      // the loop gets its turn.
      await new Promise<void>((next) => setImmediate(next));
      if (!this.#head) {
        // In this very turn: a job queued before a later one would find nobody at work.
        this.#running = undefined;
        return;
      }
      if (this.#head.kind === "pause") await this.#pause(this.#pop());
      else if (await this.#begin()) await this.#group();
    }
  }

  async #pause(job: Job): Promise<void> {
    const tx = new SqliteTransaction(this.#connection, this.#changes);
    tx.end();
    this.#connection.unshare();
    try {
      job.resolve(await job.work(tx));
    } catch (error) {
      job.reject(error);
    }
  }

  /** False: not begun, look at the queue again. */
  async #begin(): Promise<boolean> {
    try {
      this.#connection.unshare();
      this.#connection.run("BEGIN IMMEDIATE");
      this.#retryMs = RETRY_MS.first;
      return true;
    } catch (error) {
      if (!isBusy(error)) {
        this.#pop().reject(databaseFailed(error));
        return false;
      }
    }
    // Another process writes. The jobs stay queued, where their own wait is bounded.
    await pause(this.#clock, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.longest);
    return false;
  }

  async #group(): Promise<void> {
    const started = this.#clock.monotonic();
    const first = this.#pop();
    this.#waited(first, started);
    const answers: (() => void)[] = [];
    const members: Job[] = [first];
    // One job alone needs no savepoint: it and the transaction are undone together.
    const shared = first.kind === "shared" && this.#head?.kind === "shared";
    let failed = await this.#runJob(first, { shared, answers });
    while (shared && this.#connection.inTransaction && this.#head?.kind === "shared") {
      if (members.length >= LIMITS.writeGroupMax) break;
      const now = this.#clock.monotonic();
      if (now - started >= LIMITS.writeGroupMs) break;
      const job = this.#pop();
      this.#waited(job, now);
      members.push(job);
      failed = await this.#runJob(job, { shared, answers });
    }
    const lost = this.#finish({ undo: !shared && failed });
    if (lost) for (const job of members) job.reject(lost);
    else for (const answer of answers) answer();
    const committed = lost ? 0 : answers.length;
    this.#meter.written.inc(committed);
    this.#meter.undone.inc(members.length - committed);
    this.#meter.transactionSeconds.observe((this.#clock.monotonic() - started) / 1000);
    try {
      this.#committed();
    } catch (error) {
      this.#log.error("after a commit", { error });
    }
  }

  #waited(job: Job, now: number): void {
    const queuedAt = job.deadline - LIMITS.writeWaitMs;
    this.#meter.waitSeconds.observe(Math.max(0, now - queuedAt) / 1000);
  }

  /** True: it failed, is undone and answered. */
  async #runJob(job: Job, group: { shared: boolean; answers: (() => void)[] }): Promise<boolean> {
    const tx = new SqliteTransaction(this.#connection, this.#changes);
    const { mark } = this.#changes;
    try {
      if (group.shared) this.#connection.run("SAVEPOINT job");
      const value = await job.work(tx);
      tx.end();
      if (group.shared) this.#connection.run("RELEASE job");
      group.answers.push(() => job.resolve(value));
      return false;
    } catch (error) {
      tx.abandon();
      if (group.shared) this.#undoJob(mark);
      job.reject(statementError(error));
      return true;
    }
  }

  #undoJob(mark: number): void {
    // A full disk and the like make SQLite undo the whole transaction: then there is no savepoint.
    if (!this.#connection.inTransaction) return;
    try {
      this.#connection.run("ROLLBACK TO job");
      this.#connection.run("RELEASE job");
      this.#changes.undoTo(mark);
    } catch (error) {
      this.#log.error("a failed write could not be undone alone", { error });
      this.#rollback();
    }
  }

  /** Ends the transaction; returns why it was lost, if it was. */
  #finish(options: { undo: boolean }): AppError | undefined {
    if (options.undo) {
      this.#rollback();
      return undefined;
    }
    try {
      assert(this.#connection.inTransaction, "the write transaction is still open at its end");
      this.#connection.run("COMMIT");
      this.#changes.commit();
      this.#commits++;
      return undefined;
    } catch (error) {
      this.#log.error("a write transaction was lost", { error });
      this.#rollback();
      return databaseFailed(error);
    }
  }

  #rollback(): void {
    this.#changes.undoTo(0);
    if (!this.#connection.inTransaction) return;
    try {
      this.#connection.run("ROLLBACK");
    } catch (error) {
      this.#log.error("a transaction could not be rolled back", { error });
    }
  }
}

/**
 * Waits. The clock's timers let the process end; here a command may have nothing else to keep it
 * alive until another process gives the lock back.
 */
export async function pause(clock: Clock, delayMs: number): Promise<void> {
  const alive = setInterval(() => undefined, 1_000);
  await new Promise<void>((done) => clock.after(delayMs, done));
  clearInterval(alive);
}

/** The error of everything asked of a database after `close`. */
export function databaseClosed(): AppError {
  return fail.unavailable("database_closed", "The server is shutting down.");
}
