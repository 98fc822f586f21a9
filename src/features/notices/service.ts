/** Telling people: notifications are stored, bounded, and published for whoever pushes them. */

import { fail, fieldErrors } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { type Caller, unauthenticated, userIdOf } from "../../core/access.ts";
import type { Context } from "../../core/context.ts";
import type { HookHandler } from "../../core/hooks.ts";
import type { FeatureHost } from "../../core/registry.ts";
import { USERS } from "../auth/index.ts";
import { type RecordEvent, Records, type RecordsService, storedDate } from "../records/index.ts";
import { noticeFact } from "./events.ts";
import { NOTIFICATIONS } from "./schema.ts";
import { listNotices, readNotice, surplusNotices } from "./store.ts";

/** Something that concerns one person. */
export interface Notice {
  /** A users id. */
  readonly user: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface NoticesInput {
  readonly unreadOnly: boolean;
  readonly page: number;
  readonly perPage: number;
}

/** What a client says of a notification it may not change. */
const FIXED = ["user", "type", "data"] as const;

export class NoticesService {
  readonly #host: FeatureHost;
  readonly #records: RecordsService;
  #unbind: (() => void) | undefined;

  constructor(host: FeatureHost) {
    this.#host = host;
    this.#records = host.use(Records);
  }

  start(): void {
    const { hooks } = this.#host;
    const unbind = [
      hooks.bind(`record.create:${NOTIFICATIONS}`, this.#created),
      hooks.bind(`record.update:${NOTIFICATIONS}`, updated),
    ];
    this.#unbind = () => {
      for (const take of unbind) take();
    };
  }

  stop(): void {
    this.#unbind?.();
  }

  /**
   * Tells a person, in the caller's transaction where there is one. Nobody is told of their own
   * act, and nobody who is no longer there.
   */
  async notify(context: Context, { user, type, data }: Notice): Promise<void> {
    if (user === "" || user === userIdOf(context.caller)) return;
    if (!(await this.#records.find(context, USERS, user))) return;
    await this.#records.create(context, NOTIFICATIONS, { user, type, data });
  }

  /** The caller's own, newest first. Error: 401 for who is no user. */
  async list(context: Context, { unreadOnly, page, perPage }: NoticesInput) {
    const user = personOf(context.caller);
    const slice = { user, unreadOnly, limit: perPage, offset: (page - 1) * perPage };
    const { notices, total, unread } = await listNotices(this.#records, context, slice);
    const totalPages = Math.ceil(total / perPage);
    return { notices, unread, page, perPage, totalItems: total, totalPages };
  }

  /**
   * Marks these as read, or all where none are named. Returns how many were not yet; ids that are
   * not the caller's are left out. Error: 401.
   */
  async markRead(context: Context, ids: readonly string[] | undefined): Promise<number> {
    const user = personOf(context.caller);
    const wanted = ids && new Set(ids);
    const where = { user, readAt: "" };
    const limit = LIMITS.notificationsPerUserMax;
    const unread = await this.#records.list(context, NOTIFICATIONS, { where, limit });
    const open = unread.filter(({ id }) => !wanted || wanted.has(id));
    const readAt = storedDate(context.clock.now());
    let read = 0;
    // A stretch at a time: hundreds of updates in one transaction would hold everybody up.
    for (let start = 0; start < open.length; start += LIMITS.notificationsTrimMax) {
      const stretch = open.slice(start, start + LIMITS.notificationsTrimMax);
      read += await context.transaction(() => this.#markStretch(context, stretch, readAt));
    }
    return read;
  }

  async #markStretch(
    context: Context,
    stretch: readonly { readonly id: string }[],
    readAt: string,
  ): Promise<number> {
    let read = 0;
    for (const { id } of stretch) {
      // Another device may have read or deleted it meanwhile.
      if (!(await this.#records.find(context, NOTIFICATIONS, { id, readAt: "" }))) continue;
      await this.#records.update(context, { collection: NOTIFICATIONS, id }, { readAt });
      read += 1;
    }
    return read;
  }

  /** Error: 401, 404 for what is not there or somebody else's. */
  async delete(context: Context, id: string): Promise<void> {
    const user = personOf(context.caller);
    await context.transaction(async () => {
      if (!(await this.#records.find(context, NOTIFICATIONS, { id, user }))) {
        throw fail.not_found("not_found", "The requested resource wasn't found.");
      }
      await this.#records.delete(context, NOTIFICATIONS, id);
    });
  }

  /** Whoever wrote it, it is published; the oldest make room. */
  readonly #created: HookHandler<RecordEvent> = async (event, next) => {
    await next();
    const { context } = event;
    const notice = readNotice(event.record);
    const surplus = await surplusNotices(context, notice.user, {
      keep: LIMITS.notificationsPerUserMax,
      limit: LIMITS.notificationsTrimMax,
    });
    for (const id of surplus) await this.#records.delete(context, NOTIFICATIONS, id);
    context.emit(noticeFact(notice));
  };
}

/** What was told does not change, whoever writes. Error: 400 with the fields at fault. */
const updated: HookHandler<RecordEvent> = async ({ record, original }, next) => {
  const changed = FIXED.filter(
    (name) => JSON.stringify(record[name]) !== JSON.stringify(original?.[name]),
  );
  if (changed.length > 0) {
    const error = { code: "validation_not_writable", message: "This cannot be changed." };
    throw fieldErrors(Object.fromEntries(changed.map((name) => [name, error])));
  }
  await next();
};

function personOf(caller: Caller): string {
  if (caller.kind === "user" && caller.collection === USERS) return caller.id;
  throw unauthenticated();
}
