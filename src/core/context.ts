/** What an operation works with: who calls, time, ids, the database, and its events. */

import type { Clock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Bus } from "../infra/bus/bus.ts";
import type { Database, Reader, Transaction, WriteOptions } from "../infra/db/database.ts";
import type { Metrics } from "../infra/metrics/metrics.ts";
import type { SentFiles } from "../tools/fields/upload.ts";
import type { Caller } from "./access.ts";
import type { Hooks } from "./hooks.ts";

/** Who may hear of an event; decided by the feature that makes it, obeyed by every wire. */
export type Audience =
  | { readonly to: "everyone" }
  | { readonly to: "nobody" }
  | { readonly to: "users"; readonly ids: readonly string[] };

/** A fact of the past. Published once, after the commit of what it tells. */
export interface DomainEvent {
  readonly topic: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly audience: Audience;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type EventBus = Bus<DomainEvent>;
export type NewEvent = Omit<DomainEvent, "at">;

/** What everything in the server is made from; handed down, never reached for. */
export interface Runtime {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly db: Database;
  readonly bus: EventBus;
  readonly hooks: Hooks;
  readonly metrics: Metrics;
}

/** What rules may ask about the request; a wire without HTTP makes up the equivalent. */
export interface RequestFacts {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** Files of a form, gone when the call ends unless somebody stored them. */
  readonly files?: SentFiles;
  /** Asked for as a part of a batch. */
  readonly batched?: boolean;
  /** Aborted when the client is gone before the answer. */
  readonly signal?: AbortSignal;
}

export interface ContextOptions {
  readonly caller: Caller;
  readonly requestId: string;
  /** The bearer token the caller came with. */
  readonly token?: string;
  readonly request?: RequestFacts;
}

/** What contexts of one piece of work share. */
interface Unit {
  tx: Transaction | undefined;
  readonly events: DomainEvent[];
  readonly afterCommit: (() => void)[];
  readonly onRollback: (() => void)[];
}

export class Context {
  readonly caller: Caller;
  readonly requestId: string;
  readonly token: string | undefined;
  readonly request: RequestFacts | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly hooks: Hooks;
  #log: Log | undefined;
  readonly #runtime: Runtime;
  readonly #options: ContextOptions;
  #unit: Unit = { tx: undefined, events: [], afterCommit: [], onRollback: [] };

  constructor(runtime: Runtime, options: ContextOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.caller = options.caller;
    this.requestId = options.requestId;
    this.token = options.token;
    this.request = options.request;
    this.clock = runtime.clock;
    this.ids = runtime.ids;
    this.hooks = runtime.hooks;
  }

  get log(): Log {
    this.#log ??= this.#runtime.log.child({ request: this.requestId });
    return this.#log;
  }

  /** The same work, its transaction and events, as another request would have asked for it. */
  asking(request: RequestFacts): Context {
    const context = new Context(this.#runtime, { ...this.#options, request });
    context.#unit = this.#unit;
    return context;
  }

  /** Reads: inside a transaction its own view, else the readers'. */
  get db(): Reader {
    return this.#unit.tx ?? this.#runtime.db;
  }

  /** The open transaction. Asking for one outside `transaction` is a programmer's error. */
  get tx(): Transaction {
    assert(this.#unit.tx, "a write outside ctx.transaction");
    return this.#unit.tx;
  }

  /**
   * Runs `work` in the write transaction; within one already open, in a savepoint of it. Events made
   * in it are published after the outermost commit, and dropped with what is undone. `work` awaits
   * nothing but the database: no network, no worker, no hashing.
   */
  async transaction<T>(work: () => Promise<T>, options: WriteOptions = {}): Promise<T> {
    const events = this.#unit.events.length;
    const works = this.#unit.afterCommit.length;
    const undoings = this.#unit.onRollback.length;
    const forget = () => {
      this.#unit.events.length = events;
      this.#unit.afterCommit.length = works;
      for (const undo of this.#unit.onRollback.splice(undoings)) undo();
    };
    if (this.#unit.tx) {
      try {
        return await this.#unit.tx.savepoint(work);
      } catch (error) {
        forget();
        throw error;
      }
    }
    try {
      return await this.#runtime.db.write(async (tx) => {
        this.#unit.tx = tx;
        try {
          return await work();
        } finally {
          this.#unit.tx = undefined;
        }
      }, options);
    } catch (error) {
      forget();
      throw error;
    } finally {
      this.#unit.onRollback.length = 0;
      this.#publish();
    }
  }

  /**
   * Takes something back that the transaction does not cover, when what is written now is undone.
   * Without an open transaction nothing is: the caller sees its own failure.
   */
  onRollback(work: () => void): void {
    if (this.#unit.tx) this.#unit.onRollback.push(work);
  }

  /** Does something that cannot be undone: at once, or after the commit when a transaction is open. */
  afterCommit(work: () => void): void {
    this.#unit.afterCommit.push(work);
    if (!this.#unit.tx) this.#publish();
  }

  /** Tells the bus: at once, or after the commit when a transaction is open. */
  emit(event: NewEvent): void {
    this.#unit.events.push({ ...event, at: this.clock.now() });
    if (!this.#unit.tx) this.#publish();
  }

  #publish(): void {
    const { events, afterCommit } = this.#unit;
    if (events.length > 0) for (const event of events.splice(0)) this.#runtime.bus.publish(event);
    if (afterCommit.length > 0) for (const work of afterCommit.splice(0)) work();
  }
}
