/**
 * Every open connection of every wire, so that a revoked token or a stopping server ends them all.
 * close() ends the sessions; each session's wire then closes its connection.
 */

import { fail } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Counter, Series } from "../infra/metrics/families.ts";
import type { Metrics } from "../infra/metrics/metrics.ts";
import { type Caller, callerKey, isPrivileged } from "./access.ts";
import { END_REASONS, type EndReason, type Session } from "./session.ts";

export class Hub {
  readonly #sessions = new Set<Session>();
  readonly #byCaller = new Map<string, Set<Session>>();
  /** How many are open, by wire. */
  readonly #open = new Map<string, number>();
  readonly #ended: Series<Counter>;
  readonly #delivered: Series<Counter>;
  #closed = false;

  constructor(metrics: Metrics) {
    metrics.read({
      name: "parvis_connections",
      help: "Open long-lived connections by wire; room: participants of rooms.",
      type: "gauge",
      labels: ["wire"],
      read: () => [...this.#open].map(([wire, value]) => ({ labels: [wire], value })),
    });
    this.#ended = metrics.counter({
      name: "parvis_connections_ended_total",
      help: "Connections that ended, by wire and reason; slow_consumer: its outbox was full.",
      labels: ["wire", "reason"],
    });
    this.#delivered = metrics.counter({
      name: "parvis_messages_delivered_total",
      help: "Messages handed to connections by wire; room: those to data channels.",
      labels: ["wire"],
    });
  }

  /**
   * Makes a wire known, so that its numbers begin at nought: a rate needs that before the first
   * one. Returns what counts the messages handed to its connections; to be kept by the wire.
   */
  announce(wire: string): Counter {
    if (!this.#open.has(wire)) {
      this.#open.set(wire, 0);
      for (const reason of END_REASONS) this.#ended.with(wire, reason);
    }
    return this.#delivered.with(wire);
  }

  /**
   * `perCallerMax` holds for the caller that the session begins with. Errors: 429
   * `too_many_connections` for one caller, 503 `too_many_connections` for all, 503 `stopping`.
   */
  attach(session: Session, perCallerMax: number = LIMITS.sseConnectionsPerCallerMax): void {
    if (this.#closed) throw fail.unavailable("stopping", "The server is stopping.");
    if (this.#sessions.size >= LIMITS.sseConnectionsMax) {
      throw fail.unavailable("too_many_connections", "The server has no connection to spare.");
    }
    let key = callerKey(session.caller);
    const count = this.#byCaller.get(key)?.size ?? 0;
    if (count >= perCallerMax && !isPrivileged(session.caller)) {
      throw fail.rate_limited("too_many_connections", "Too many open connections.");
    }
    this.#sessions.add(session);
    this.#enter(key, session);
    this.#count(session);
    // A guest that signs in on an open connection is revoked as whom it became.
    session.onRenew(() => {
      this.#leave(key, session);
      key = callerKey(session.caller);
      this.#enter(key, session);
    });
    session.onEnd(() => {
      this.#sessions.delete(session);
      this.#leave(key, session);
    });
  }

  #count(session: Session): void {
    const { wire } = session;
    this.announce(wire);
    const add = (count: number) => this.#open.set(wire, (this.#open.get(wire) ?? 0) + count);
    add(1);
    session.onEnd((reason) => {
      add(-1);
      this.#ended.with(wire, reason).inc();
    });
  }

  #enter(key: string, session: Session): void {
    const own = this.#byCaller.get(key) ?? new Set();
    this.#byCaller.set(key, own.add(session));
  }

  #leave(key: string, session: Session): void {
    const own = this.#byCaller.get(key);
    own?.delete(session);
    if (own?.size === 0) this.#byCaller.delete(key);
  }

  /** Ends every connection of one caller: its record is gone or its tokens were revoked. */
  revoke(caller: Pick<Caller & { kind: "user" }, "collection" | "id">): void {
    const own = this.#byCaller.get(`${caller.collection}:${caller.id}`);
    for (const session of [...(own ?? [])]) session.end("token_revoked");
  }

  /** Ends every connection of an auth collection's accounts: none of their tokens counts now. */
  revokeCollection(collection: string): void {
    for (const session of [...this.#sessions]) {
      const { caller } = session;
      const isUser = caller.kind === "user" || caller.kind === "superuser";
      if (isUser && caller.collection === collection) session.end("token_revoked");
    }
  }

  count(wire?: string): number {
    if (!wire) return this.#sessions.size;
    let count = 0;
    for (const session of this.#sessions) if (session.wire === wire) count += 1;
    return count;
  }

  close(reason: EndReason = "server_stopping"): void {
    this.#closed = true;
    for (const session of [...this.#sessions]) session.end(reason);
  }
}
