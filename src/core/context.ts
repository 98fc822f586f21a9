/** What an operation works with: who calls, time, ids, the database, and its events. */

import type { Clock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Bus } from "../infra/bus/bus.ts";
import type { Database, Reader, Transaction, WriteOptions } from "../infra/db/database.ts";
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
}

/** What rules may ask about the request; a wire without HTTP makes up the equivalent. */
export interface RequestFacts {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
}

export interface ContextOptions {
  readonly caller: Caller;
  readonly requestId: string;
  /** The bearer token the caller came with. */
  readonly token?: string;
  readonly request?: RequestFacts;
  /** Aborted when the client is gone before the answer. */
  readonly signal?: AbortSignal;
}

export class Context {
  readonly caller: Caller;
  readonly requestId: string;
  readonly token: string | undefined;
  readonly request: RequestFacts | undefined;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly hooks: Hooks;
  readonly log: Log;
  readonly #runtime: Runtime;
  #tx: Transaction | undefined;
  #events: DomainEvent[] = [];
  #afterCommit: (() => void)[] = [];

  constructor(runtime: Runtime, options: ContextOptions) {
    this.#runtime = runtime;
    this.caller = options.caller;
    this.requestId = options.requestId;
    this.token = options.token;
    this.request = options.request;
    this.signal = options.signal;
    this.clock = runtime.clock;
    this.ids = runtime.ids;
    this.hooks = runtime.hooks;
    this.log = runtime.log.child({ request: options.requestId });
  }

  /** Reads: inside a transaction its own view, else the readers'. */
  get db(): Reader {
    return this.#tx ?? this.#runtime.db;
  }

  /** The open transaction. Asking for one outside `transaction` is a programmer's error. */
  get tx(): Transaction {
    assert(this.#tx, "a write outside ctx.transaction");
    return this.#tx;
  }

  /**
   * Runs `work` in the write transaction; within one already open, in a savepoint of it. Events made
   * in it are published after the outermost commit, and dropped with what is undone. `work` awaits
   * nothing but the database: no network, no worker, no hashing.
   */
  async transaction<T>(work: () => Promise<T>, options: WriteOptions = {}): Promise<T> {
    const events = this.#events.length;
    const works = this.#afterCommit.length;
    const forget = () => {
      this.#events.length = events;
      this.#afterCommit.length = works;
    };
    if (this.#tx) {
      try {
        return await this.#tx.savepoint(work);
      } catch (error) {
        forget();
        throw error;
      }
    }
    try {
      return await this.#runtime.db.write(async (tx) => {
        this.#tx = tx;
        try {
          return await work();
        } finally {
          this.#tx = undefined;
        }
      }, options);
    } catch (error) {
      forget();
      throw error;
    } finally {
      this.#publish();
    }
  }

  /** Does something that cannot be undone: at once, or after the commit when a transaction is open. */
  afterCommit(work: () => void): void {
    this.#afterCommit.push(work);
    if (!this.#tx) this.#publish();
  }

  /** Tells the bus: at once, or after the commit when a transaction is open. */
  emit(event: NewEvent): void {
    this.#events.push({ ...event, at: this.clock.now() });
    if (!this.#tx) this.#publish();
  }

  #publish(): void {
    for (const event of this.#events.splice(0)) this.#runtime.bus.publish(event);
    for (const work of this.#afterCommit.splice(0)) work();
  }
}
