/**
 * Realtime of records: clients with subscriptions, told of every change they may see, in the order
 * of the commits. Changes come from the records service after their commit; deletions are looked at
 * before they run, because afterwards no rule could be asked.
 *
 * A client ends with its stream, and with it its subscriptions.
 */

import type { Timer } from "../../../../base/clock.ts";
import { fail } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Caller } from "../../../../core/access.ts";
import type { Context } from "../../../../core/context.ts";
import type { FeatureHost } from "../../../../core/registry.ts";
import { EncodedJson, type Stream } from "../../../../core/session.ts";
import type { Collection } from "../../schema.ts";
import type { RecordData } from "../../store/rows.ts";
import type { Models } from "../models.ts";
import { RealtimeClient } from "./client.ts";
import { type Change, Evaluation } from "./evaluation.ts";
import { accountKey, type Group, Subscribers } from "./subscribers.ts";
import { readSubscriptionForm } from "./subscription-form.ts";

export type RealtimeHost = Pick<FeatureHost, "clock" | "context" | "log">;

/** First on every connection; its data tells the client's id. */
const CONNECTED = "PB_CONNECT";

interface Telling {
  readonly group: Group;
  readonly data: EncodedJson;
}

interface Held {
  /** On the monotonic clock. */
  readonly since: number;
  readonly timer: Timer;
}

/** Finds out what is to be told. */
type Job = () => Promise<readonly Telling[]> | readonly Telling[];

export class Realtime {
  readonly #host: RealtimeHost;
  readonly #models: () => Models;
  readonly #subscribers = new Subscribers();
  readonly #jobs: Job[] = [];
  #working = false;
  /** Found out and not yet told, and since when. */
  #tellings: Telling[] = [];
  #held: Held | undefined;

  constructor(host: RealtimeHost, models: () => Models) {
    this.#host = host;
    this.#models = models;
  }

  /** Takes a connection in: as a guest without subscriptions, whoever opened it. */
  connect(stream: Stream): void {
    const client = new RealtimeClient(stream, this.#host.clock);
    this.#subscribers.add(client);
    stream.onEnd(() => this.#subscribers.remove(client));
    client.send(CONNECTED, { clientId: client.id });
  }

  /**
   * Replaces a client's subscriptions and binds it to who asks; a guest may sign in that way,
   * nobody becomes somebody else. Errors: 400 for the body, 404 for an unknown client, 403 for
   * another caller, 503 `too_many_subscriptions`.
   */
  subscribe({ caller, request }: Context, body: unknown): void {
    const isForm = /form/.test(request?.headers.get("content-type") ?? "");
    const { clientId, topics } = readSubscriptionForm(body, isForm);
    const client = this.#subscribers.client(clientId);
    if (!client) throw fail.not_found("unknown_client", "There is no such realtime client.");
    const bound = accountKey(client.caller);
    if (bound !== undefined && bound !== accountKey(caller)) {
      const message = "The connection belongs to somebody else than who asks.";
      throw fail.forbidden("another_caller", message);
    }
    this.#subscribers.replace(client, asListener(caller), topics);
    client.bind(client.caller);
  }

  /** Whether somebody may have to hear of a write there: all it costs while nobody listens. */
  wants(collection: Collection, id: string): boolean {
    if (this.#subscribers.size === 0) return false;
    if (this.#subscribers.isAccount(collection.name, id)) return true;
    return [...listTopics(collection), ...viewTopics(collection, id)].some((name) =>
      this.#subscribers.has(name),
    );
  }

  /** After the commit of a creation or an update. */
  changed(change: Change): void {
    const model = this.#models().find(change.collectionId);
    if (!model) return;
    if (model.isAuth) this.#subscribers.refresh(model.collection.name, change.record);
    this.#queue(model.collection, change.record.id, () => this.#evaluate(change));
  }

  /**
   * Before a deletion runs. Returns what to call after its commit, undefined when nobody listens.
   * Asks the database as it was before the transaction: what went first in a cascade still counts.
   */
  async aboutToDelete(
    collection: Collection,
    record: RecordData,
  ): Promise<(() => void) | undefined> {
    if (!this.wants(collection, record.id)) return undefined;
    const change = { action: "delete", collectionId: collection.id, record } as const;
    const tellings = await this.#evaluate(change, LIMITS.realtimeDeleteFiltersMs);
    if (tellings.length === 0) return undefined;
    return () => {
      // At once where nothing waits: whose own account it was hears of it before being cut off.
      if (this.#working) this.#queue(collection, record.id, () => tellings);
      else tellings.forEach(tell);
    };
  }

  /** Tells everybody who listens to a topic that is no collection's. */
  publish(topic: string, data: unknown): void {
    const encoded = new EncodedJson(data);
    this.#push(() => this.#subscribers.of([topic]).map((group) => ({ group, data: encoded })));
  }

  /** One message to one client, which then no longer listens. False: it does not listen. */
  deliverOnce(clientId: string, topic: string, data: unknown): boolean {
    const client = this.#subscribers.client(clientId);
    if (!client?.groups.has(topic)) return false;
    client.send(topic, data);
    this.#subscribers.unsubscribe(client, topic);
    return true;
  }

  async #evaluate(change: Change, filtersMs?: number): Promise<Telling[]> {
    const models = this.#models();
    const model = models.find(change.collectionId);
    if (!model) return [];
    const { collection } = model;
    const evaluation = new Evaluation({
      host: this.#host,
      models,
      model,
      change,
      ...(filtersMs === undefined ? {} : { filtersMs }),
    });
    const tellings: Telling[] = [];
    const ask = async (names: readonly string[], rule: string | null) => {
      for (const group of this.#subscribers.of(names)) {
        const data = await evaluation.of(group, rule);
        if (data) tellings.push({ group, data });
      }
    };
    await ask(listTopics(collection), collection.listRule);
    await ask(viewTopics(collection, change.record.id), collection.viewRule);
    return tellings;
  }

  /** Where too much waits, those who would hear of this change start again from what is stored. */
  #queue(collection: Collection, id: string, job: Job): void {
    if (this.#jobs.length < LIMITS.realtimeQueueMax) {
      this.#push(job);
      return;
    }
    const names = [...listTopics(collection), ...viewTopics(collection, id)];
    for (const { members } of this.#subscribers.of(names)) {
      for (const client of [...members]) client.cutOff();
    }
  }

  #push(job: Job): void {
    this.#jobs.push(job);
    if (!this.#working) void this.#work();
  }

  /**
   * One change after another: that keeps their order on every connection. Where more of them wait,
   * several are told together: what each connection sends costs more than what it sends.
   */
  async #work(): Promise<void> {
    this.#working = true;
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
      try {
        for (const telling of await job()) this.#tellings.push(telling);
      } catch (cause) {
        this.#host.log.error("a change could not be told", { cause });
      }
      if (this.#jobs.length === 0 || this.#isHeldLong()) this.#tellAll();
    }
    this.#working = false;
  }

  /** The timer is for what waits beside a change that takes long to look at. */
  #isHeldLong(): boolean {
    const { clock } = this.#host;
    this.#held ??= {
      since: clock.monotonic(),
      timer: clock.after(LIMITS.realtimeHeldMs, () => this.#tellAll()),
    };
    return clock.monotonic() - this.#held.since >= LIMITS.realtimeHeldMs;
  }

  #tellAll(): void {
    this.#held?.timer.clear();
    this.#held = undefined;
    for (const telling of this.#tellings.splice(0)) {
      try {
        tell(telling);
      } catch (cause) {
        this.#host.log.error("somebody could not be told of a change", { cause });
      }
    }
  }
}

function tell({ group, data }: Telling): void {
  for (const client of group.members) client.send(group.topic.text, data);
}

function listTopics({ name, id }: Collection): string[] {
  // A name alone is how clients of old say all of it.
  return [`${name}/*`, `${id}/*`, name, id];
}

function viewTopics({ name, id }: Collection, record: string): string[] {
  return [`${name}/${record}`, `${id}/${record}`];
}

/** Participants of rooms and the like are guests to records. A copy: it outlives the request. */
function asListener(caller: Caller): Caller {
  return accountKey(caller) === undefined ? { kind: "guest", ip: caller.ip } : { ...caller };
}
