/** Batches: all of their writes or none, each as the request it would have been alone. */

import { describe, expect, spyOn, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import type { RequestEvent } from "../../src/core/execute.ts";
import { Records } from "../../src/features/records/index.ts";
import { freshApp } from "./app-fixture.ts";
import { Listener, Stage } from "./realtime-fixture.ts";

const POSTS = "/api/collections/posts/records";

async function stage() {
  const fixture = await freshApp();
  const on = await Stage.on(fixture);
  const fields = [
    { name: "title", type: "text", required: true },
    { name: "file", type: "file", maxSelect: 3 },
  ];
  const id = await on.collection("posts", fields, {
    indexes: ["CREATE UNIQUE INDEX idx_posts_title ON posts (title)"],
  });
  await on.allowBatches();
  const titles = async () => {
    const list = await fixture.request("GET", `${POSTS}?sort=title`);
    return list.body.items.map(({ title }: { title: string }) => title);
  };
  return { fixture, on, id, titles };
}

function create(title: string, more: object = {}) {
  return { method: "POST", url: POSTS, body: { title, ...more } };
}

describe("a batch", () => {
  test("does all in order, with a result for each", async () => {
    const { fixture, on, titles } = await stage();
    await using _ = fixture;
    await on.create("posts", { id: "old", title: "old" });
    const answer = await on.batch([
      create("one", { id: "a" }),
      { method: "PATCH", url: `${POSTS}/a?fields=title`, body: { title: "two" } },
      { method: "PUT", url: POSTS, body: { id: "a", title: "three" } },
      { method: "PUT", url: `${POSTS}?fields=id,title`, body: { id: "b", title: "new" } },
      { method: "PUT", url: `${POSTS}?fields=title`, body: { title: "free" } },
      { method: "DELETE", url: `${POSTS}/old` },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual([
      { status: 200, body: expect.objectContaining({ id: "a", title: "one" }) },
      { status: 200, body: { title: "two" } },
      { status: 200, body: expect.objectContaining({ id: "a", title: "three" }) },
      { status: 200, body: { id: "b", title: "new" } },
      { status: 200, body: { title: "free" } },
      { status: 204, body: null },
    ]);
    expect(await titles()).toEqual(["free", "new", "three"]);
  });

  test("hashes passwords before it holds the writer, and each account gets its own", async () => {
    const { fixture, on, titles } = await stage();
    await using _ = fixture;
    const hash = Bun.password.hash;
    let written = 0;
    using hashing = spyOn(Bun.password, "hash").mockImplementation(async (...options) => {
      // It would wait for a batch that holds the writer, which would wait for it.
      await on.create("posts", { title: `beside ${++written}` });
      return hash(...options);
    });
    const account = (name: string) => ({
      method: "POST",
      url: "/api/collections/users/records",
      body: { email: `${name}@example.com`, password: "same-1234", passwordConfirm: "same-1234" },
    });
    const answer = await on.batch([account("a"), account("b"), account("c")]);
    expect(answer.body.map(({ status }: { status: number }) => status)).toEqual([200, 200, 200]);
    expect(hashing).toHaveBeenCalledTimes(3);
    expect(await titles()).toHaveLength(3);
    const rows = await fixture.app.kernel.runtime.db.all<{ password: string }>(
      "SELECT password FROM users",
    );
    expect(new Set(rows.map(({ password }) => password)).size).toBe(3);
  });

  test("hashes nothing that no rule lets in", async () => {
    const { fixture, on } = await stage();
    await using _ = fixture;
    await on.rules("users", { createRule: null });
    using hashing = spyOn(Bun.password, "hash");
    const body = { email: "a@example.com", password: "same-1234", passwordConfirm: "same-1234" };
    const users = "/api/collections/users/records";
    const answer = await fixture.request("POST", "/api/batch", {
      body: { requests: [{ method: "POST", url: users, body }] },
    });
    expect(answer.status).toBe(400);
    expect(hashing).not.toHaveBeenCalled();
  });

  test("does nothing when a part fails, and names its place", async () => {
    const { fixture, on, titles } = await stage();
    await using _ = fixture;
    await on.create("posts", { id: "a", title: "here" });
    const answer = await on.batch([
      create("one"),
      { method: "DELETE", url: `${POSTS}/a` },
      create(""),
    ]);
    expect(answer.status).toBe(400);
    expect(answer.body.data).toEqual({
      requests: {
        2: {
          code: "batch_request_failed",
          message: expect.any(String),
          response: {
            status: 400,
            message: expect.any(String),
            data: { title: expect.objectContaining({ code: "validation_required" }) },
          },
        },
      },
    });
    expect(await titles()).toEqual(["here"]);
  });

  const failures: readonly (readonly [name: string, request: object, status: number])[] = [
    [
      "a locked collection",
      { method: "POST", url: "/api/collections/_mfas/records", body: {} },
      403,
    ],
    [
      "an unknown collection",
      { method: "POST", url: "/api/collections/no/records", body: {} },
      404,
    ],
    [
      "an upsert there",
      { method: "PUT", url: "/api/collections/no/records", body: { id: "a" } },
      404,
    ],
    ["an unknown record", { method: "DELETE", url: `${POSTS}/nobody` }, 404],
    ["a read", { method: "GET", url: POSTS }, 400],
    ["another route", { method: "POST", url: "/api/collections" }, 400],
    ["a batch in a batch", { method: "POST", url: "/api/batch" }, 400],
    ["a path that only ends so", { method: "POST", url: `/x${POSTS}` }, 400],
  ];
  for (const [name, request, status] of failures) {
    test(`${name} fails it with ${status} inside`, async () => {
      const { fixture, on, titles } = await stage();
      await using _ = fixture;
      const token = status === 403 ? (await fixture.signUp("Ann")).token : on.root;
      const answer = await on.batch([create("one"), request], token);
      expect(answer.status).toBe(400);
      expect(answer.body.data.requests["1"].response.status).toBe(status);
      expect(await titles()).toEqual([]);
    });
  }

  test("acts for its own caller, whatever its parts claim", async () => {
    const { fixture, on } = await stage();
    await using _ = fixture;
    await on.rules("posts", { createRule: null });
    const { token } = await fixture.signUp("Ann");
    const claimed = { ...create("one"), headers: { Authorization: on.root } };
    const answer = await on.batch([claimed], token);
    expect(answer.body.data.requests["0"].response.status).toBe(403);
  });

  test("rules see each part as a request of a batch", async () => {
    const { fixture, on, titles } = await stage();
    await using _ = fixture;
    const facts = [
      "@request.context = 'batch'",
      "@request.method = 'POST'",
      "@request.query.q = 'yes'",
      "@request.headers.x_part = 'own'",
      "@request.headers.x_whole = 'all'",
      "@request.body.title = title",
    ];
    await on.rules("posts", { createRule: facts.join(" && ") });
    const part = { ...create("one"), url: `${POSTS}?q=yes`, headers: { "X-Part": "own" } };
    const request = (parts: readonly object[]) =>
      fixture.request("POST", "/api/batch", {
        body: { requests: parts },
        headers: { "X-Whole": "all" },
      });
    expect((await request([part])).status).toBe(200);
    expect((await request([{ ...part, url: `${POSTS}?q=no` }])).status).toBe(400);
    expect(await titles()).toEqual(["one"]);
  });

  test("rules see what earlier parts wrote", async () => {
    const { fixture, on } = await stage();
    await using _ = fixture;
    await on.rules("posts", { createRule: "@collection.posts.title ?= 'first'" });
    const alone = await fixture.request("POST", POSTS, { body: { title: "second" } });
    expect(alone.status).toBe(400);
    await on.rules("posts", {
      createRule: "title = 'first' || @collection.posts.title ?= 'first'",
    });
    const answer = await fixture.request("POST", "/api/batch", {
      body: { requests: [create("first"), create("second")] },
    });
    expect(answer.status).toBe(200);
  });

  test("each part runs inside the request hooks of its operation", async () => {
    const { fixture, on, titles } = await stage();
    await using _ = fixture;
    const seen: unknown[] = [];
    fixture.app.kernel.runtime.hooks.bind<RequestEvent>(
      "request:records.create",
      async (event, next) => {
        seen.push(event.operation.name);
        event.input = { ...(event.input as object), body: { title: "changed" } };
        await next();
      },
    );
    await on.batch([create("one")]);
    expect(seen).toEqual(["records.create"]);
    expect(await titles()).toEqual(["changed"]);
  });

  test("tells its changes after the commit, in order; a failed one tells nothing", async () => {
    const { fixture, on } = await stage();
    await using _ = fixture;
    const listener = await Listener.open(fixture);
    await listener.subscribe(["posts/*"]);
    await on.batch([
      create("one", { id: "a" }),
      { method: "PATCH", url: `${POSTS}/a`, body: { title: "two" } },
      create("three", { id: "b" }),
      { method: "DELETE", url: `${POSTS}/a` },
    ]);
    expect(await listener.news()).toEqual(["create a", "update a", "create b", "delete a"]);
    await on.batch([create("four"), { method: "DELETE", url: `${POSTS}/b` }, create("")]);
    expect(await listener.news()).toEqual([]);
  });
});

describe("a batch's form", () => {
  const long = `${POSTS}?${"x".repeat(LIMITS.batchUrlBytesMax)}`;
  const rows: readonly (readonly [name: string, body: unknown, data: object])[] = [
    ["nothing", undefined, { requests: { code: "validation_required" } }],
    ["no requests", { requests: [] }, { requests: { code: "validation_required" } }],
    [
      "too many",
      { requests: Array(51).fill(create("a")) },
      { requests: { code: "validation_length_too_long" } },
    ],
    [
      "faults by their place",
      { requests: [create("a"), { url: "" }, { method: "TRACE", url: long }] },
      {
        requests: {
          1: { method: { code: "validation_required" }, url: { code: "validation_required" } },
          2: {
            method: { code: "validation_in_invalid" },
            url: { code: "validation_length_too_long" },
          },
        },
      },
    ],
    ["requests that are no list", { requests: {} }, {}],
    ["a part that is no object", { requests: [1] }, {}],
    ["a body that is no object", { requests: [{ ...create("a"), body: [] }] }, {}],
    ["headers that are no texts", { requests: [{ ...create("a"), headers: { a: 1 } }] }, {}],
  ];
  for (const [name, body, data] of rows) {
    test(`${name}: 400`, async () => {
      const { fixture, titles } = await stage();
      await using _ = fixture;
      const answer = await fixture.request("POST", "/api/batch", { body });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toMatchObject(data);
      expect(Object.keys(answer.body.data)).toEqual(Object.keys(data));
      expect(await titles()).toEqual([]);
    });
  }

  test("off by default, and with no requests allowed", async () => {
    await using fixture = await freshApp();
    const on = await Stage.on(fixture);
    expect((await on.batch([create("a")])).status).toBe(403);
    await on.allowBatches({ maxRequests: 0 });
    expect((await on.batch([create("a")])).status).toBe(403);
  });

  test("a body above the settings' bound is refused", async () => {
    const { fixture, on } = await stage();
    await using _ = fixture;
    await on.allowBatches({ maxBodySize: 1_000 });
    expect((await on.batch([create("x".repeat(1_000))])).status).toBe(413);
    expect((await on.batch([create("x")])).status).toBe(200);
  });
});

test("a batch that takes too long is undone", async () => {
  const { fixture, on, titles } = await stage();
  await using _ = fixture;
  await on.allowBatches({ timeout: 2 });
  fixture.app.kernel.runtime.hooks.bind("record.create:posts", async (_event, next) => {
    await next();
    await fixture.clock.advance(1_500);
  });
  expect((await on.batch([create("one")])).status).toBe(200);
  const late = await on.batch([create("two"), create("three")]);
  expect(late.status).toBe(400);
  expect(late.body.data).toEqual({});
  expect(await titles()).toEqual(["one"]);
});

test("a batch whose client leaves is undone", async () => {
  const { fixture, on, titles } = await stage();
  await using _ = fixture;
  const client = new AbortController();
  fixture.app.kernel.runtime.hooks.bind("record.create:posts", async (_event, next) => {
    await next();
    client.abort();
  });
  const request = new Request("http://localhost/api/batch", {
    method: "POST",
    headers: { authorization: on.root, "content-type": "application/json" },
    body: JSON.stringify({ requests: [create("one"), create("two")] }),
    signal: client.signal,
  });
  expect((await fixture.raw(request)).status).toBe(400);
  expect(await titles()).toEqual([]);
});

test("files belong to the part that their name says", async () => {
  const { fixture, on } = await stage();
  await using _ = fixture;
  const form = new FormData();
  const requests = [create("one", { id: "a" }), create("two", { id: "b" })];
  form.append("@jsonPayload", JSON.stringify({ requests }));
  form.append("requests.0.file", new File(["first"], "first.txt"));
  form.append("requests[1].file", new File(["second"], "second.txt"));
  form.append("requests[1].file+", new File(["third"], "third.txt"));
  form.append("requests.7.file", new File(["lost"], "lost.txt"));
  const answer = await fixture.raw(
    new Request("http://localhost/api/batch", {
      method: "POST",
      headers: { authorization: on.root },
      body: form,
    }),
  );
  const results = (await answer.json()) as { body: { file: string[] } }[];
  expect(answer.status).toBe(200);
  const names = results.map(({ body }) => body.file.map((name) => name.replace(/_.*/, "")));
  expect(names[0]).toEqual(["first"]);
  expect(names[1]?.toSorted()).toEqual(["second", "third"]);
});

test("a batch that fails undoes nothing of its neighbours", async () => {
  const { fixture, on, titles } = await stage();
  await using _ = fixture;
  const records = fixture.app.kernel.registry.service(Records);
  const beside = Array.from({ length: 5 }, (_unused, n) =>
    records.create(fixture.app.context(), "posts", { title: `beside ${n}` }),
  );
  const failing = on.batch([create("one"), create("")]);
  const [answer] = await Promise.all([failing, ...beside]);
  expect(answer.status).toBe(400);
  expect((await titles()).length).toBe(5);
});
