/** Who calls, and who may. */

import { fail } from "../base/errors.ts";

interface Origin {
  /** The client's address, after trusted proxies were taken into account. */
  readonly ip: string;
}

export interface GuestCaller extends Origin {
  readonly kind: "guest";
  /** Came with the operator's token for this one thing, which is nobody's account. */
  readonly pass?: "metrics";
}

/** Somebody signed in to an auth collection. */
export interface UserCaller extends Origin {
  readonly kind: "user";
  readonly id: string;
  readonly collection: string;
  readonly name: string;
  /** Milliseconds since the epoch; the connection ends then unless a fresh token came. */
  readonly expiresAt: number;
  /** Whether the token may be exchanged for a fresh one. */
  readonly refreshable: boolean;
  /** The account's stored values as of this call, its secrets among them. */
  readonly record: Readonly<Record<string, unknown>>;
}

export interface SuperuserCaller extends Origin {
  readonly kind: "superuser";
  readonly id: string;
  readonly collection: string;
  readonly expiresAt: number;
  readonly refreshable: boolean;
  readonly record: Readonly<Record<string, unknown>>;
}

/** One participation in one room, by its own token: a guest's only way to act there. */
export interface ParticipantCaller extends Origin {
  readonly kind: "participant";
  readonly participantId: string;
  readonly roomId: string;
  readonly userId: string | null;
  readonly name: string;
}

/** The server itself: start-up work, timers, and the command line on a stopped server. */
export interface SystemCaller extends Origin {
  readonly kind: "system";
}

export type Caller = GuestCaller | UserCaller | SuperuserCaller | ParticipantCaller | SystemCaller;

/** Nobody signed in. The address is asked for when it counts. */
export class Guest implements GuestCaller {
  readonly kind = "guest";
  readonly #origin: Origin;

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  get ip(): string {
    return this.#origin.ip;
  }
}

export const SYSTEM: SystemCaller = { kind: "system", ip: "127.0.0.1" };

/** Superusers and the server itself: no rule and no rate limit holds them. */
export function isPrivileged(caller: Caller): boolean {
  return caller.kind === "superuser" || caller.kind === "system";
}

/** The users id behind a call, null for guests and for callers that are not a user. */
export function userIdOf(caller: Caller): string | null {
  if (caller.kind === "user") return caller.id;
  return caller.kind === "participant" ? caller.userId : null;
}

/** Counts against the same budget: one user wherever it calls from, guests by address. */
export function callerKey(caller: Caller): string {
  switch (caller.kind) {
    case "user":
    case "superuser":
      return `${caller.collection}:${caller.id}`;
    case "participant":
      return caller.userId ? `users:${caller.userId}` : `participant:${caller.participantId}`;
    case "guest":
      return `ip:${caller.ip}`;
    case "system":
      return "system";
  }
}

/** anyone: guests too. signed_in: a user or superuser. */
type Standing = "anyone" | "signed_in" | "superuser";

/** A function decides by throwing. */
export type Access<Input> = Standing | ((caller: Caller, input: Input) => void | Promise<void>);

/**
 * Errors: 401 `unauthenticated` for guests where a user is needed, 403 `forbidden` for users where
 * a superuser is.
 */
export function checkStanding(needed: Standing, caller: Caller): void {
  if (needed === "anyone" || isPrivileged(caller)) return;
  if (caller.kind === "guest" || caller.kind === "participant") throw unauthenticated();
  if (needed === "superuser") {
    throw fail.forbidden("forbidden", "Only superusers may do this.");
  }
}

export function unauthenticated() {
  return fail.unauthenticated("unauthenticated", "Sign in first: this needs a valid token.");
}
