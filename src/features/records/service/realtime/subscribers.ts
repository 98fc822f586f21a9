/**
 * Who listens to what. Clients of one caller with one subscription text are one group: what an
 * event is to one of them it is to all.
 */

import { fail } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Caller } from "../../../../core/access.ts";
import type { Context } from "../../../../core/context.ts";
import type { Models } from "../models.ts";
import type { RequestInfo } from "../request.ts";
import type { RealtimeClient } from "./client.ts";
import { parseTopic, type Topic } from "./topic.ts";

export interface Group {
  readonly topic: Topic;
  readonly members: Set<RealtimeClient>;
  /** Who asks: a user or superuser with its values as of now, else a guest. */
  caller: Caller;
  /** What was made of all that for rules, good for this caller and schema. */
  asked?: { readonly caller: Caller; readonly models: Models } & Asked;
}

/** The subscription as a request. */
export interface Asked {
  readonly context: Context;
  readonly request: RequestInfo;
}

export class Subscribers {
  /** By topic name, then by caller and text. */
  readonly #groups = new Map<string, Map<string, Group>>();
  readonly #clients = new Map<string, RealtimeClient>();
  /** Clients by account; guests are not in it. */
  readonly #byAccount = new Map<string, Set<RealtimeClient>>();
  #chars = 0;

  get size(): number {
    return this.#clients.size;
  }

  get all(): Iterable<RealtimeClient> {
    return this.#clients.values();
  }

  client(id: string): RealtimeClient | undefined {
    return this.#clients.get(id);
  }

  add(client: RealtimeClient): void {
    this.#clients.set(client.id, client);
  }

  remove(client: RealtimeClient): void {
    this.#leaveAll(client);
    this.#clients.delete(client.id);
  }

  /**
   * Puts `texts` in place of all the client listened to. Error: 503 `too_many_subscriptions` when
   * the server holds too much of them; the client's are then as they were.
   */
  replace(client: RealtimeClient, caller: Caller, texts: readonly string[]): void {
    const wanted = [...new Set(texts)].filter((text) => text !== "");
    const chars = wanted.reduce((sum, text) => sum + text.length, 0);
    if (this.#chars - charsOf(client) + chars > LIMITS.realtimeTopicsCharsMax) {
      throw fail.unavailable("too_many_subscriptions", "The server holds too many subscriptions.");
    }
    this.#leaveAll(client);
    client.caller = caller;
    const account = accountKey(caller);
    if (account !== undefined) {
      const own = this.#byAccount.get(account) ?? new Set();
      this.#byAccount.set(account, own.add(client));
    }
    for (const text of wanted) {
      const group = this.#group(text, caller);
      group.members.add(client);
      client.groups.set(text, group);
    }
    this.#chars += chars;
  }

  unsubscribe(client: RealtimeClient, text: string): void {
    const group = client.groups.get(text);
    if (group) this.#leave(client, group);
  }

  /** Groups that listen to one of the topics. */
  of(names: readonly string[]): Group[] {
    return names.flatMap((name) => [...(this.#groups.get(name)?.values() ?? [])]);
  }

  has(name: string): boolean {
    return this.#groups.has(name);
  }

  isAccount(collection: string, id: string): boolean {
    return this.#byAccount.has(`${collection}:${id}`);
  }

  /** The account's values changed: rules about its clients are asked with the new ones. */
  refresh(collection: string, record: { readonly id: string }): void {
    for (const client of this.#byAccount.get(`${collection}:${record.id}`) ?? []) {
      const { caller } = client;
      if (caller.kind !== "user" && caller.kind !== "superuser") continue;
      client.caller = { ...caller, record };
      for (const group of client.groups.values()) group.caller = client.caller;
    }
  }

  #group(text: string, caller: Caller): Group {
    const key = `${accountKey(caller) ?? ""} ${text}`;
    const [name = ""] = text.split("?", 1);
    const groups = this.#groups.get(name) ?? new Map<string, Group>();
    this.#groups.set(name, groups);
    const group = groups.get(key) ?? { topic: parseTopic(text), members: new Set(), caller };
    // The account's values are never older than those of its last sign of life.
    group.caller = caller;
    groups.set(key, group);
    return group;
  }

  #leaveAll(client: RealtimeClient): void {
    for (const group of [...client.groups.values()]) this.#leave(client, group);
    const account = accountKey(client.caller);
    if (account === undefined) return;
    const own = this.#byAccount.get(account);
    own?.delete(client);
    if (own?.size === 0) this.#byAccount.delete(account);
  }

  #leave(client: RealtimeClient, group: Group): void {
    const { text, name } = group.topic;
    client.groups.delete(text);
    group.members.delete(client);
    this.#chars -= text.length;
    if (group.members.size > 0) return;
    const groups = this.#groups.get(name);
    groups?.delete(`${accountKey(client.caller) ?? ""} ${text}`);
    if (groups?.size === 0) this.#groups.delete(name);
  }
}

/** Undefined for guests. */
export function accountKey(caller: Caller): string | undefined {
  const known = caller.kind === "user" || caller.kind === "superuser";
  return known ? `${caller.collection}:${caller.id}` : undefined;
}

function charsOf({ groups }: RealtimeClient): number {
  let chars = 0;
  for (const text of groups.keys()) chars += text.length;
  return chars;
}
