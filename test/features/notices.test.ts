/** Notifications: who is told, who may see them, how many are kept. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import type { Caller, UserCaller } from "../../src/core/access.ts";
import { Context } from "../../src/core/context.ts";
import { NOTIFICATIONS_TOPIC, Notices } from "../../src/features/notices/index.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";
import { GUEST, type Json, outcome, type RoomsFixture, roomsFixture } from "./rooms-fixture.ts";

let fixture: RoomsFixture;
let user: UserCaller;
let other: UserCaller;
let people = 0;
beforeAll(async () => {
  fixture = await roomsFixture();
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});
beforeEach(async () => {
  people += 1;
  user = await fixture.person(`User${people}`);
  other = await fixture.person(`Other${people}`);
  fixture.facts.length = 0;
});

const service = () => fixture.app.kernel.registry.service(Notices);
const tell = (person: UserCaller, type: string, data = {}) =>
  service().notify(fixture.app.context(), { user: person.id, type, data });
const list = (caller: Caller, input = {}): Promise<Json> =>
  fixture.call("notices.list", input, caller);

/** One after another in time, so that their order is known. */
async function tellMany(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await tell(user, "post_liked", { number: i });
    await fixture.clock.advance(1);
  }
}

describe("telling", () => {
  test("stores it, and publishes it to the person alone", async () => {
    await tell(user, "post_liked", { post_id: "p1" });
    const { items } = await list(user);
    const { notification_id } = items[0];
    expect(items).toEqual([
      {
        notification_id: expect.stringMatching(/^[a-z0-9]{15}$/),
        type: "post_liked",
        data: { post_id: "p1" },
        read_at: "",
        created: expect.any(String),
      },
    ]);
    expect(fixture.facts).toMatchObject([
      {
        topic: NOTIFICATIONS_TOPIC,
        type: "post_liked",
        payload: { post_id: "p1", notification_id },
        audience: { to: "users", ids: [user.id] },
      },
    ]);
    expect((await list(other)).items).toEqual([]);
  });

  test("is left out for one's own act, and for who is not there", async () => {
    const own = new Context(fixture.app.kernel.runtime, { caller: user, requestId: "test" });
    await service().notify(own, { user: user.id, type: "x", data: {} });
    await service().notify(own, { user: "", type: "x", data: {} });
    await service().notify(own, { user: "nobodynobody123", type: "x", data: {} });
    expect(fixture.facts).toEqual([]);
    await service().notify(own, { user: other.id, type: "x", data: {} });
    expect(fixture.facts).toHaveLength(1);
  });

  test("is undone with the transaction it belongs to", async () => {
    const context = fixture.app.context();
    const work = context.transaction(async () => {
      await service().notify(context, { user: user.id, type: "x", data: {} });
      throw new Error("no");
    });
    await expect(work).rejects.toThrow("no");
    expect(fixture.facts).toEqual([]);
    expect((await list(user)).totalItems).toBe(0);
  });

  test("keeps so many of each person: the oldest make room", async () => {
    const context = fixture.app.context();
    await context.transaction(async () => {
      for (let i = 0; i < LIMITS.notificationsPerUserMax; i++) {
        await service().notify(context, { user: user.id, type: "x", data: { number: i } });
      }
    });
    await fixture.clock.advance(1);
    await tell(other, "x");
    await tellMany(3);
    const { items, totalItems } = await list(user, { perPage: 3 });
    expect(items.map(({ data }: Json) => data.number)).toEqual([2, 1, 0]);
    expect(totalItems).toBe(LIMITS.notificationsPerUserMax);
    expect((await list(other)).totalItems).toBe(1);
  });

  test("ends with the account", async () => {
    await tell(user, "x");
    await fixture.records.delete(fixture.app.context(), "users", user.id);
    const where = { user: user.id };
    expect(await fixture.records.count(fixture.app.context(), "notifications", where)).toBe(0);
  });
});

describe("one's own", () => {
  test("come newest first, page by page, with a count of the unread", async () => {
    await tellMany(5);
    const page = await list(user, { page: 2, perPage: 2 });
    expect(page).toMatchObject({ page: 2, perPage: 2, totalItems: 5, totalPages: 3, unread: 5 });
    expect(page.items.map(({ data }: Json) => data.number)).toEqual([2, 1]);
    expect(await list(user, { page: -4, perPage: 99_999 })).toMatchObject({
      page: 1,
      perPage: 1_000,
    });
  });

  test("are marked as read, those named or all, once", async () => {
    await tellMany(4);
    const ids = (await list(user)).items.map((item: Json) => item.notification_id);
    const read = (caller: Caller, input = {}) => fixture.call("notices.read", input, caller);
    expect(await read(other, { ids })).toEqual({ read: 0 });
    expect(await read(user, { ids: [ids[0], ids[0], "nosuch"] })).toEqual({ read: 1 });
    const unread = await list(user, { unread: true });
    expect(unread).toMatchObject({ totalItems: 3, unread: 3 });
    expect(unread.items.map((item: Json) => item.notification_id)).toEqual(ids.slice(1));
    expect(await read(user)).toEqual({ read: 3 });
    expect(await read(user)).toEqual({ read: 0 });
    expect((await list(user)).items[0].read_at).not.toBe("");
  });

  test("all thousand of them at a time", async () => {
    await tellMany(250);
    const calls = [fixture.call("notices.read", {}, user), fixture.call("notices.read", {}, user)];
    const [first, second] = await Promise.all(calls);
    expect(first.read + second.read).toBe(250);
    expect((await list(user)).unread).toBe(0);
  });

  test("are deleted by their person only", async () => {
    await tell(user, "x");
    const { notification_id } = (await list(user)).items[0];
    const drop = (caller: Caller) =>
      outcome(fixture.call("notices.delete", { notification_id }, caller));
    expect(await drop(other)).toBe("404 not_found");
    expect(await drop(user)).toBe("ok");
    expect(await drop(user)).toBe("404 not_found");
  });

  const refused: [name: string, input: unknown, who: () => Caller, expected: string][] = [
    ["list", {}, () => GUEST, "401 unauthenticated"],
    ["list", {}, () => fixture.root(), "401 unauthenticated"],
    ["read", {}, () => GUEST, "401 unauthenticated"],
    ["delete", { notification_id: "a" }, () => GUEST, "401 unauthenticated"],
    ["list", { user: "somebody" }, () => user, "400 validation_failed"],
    ["read", { ids: "all" }, () => user, "400 validation_failed"],
    ["read", { ids: Array(1_001).fill("a") }, () => user, "400 validation_failed"],
    ["delete", {}, () => user, "400 validation_failed"],
  ];
  test.each(refused)(
    "%s is refused what is not its to do: row %#",
    async (name, input, who, expected) => {
      expect(await outcome(fixture.call(`notices.${name}`, input, who()))).toBe(expected);
    },
  );
});

describe("through the records API", () => {
  let app: AppFixture;
  let me: { readonly id: string; readonly token: string };
  let stranger: { readonly id: string; readonly token: string };
  let id: string;
  let root: string;
  const path = () => `/api/collections/notifications/records/${id}`;
  beforeAll(async () => {
    app = await freshApp();
    me = await app.signUp("Me");
    stranger = await app.signUp("Stranger");
    root = await app.superuser();
    const notices = app.app.kernel.registry.service(Notices);
    const notice = { user: me.id, type: "post_liked", data: { post_id: "p1" } };
    await notices.notify(app.app.context(), notice);
    const { token } = me;
    const all = await app.request("GET", "/api/notifications?unread=true", { token });
    id = all.body.items[0].notification_id;
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  test("one lists, views, marks and deletes one's own, and makes none", async () => {
    const all = "/api/collections/notifications/records";
    const listOf = async (token?: string) => (await app.request("GET", all, { token })).body;
    expect((await listOf(me.token)).totalItems).toBe(1);
    expect((await listOf(stranger.token)).totalItems).toBe(0);
    expect((await listOf()).totalItems).toBe(0);
    const body = { user: stranger.id, type: "x" };
    expect((await app.request("POST", all, { token: me.token, body })).status).toBe(403);
    for (const [token, status] of [[stranger.token, 404] as const, [me.token, 200] as const]) {
      expect((await app.request("GET", path(), { token })).status).toBe(status);
      const read = { readAt: "2024-01-10 12:00:00.000Z" };
      expect((await app.request("PATCH", path(), { token, body: read })).status).toBe(status);
    }
  });

  const changes: [body: Json, status: number][] = [
    [{ type: "other" }, 400],
    [{ data: { post_id: "p2" } }, 400],
    [{ data: null }, 400],
    [{ type: "post_liked", data: { post_id: "p1" } }, 200],
    [{ readAt: "" }, 200],
  ];
  test.each(changes)("what was told does not change: %j is %p", async (body, status) => {
    const byMe = await app.request("PATCH", path(), { token: me.token, body });
    expect(byMe.status).toBe(status);
    if (status === 400) expect(Object.keys(byMe.body.data)).toEqual(Object.keys(body));
    const byRoot = await app.request("PATCH", path(), { token: root, body });
    expect(byRoot.status).toBe(status);
  });

  test("delete", async () => {
    expect((await app.request("DELETE", path(), { token: stranger.token })).status).toBe(404);
    expect((await app.request("DELETE", path(), { token: me.token })).status).toBe(204);
  });
});
