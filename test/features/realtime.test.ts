/** Realtime of records: connections, subscriptions, what is told to whom and in which order. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { Records } from "../../src/features/records/index.ts";
import { type AppFixture, freshApp, PASSWORD } from "./app-fixture.ts";
import { Listener, Stage, topic } from "./realtime-fixture.ts";

const TEXT = { name: "title", type: "text" };

async function stage() {
  const fixture = await freshApp();
  const made = await Stage.on(fixture);
  const id = await made.collection("posts", [TEXT, { name: "owner", type: "text" }]);
  return { fixture, stage: made, id };
}

function service(fixture: AppFixture) {
  return fixture.app.kernel.registry.service(Records);
}

describe("a connection", () => {
  test("begins with the client's id, on every event's id line", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const request = new Request("http://localhost/api/realtime");
    const response = await fixture.raw(request);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    const listener = await Listener.open(fixture);
    expect(listener.clientId).toMatch(/^[A-Za-z0-9]{40}$/);
    expect((await listener.subscribe(["posts/*"])).status).toBe(204);
    await on.create("posts", { id: "a", title: "one" });
    const [event] = await listener.take();
    expect(event?.id).toBe(listener.clientId);
    expect(event?.event).toBe("posts/*");
    expect(event?.data).toEqual({
      action: "create",
      record: {
        id: "a",
        title: "one",
        owner: "",
        collectionId: expect.any(String),
        collectionName: "posts",
      },
    });
  });

  test("ends five minutes after the last message, without a word", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*"]);
    await fixture.clock.advance(LIMITS.realtimeIdleMs - 1_000);
    await on.create("posts", { id: "a" });
    expect(await listener.news()).toEqual(["create a"]);
    await fixture.clock.advance(LIMITS.realtimeIdleMs - 1_000);
    expect(listener.ended).toBe(false);
    await fixture.clock.advance(1_000);
    expect(listener.ended).toBe(true);
    expect(await listener.take()).toEqual([]);
    expect((await listener.subscribe([])).status).toBe(404);
  });

  test("of a gone client is forgotten with its subscriptions", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*"]);
    const { realtime, collection } = service(fixture);
    const posts = collection.call(service(fixture), "posts");
    expect(posts && realtime.wants(posts, "a")).toBe(true);
    listener.close();
    await fixture.clock.advance(1);
    expect(posts && realtime.wants(posts, "a")).toBe(false);
    await on.create("posts", { id: "a" });
    expect(fixture.app.hub.count("records-realtime")).toBe(0);
  });

  test("that does not read is cut off, and the others go on", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const slow = await Listener.open(fixture, { reads: false });
    const quick = await Listener.open(fixture);
    for (const each of [slow, quick]) await each.subscribe(["posts/*"]);
    const title = "x".repeat(4_900);
    const count = Math.ceil(LIMITS.outboxBytesMax / 4_900) + 20;
    let heard = 0;
    for (let n = 0; n < count; n++) {
      await on.create("posts", { title });
      heard += (await quick.take()).length;
    }
    expect(slow.ended).toBe(true);
    expect(quick.ended).toBe(false);
    expect(heard).toBe(count);
  });
});

describe("a subscription", () => {
  const LONG = `posts/${"x".repeat(2_500)}`;
  const rows: readonly (readonly [name: string, body: unknown, status: number, data?: object])[] = [
    ["no body", undefined, 400, { clientId: { code: "validation_required" } }],
    ["no client", { subscriptions: [] }, 400, { clientId: { code: "validation_required" } }],
    ["an unknown client", { clientId: "nobody" }, 404],
    ["a client that is no text", { clientId: 5 }, 400],
    ["topics that are no list", { clientId: "x", subscriptions: { a: 1 } }, 400],
    ["topics that are no texts", { clientId: "x", subscriptions: [1] }, 400],
    [
      "a topic too long",
      { clientId: "x", subscriptions: ["a", LONG] },
      400,
      { subscriptions: { 1: { code: "validation_length_too_long" } } },
    ],
    [
      "too many topics",
      { clientId: "x", subscriptions: Array(1_001).fill("a") },
      400,
      { subscriptions: { code: "validation_length_too_long" } },
    ],
  ];
  for (const [name, body, status, data] of rows) {
    test(`${name}: ${status}`, async () => {
      await using fixture = await freshApp();
      const answer = await fixture.request("POST", "/api/realtime", { body });
      expect(answer.status).toBe(status);
      expect(answer.body.code).toBeUndefined();
      if (status === 400) expect(answer.body.data).toMatchObject(data ?? {});
      if (!data) expect(answer.body.data).toEqual({});
    });
  }

  test("hears by name, by id, by the bare name, and of one record", async () => {
    const { fixture, stage: on, id } = await stage();
    await using _ = fixture;
    const topics = ["posts/*", `${id}/*`, "posts", id, "posts/a", `${id}/a`, "posts/b", "POSTS/*"];
    const listener = await Listener.open(fixture);
    await listener.subscribe(topics);
    await on.create("posts", { id: "a" });
    const heard = (await listener.take()).map(({ event }) => event);
    expect(heard.toSorted()).toEqual(topics.slice(0, 6).toSorted());
  });

  test("replaces the one before; an empty one clears", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*"]);
    await listener.subscribe(["posts/b"]);
    await on.create("posts", { id: "a" });
    await on.create("posts", { id: "b" });
    expect(await listener.news()).toEqual(["create b"]);
    await listener.subscribe([]);
    await on.update("posts", "b", { title: "x" });
    expect(await listener.news()).toEqual([]);
  });

  test("belongs to who made it: a guest may sign in, nobody becomes another", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const [ann, bob] = [await fixture.signUp("Ann"), await fixture.signUp("Bob")];
    await on.rules("posts", { listRule: "owner = @request.auth.id && owner != ''" });
    const listener = await Listener.open(fixture);
    expect((await listener.subscribe(["posts/*"])).status).toBe(204);
    await on.create("posts", { id: "a", owner: ann.id });
    expect(await listener.news()).toEqual([]);
    expect((await listener.subscribe(["posts/*"], ann.token)).status).toBe(204);
    expect((await listener.subscribe(["posts/*"], bob.token)).status).toBe(403);
    expect((await listener.subscribe(["posts/*"])).status).toBe(403);
    await on.update("posts", "a", { title: "x" });
    await on.create("posts", { id: "b", owner: bob.id });
    expect(await listener.news()).toEqual(["update a"]);
  });
});

describe("what is told", () => {
  test("creations, updates and deletions in their order, deletions with all they had", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*"]);
    await on.create("posts", { id: "a", title: "one" });
    await on.update("posts", "a", { title: "two" });
    await on.delete("posts", "a");
    const events = await listener.take();
    expect(events.map(({ data }) => [data.action, data.record.title])).toEqual([
      ["create", "one"],
      ["update", "two"],
      ["delete", "two"],
    ]);
  });

  test("many writes at once, in the order of their commits on every connection", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    await on.rules("posts", { listRule: "title != 'hidden' && @request.auth.id = ''" });
    const listeners = await Promise.all(Array.from({ length: 5 }, () => Listener.open(fixture)));
    for (const [index, each] of listeners.entries()) {
      await each.subscribe([topic("posts/*", { page: index })]);
    }
    const ids = Array.from({ length: 200 }, (_unused, n) => `n${String(n).padStart(3, "0")}`);
    const context = () => fixture.app.context();
    const records = service(fixture);
    await Promise.all(ids.map((id) => records.create(context(), "posts", { id, title: id })));
    const order = await fixture.app.kernel.runtime.db.all<{ id: string }>(
      "SELECT id FROM posts ORDER BY rowid",
    );
    const expected = order.map(({ id }) => `create ${id}`);
    expect(expected.length).toBe(200);
    for (const each of listeners) expect(await each.news()).toEqual(expected);
  });

  test("nothing of what was undone", async () => {
    const { fixture } = await stage();
    await using _ = fixture;
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*"]);
    const records = service(fixture);
    const context = fixture.app.context();
    await records.create(context, "posts", { id: "kept" });
    const undone = context.transaction(async () => {
      await records.create(context, "posts", { id: "undone" });
      await records.delete(context, "posts", "kept");
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(await listener.news()).toEqual(["create kept"]);
  });

  test("cascades: children that go, children that lose a relation", async () => {
    const { fixture, stage: on, id } = await stage();
    await using _ = fixture;
    const to = { type: "relation", collectionId: id, maxSelect: 1 };
    await on.collection("notes", [{ name: "post", ...to, cascadeDelete: true }], {
      // Asked before anything goes: afterwards no note would have a post.
      listRule: "post.title = 'one'",
    });
    await on.collection("marks", [{ name: "post", ...to }]);
    await on.create("posts", { id: "a", title: "one" });
    await on.create("notes", { id: "n", post: "a" });
    await on.create("marks", { id: "m", post: "a" });
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*", "notes/*", "marks/*"]);
    await on.delete("posts", "a");
    expect(await listener.news()).toEqual(["delete a", "delete n", "update m"]);
  });

  test("a filter, expanded relations and picked fields, each in its own view", async () => {
    const { fixture, stage: on, id } = await stage();
    await using _ = fixture;
    await on.collection("notes", [
      TEXT,
      { name: "post", type: "relation", collectionId: id, maxSelect: 1 },
    ]);
    await on.create("posts", { id: "p", title: "parent" });
    const topics = [
      topic("notes/*", { filter: "title = 'yes'" }),
      topic("notes/*", { filter: "title = 'no'" }),
      topic("notes/*", { expand: "post", fields: "id,expand.post.title" }),
      topic("notes/*", { fields: "title" }),
    ];
    const listener = await Listener.open(fixture);
    await listener.subscribe(topics);
    await on.create("notes", { id: "n", title: "yes", post: "p" });
    const events = await listener.take();
    const shown = new Map(events.map(({ event, data }) => [event, data.record]));
    expect(shown.size).toBe(3);
    expect(shown.get(topics[0] ?? "")).toMatchObject({ id: "n", title: "yes", post: "p" });
    expect(shown.get(topics[2] ?? "")).toEqual({ id: "n", expand: { post: { title: "parent" } } });
    expect(shown.get(topics[3] ?? "")).toEqual({ title: "yes" });
  });

  test("rules read the options' query and headers", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const rule =
      "@request.query.q = title && @request.headers.x_token = 't' && @request.context = 'realtime'";
    await on.rules("posts", { listRule: rule });
    const listener = await Listener.open(fixture);
    const topics = [
      topic("posts/*", { q: "yes" }, { "X-Token": "t" }),
      topic("posts/*", { q: "yes" }, { xToken: "t" }),
      topic("posts/*", { q: "yes" }),
      topic("posts/*", { q: "no" }, { "X-Token": "t" }),
    ];
    await listener.subscribe(topics);
    await on.create("posts", { id: "a", title: "yes" });
    const heard = (await listener.take()).map(({ event }) => event);
    expect(heard).toEqual(topics.slice(0, 2));
  });

  test("a rule is asked once for all to whom it says the same", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const { db } = fixture.app.kernel.runtime;
    const all = db.all.bind(db);
    let asked = 0;
    Object.assign(db, {
      all(sql: string, ...values: never[]) {
        if (sql.includes("FROM `posts`")) asked += 1;
        return all(sql, ...values);
      },
    });
    const [ann, bob] = [await fixture.signUp("Ann"), await fixture.signUp("Bob")];
    const tokens = [undefined, undefined, undefined, ann.token, ann.token, bob.token];
    const listeners = await Promise.all(tokens.map(() => Listener.open(fixture)));
    for (const [index, token] of tokens.entries()) {
      await listeners[index]?.subscribe([topic("posts/*", { fields: "id" }), "posts/*"], token);
    }
    const rows: readonly (readonly [rule: string, asked: number, heard: number])[] = [
      ["", 0, 12],
      ["title != 'no'", 1, 12],
      // Once for guests, once for users.
      ["title != 'no' && @request.auth.id != ''", 2, 6],
      ["title != @request.auth.id", 3, 12],
    ];
    for (const [listRule, expected, heard] of rows) {
      await on.rules("posts", { listRule });
      asked = 0;
      await fixture.app.call("records.create", { collection: "posts", body: { title: "yes" } });
      const events = await Promise.all(listeners.map((each) => each.take()));
      expect([listRule, asked, events.flat().length]).toEqual([listRule, expected, heard]);
    }
  });

  test("a changed rule holds for the next event", async () => {
    const { fixture, stage: on } = await stage();
    await using _ = fixture;
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*", "posts/b"]);
    await on.create("posts", { id: "a" });
    await on.rules("posts", { listRule: null });
    await on.create("posts", { id: "b" });
    await on.rules("posts", { viewRule: null });
    await on.update("posts", "b", { title: "x" });
    expect(await listener.news()).toEqual(["create a", "create b"]);
  });
});

describe("a signed-in listener", () => {
  async function signedIn() {
    const fixture = await freshApp();
    const on = await Stage.on(fixture);
    const ann = await fixture.signUp("Ann");
    await on.collection("posts", [TEXT], { listRule: "@request.auth.verified = false" });
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*", `users/${ann.id}`], ann.token);
    return { fixture, on, ann, listener };
  }

  test("is asked for with its values as they are now", async () => {
    const { fixture, on, ann, listener } = await signedIn();
    await using _ = fixture;
    await on.create("posts", { id: "a" });
    expect(await listener.news()).toEqual(["create a"]);
    await on.update("users", ann.id, { verified: true });
    await listener.take();
    await on.create("posts", { id: "b" });
    expect(await listener.news()).toEqual([]);
  });

  test("is cut off when its token ends", async () => {
    const { fixture, listener } = await signedIn();
    await using _ = fixture;
    // The idle end would come first: something is told now and then.
    const seven = 7 * 24 * 60;
    const { realtime } = service(fixture);
    await listener.subscribe(["news"], (await fixture.signUp("Eve")).token);
    for (let minutes = 0; minutes < seven; minutes += 4) {
      realtime.publish("posts/*", {});
      await fixture.clock.advance(4 * 60_000);
      if (listener.ended) break;
    }
    expect(listener.ended).toBe(true);
  });

  test("is cut off when its password changes, and is not told of that", async () => {
    const { fixture, on, ann, listener } = await signedIn();
    await using _ = fixture;
    const other = "another password";
    await on.update("users", ann.id, { password: other, passwordConfirm: other });
    expect(await listener.take()).toEqual([]);
    expect(listener.ended).toBe(true);
  });

  test("hears of its own deletion, and is cut off", async () => {
    const { fixture, on, ann, listener } = await signedIn();
    await using _ = fixture;
    await on.delete("users", ann.id);
    expect(await listener.news()).toEqual([`delete ${ann.id}`]);
    expect(listener.ended).toBe(true);
  });

  test("superusers hear of locked collections, and of nothing after their end", async () => {
    const { fixture, on } = await signedIn();
    await using _ = fixture;
    await on.rules("posts", { listRule: null, viewRule: null });
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*", "posts/a"], on.root);
    await on.create("posts", { id: "a" });
    expect(await listener.news()).toEqual(["create a", "create a"]);
    const spare = { email: "spare@example.com", password: PASSWORD, passwordConfirm: PASSWORD };
    const second = await on.create("_superusers", spare);
    const roots = await fixture.request("GET", "/api/collections/_superusers/records", {
      token: on.root,
    });
    const { id } = roots.body.items.find((root: { id: string }) => root.id !== second.body.id);
    await fixture.app.call("records.delete", { collection: "_superusers", id });
    expect(listener.ended).toBe(true);
  });
});

describe("messages of features", () => {
  test("one to a client that listens, once", async () => {
    await using fixture = await freshApp();
    const { realtime } = service(fixture);
    const listener = await Listener.open(fixture);
    const deliver = () => realtime.deliverOnce(listener.clientId, "@oauth2", { code: "c" });
    expect(deliver()).toBe(false);
    await listener.subscribe(["@oauth2"]);
    expect(deliver()).toBe(true);
    expect(deliver()).toBe(false);
    expect(realtime.deliverOnce("nobody", "@oauth2", {})).toBe(false);
    const events = await listener.take();
    expect(events.map(({ event, data }) => [event, data])).toEqual([["@oauth2", { code: "c" }]]);
  });

  test("to all who listen to a topic of theirs, with options or without", async () => {
    await using fixture = await freshApp();
    const listeners = [await Listener.open(fixture), await Listener.open(fixture)];
    const topics = ["news", topic("news", { a: 1 })];
    for (const [index, each] of listeners.entries()) {
      await each.subscribe(topics.slice(index, index + 1));
    }
    service(fixture).realtime.publish("news", { n: 1 });
    for (const [index, each] of listeners.entries()) {
      const events = (await each.take()).map(({ event, data }) => [event, data]);
      expect(events).toEqual([[topics[index] ?? "", { n: 1 }]]);
    }
  });
});
