/**
 * One long-lived connection of any wire: who it belongs to, when that ends, and the stream of
 * messages to it.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Caller } from "./access.ts";

/** Why a connection ended, in the words the client gets. */
export type EndReason = (typeof END_REASONS)[number];

export const END_REASONS = [
  "client_gone",
  "token_expired",
  "token_revoked",
  "slow_consumer",
  "server_stopping",
  "replaced",
  "protocol_error",
  "finished",
] as const;

/** JSON made once, for every stream that it goes to. */
export class EncodedJson {
  readonly text: string;

  constructor(value: unknown) {
    this.text = JSON.stringify(value);
  }
}

export interface StreamMessage {
  /** Offset, where the stream can be resumed from. */
  readonly id?: string;
  readonly event?: string;
  readonly data: unknown;
}

/** The data of a message as JSON text. */
export function dataText({ data }: StreamMessage): string {
  return data instanceof EncodedJson ? data.text : JSON.stringify(data);
}

/** What a watch operation writes to. Never throws; after its end, pushes are dropped. */
export interface Stream {
  /** The connection behind it. */
  readonly session: Session;
  readonly ended: boolean;
  /** The last offset the client has seen, when it said so. */
  readonly lastEventId: string | undefined;
  push(message: StreamMessage): void;
  end(reason: EndReason): void;
  onEnd(listener: (reason: EndReason) => void): void;
}

export interface SessionOptions {
  readonly id: string;
  readonly wire: string;
  readonly caller: Caller;
  readonly clock: Clock;
}

/** Ends with its token: the caller's `expiresAt` sets a timer, `renew` moves it. */
export class Session {
  readonly id: string;
  readonly wire: string;
  readonly #clock: Clock;
  #caller: Caller;
  #expiry: Timer | undefined;
  #ended: EndReason | undefined;
  readonly #listeners: ((reason: EndReason) => void)[] = [];
  readonly #renewals: (() => void)[] = [];

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.wire = options.wire;
    this.#clock = options.clock;
    this.#caller = options.caller;
    this.#watchExpiry();
  }

  get caller(): Caller {
    return this.#caller;
  }

  get ended(): EndReason | undefined {
    return this.#ended;
  }

  /** A fresh token for the same client, or the first one of a guest. */
  renew(caller: Caller): void {
    if (this.#ended) return;
    this.#caller = caller;
    this.#watchExpiry();
    for (const listener of this.#renewals) listener();
  }

  onRenew(listener: () => void): void {
    this.#renewals.push(listener);
  }

  end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#expiry?.clear();
    for (const listener of this.#listeners.splice(0)) listener(reason);
  }

  /** Called once; at once when it has already ended. */
  onEnd(listener: (reason: EndReason) => void): void {
    if (this.#ended) listener(this.#ended);
    else this.#listeners.push(listener);
  }

  #watchExpiry(): void {
    this.#expiry?.clear();
    const { caller } = this;
    if (caller.kind !== "user" && caller.kind !== "superuser") return;
    this.#expireIn(caller.expiresAt - this.#clock.now());
  }

  /** Timers hold at most 2^31 ms; a longer life is watched in stretches. */
  #expireIn(remainingMs: number): void {
    const stretch = Math.min(remainingMs, 2 ** 31 - 1);
    this.#expiry = this.#clock.after(stretch, () => {
      if (remainingMs > stretch) this.#expireIn(remainingMs - stretch);
      else this.end("token_expired");
    });
  }
}
