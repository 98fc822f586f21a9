/** Realtime and batches through the official client, over a socket. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { EventSource } from "eventsource";
import PocketBase, { ClientResponseError, type RecordSubscription } from "pocketbase";
import { Records } from "../../src/features/records/index.ts";
import { until } from "../fixtures/until.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";
import { PUBLIC, Stage } from "./realtime-fixture.ts";

const WAIT_MS = 5_000;

let fixture: AppFixture;
let on: Stage;
let http: ReturnType<typeof Bun.serve>;
let ann: { readonly id: string; readonly token: string };

beforeAll(async () => {
  // Neither Bun nor Node has one of its own.
  Object.assign(globalThis, { EventSource });
  fixture = await freshApp();
  on = await Stage.on(fixture);
  ann = await fixture.signUp("Ann");
  await on.collection("posts", [
    { name: "title", type: "text" },
    { name: "file", type: "file", maxSelect: 2 },
  ]);
  await on.allowBatches();
  const fetch = (request: Request) => fixture.raw(request);
  http = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch });
});

afterAll(async () => {
  await http.stop(true);
  await fixture[Symbol.asyncDispose]();
});

function visitor(token?: string): PocketBase {
  const client = new PocketBase(http.url.href).autoCancellation(false);
  if (token) client.authStore.save(token, { id: "", collectionId: "", collectionName: "users" });
  return client;
}

function news() {
  const heard: string[] = [];
  const hear = ({ action, record }: RecordSubscription) => heard.push(`${action} ${record.id}`);
  const wait = (count: number) =>
    until(
      () => `${count} events, there are ${heard}`,
      WAIT_MS,
      () => heard.length >= count,
    );
  return { heard, hear, wait };
}

describe("the official client", () => {
  test("subscribes to all and to one, with options, and unsubscribes", async () => {
    const client = visitor();
    const posts = client.collection("posts");
    const [all, one, some] = [news(), news(), news()];
    await posts.subscribe("*", all.hear);
    await posts.subscribe("one", one.hear);
    const stop = await posts.subscribe("*", some.hear, {
      filter: "title = 'yes'",
      fields: "id",
      headers: { "x-token": "abc" },
    });
    await on.create("posts", { id: "one", title: "yes" });
    await on.create("posts", { id: "two", title: "no" });
    await on.delete("posts", "one");
    await Promise.all([all.wait(3), one.wait(2), some.wait(2)]);
    expect(all.heard).toEqual(["create one", "create two", "delete one"]);
    expect(one.heard).toEqual(["create one", "delete one"]);
    expect(some.heard).toEqual(["create one", "delete one"]);
    await stop();
    await posts.unsubscribe("one");
    await on.create("posts", { id: "one", title: "yes" });
    await all.wait(4);
    await posts.unsubscribe();
    await until("the connection is gone", WAIT_MS, () => {
      return fixture.app.hub.count("records-realtime") === 0;
    });
    expect([one.heard.length, some.heard.length]).toEqual([2, 2]);
  });

  test("signs in on an open connection, and comes back after it was cut off", async () => {
    await on.rules("posts", { ...PUBLIC, listRule: "@request.auth.id != ''" });
    const client = visitor();
    const heard = news();
    await client.collection("posts").subscribe("*", heard.hear);
    client.authStore.save(ann.token, { id: ann.id, collectionId: "", collectionName: "users" });
    await client.collection("posts").subscribe("none", () => undefined);
    await on.create("posts", { id: "three" });
    await heard.wait(1);
    const connections = () => fixture.app.hub.count("records-realtime");
    fixture.app.hub.revoke({ collection: "users", id: ann.id });
    await until("it is cut off", WAIT_MS, () => connections() === 0);
    await until("it is back", WAIT_MS, () => connections() === 1);
    const { realtime } = fixture.app.kernel.registry.service(Records);
    const posts = fixture.app.kernel.registry.service(Records).collection("posts");
    await until("it listens", WAIT_MS, () => posts && realtime.wants(posts, "x"));
    await on.create("posts", { id: "four" });
    await heard.wait(2);
    expect(heard.heard).toEqual(["create three", "create four"]);
    await client.realtime.unsubscribe();
    await on.rules("posts", PUBLIC);
  });

  test("sends batches with files, and learns which part failed", async () => {
    const client = visitor();
    const batch = client.createBatch();
    batch.collection("posts").create({ id: "five", title: "5", file: new File(["a"], "a.txt") });
    batch.collection("posts").upsert({ id: "six", title: "6" });
    batch.collection("posts").update("five", { title: "V" }, { fields: "title" });
    batch.collection("posts").delete("two");
    const results = await batch.send();
    expect(results.map(({ status }) => status)).toEqual([200, 200, 200, 204]);
    expect(results[0]?.body.file).toEqual([expect.stringMatching(/^a\w+_\w+\.txt$/)]);
    expect(results[2]?.body).toEqual({ title: "V" });
    const failing = client.createBatch();
    failing.collection("posts").create({ id: "seven" });
    failing.collection("posts").delete("nobody");
    const error = await failing.send().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ClientResponseError);
    const { status, response } = error as ClientResponseError;
    expect([status, response.data.requests["1"].response.status]).toEqual([400, 404]);
    const left = await client.collection("posts").getFullList({ sort: "id", fields: "id" });
    expect(left.map(({ id }) => id)).not.toContain("seven");
  });
});
