/** The official client: who hears of which change, reconnecting, batches. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { EventSource } from "eventsource";
import type PocketBase from "pocketbase";
import type { RecordSubscription } from "pocketbase";
import { Relay } from "../../fixtures/relay.ts";
import { until } from "../../fixtures/until.ts";
import { refusal, Stage } from "./stage.ts";

const WAIT_MS = 5_000;
/** Not ids of records: marks the end of what could have been heard. */
const LAST = "zz";

let on: Stage;
beforeAll(async () => {
  // Neither Bun nor Node has one of its own.
  Object.assign(globalThis, { EventSource });
  on = await Stage.start();
  await on.collection("posts", [
    { name: "title", type: "text" },
    { name: "file", type: "file", maxSelect: 1 },
  ]);
  await on.root.settings.update({ batch: { enabled: true } });
});
afterAll(() => on[Symbol.asyncDispose]());

class News {
  readonly heard: RecordSubscription[] = [];
  readonly hear = (event: RecordSubscription) => {
    this.heard.push(event);
  };

  get lines(): string[] {
    return this.heard.map(({ action, record }) => `${action} ${record.id}`);
  }

  /** Waits for as many events and says which they were. */
  async first(count: number): Promise<string[]> {
    const what = () => `${count} events, there are ${this.lines}`;
    await until(what, WAIT_MS, () => this.heard.length >= count);
    return this.lines;
  }
}

const posts = (client: PocketBase = on.root) => client.collection("posts");

test("S54 all changes are heard in order, and what was deleted is complete", async () => {
  const client = on.client();
  const news = new News();
  await posts(client).subscribe("*", news.hear);
  await posts().create({ id: "a1", title: "one" });
  await posts().update("a1", { title: "two" });
  await posts().delete("a1");
  expect(await news.first(3)).toEqual(["create a1", "update a1", "delete a1"]);
  expect(news.heard.map(({ record }) => record.title)).toEqual(["one", "two", "two"]);
  expect(news.heard[2]?.record).toMatchObject({ collectionName: "posts", file: "" });
  await posts(client).unsubscribe();
  expect(client.realtime.isConnected).toBe(false);
});

test("S55 one record's changes by its rule, and those a filter names, as picked", async () => {
  const { id: collectionId } = await on.root.collections.getOne("posts");
  const fields = [
    { name: "open", type: "bool" },
    { name: "n", type: "number" },
    { name: "post", type: "relation", collectionId, maxSelect: 1 },
  ];
  await on.collection("ruled", fields, { viewRule: "open = true", listRule: "" });
  await posts().create({ id: "b1", title: "expanded" });
  const ruled = on.root.collection("ruled");
  for (const id of ["r1", "r2"]) await ruled.create({ id, open: true, n: 1 });
  const client = on.client();
  const [one, some] = [new News(), new News()];
  await client.collection("ruled").subscribe("r1", one.hear);
  const options = { filter: "n > 5", fields: "id,n,expand.post.title", expand: "post" };
  await client.collection("ruled").subscribe("*", some.hear, options);
  await ruled.update("r2", { n: 7, post: "b1" });
  await ruled.update("r1", { n: 2 });
  await ruled.update("r1", { open: false });
  await ruled.update("r1", { open: true, n: 8 });
  expect(await one.first(2)).toEqual(["update r1", "update r1"]);
  expect(one.heard.map(({ record }) => record.n)).toEqual([2, 8]);
  expect(await some.first(2)).toEqual(["update r2", "update r1"]);
  expect(some.heard[0]?.record).toEqual({
    id: "r2",
    n: 7,
    expand: { post: { title: "expanded" } },
  } as never);
  await client.realtime.unsubscribe();
});

test("S55 the event has the name of the topic, to the letter", async () => {
  const source = new EventSource(`${on.url}/api/realtime`);
  const connected = Promise.withResolvers<string>();
  source.addEventListener("PB_CONNECT", ({ lastEventId }) => connected.resolve(lastEventId));
  const clientId = await connected.promise;
  const topic = `posts/*?options=${encodeURIComponent('{"query":{"fields":"id"}}')}`;
  const heard = Promise.withResolvers<string>();
  source.addEventListener(topic, ({ data }) => heard.resolve(data));
  const body = { clientId, subscriptions: [topic] };
  await on.client().send("/api/realtime", { method: "POST", body });
  await posts().create({ id: "c1" });
  expect(JSON.parse(await heard.promise)).toEqual({ action: "create", record: { id: "c1" } });
  source.close();
});

test("S56 a guest becomes a user, but no user another", async () => {
  await on.collection("members", [], { listRule: "@request.auth.id != ''" });
  const [ann, bob] = [await on.person("Ann"), await on.person("Bob")];
  const client = on.client();
  const [before, after] = [new News(), new News()];
  await client.collection("members").subscribe("*", before.hear);
  await on.root.collection("members").create({ id: "m1" });
  client.authStore.save(ann.client.authStore.token, ann.client.authStore.record);
  await client.collection("members").subscribe("*", after.hear, { query: { again: 1 } });
  await on.root.collection("members").create({ id: "m2" });
  expect(await after.first(1)).toEqual(["create m2"]);
  expect(await before.first(1)).toEqual(["create m2"]);
  client.authStore.save(bob.client.authStore.token, bob.client.authStore.record);
  const other = client.collection("members").subscribe("m1", before.hear);
  expect(await refusal(other)).toEqual([403, {}]);
  await client.realtime.unsubscribe();
});

test("S56 a client whose connection was cut comes back with its topics", async () => {
  using relay = new Relay(on.url);
  const client = on.client(relay.url);
  const news = new News();
  await posts(client).subscribe("*", news.hear);
  await posts().create({ id: "d1" });
  await news.first(1);
  const { clientId } = client.realtime;
  expect(relay.cut()).toBeGreaterThan(0);
  await until("another connection", WAIT_MS, async () => {
    return client.realtime.isConnected && client.realtime.clientId !== clientId;
  });
  // The topics follow the connection: until they are there, changes go unheard.
  await until("the topics are back", WAIT_MS, async () => {
    const { id } = await posts().create({});
    await Bun.sleep(20);
    return news.lines.includes(`create ${id}`);
  });
  await client.realtime.unsubscribe();
});

test("S57 changes that a client may not see reach it in no way", async () => {
  const own = "owner = @request.auth.id";
  const { id: collectionId } = await on.root.collections.getOne("users");
  const fields = [{ name: "owner", type: "relation", collectionId, maxSelect: 1 }];
  const visible = `${own} || id = '${LAST}'`;
  await on.collection("notes", fields, { listRule: visible, viewRule: visible });
  const [ann, bob] = [await on.person("Ann"), await on.person("Bob")];
  const [hers, his, guests] = [new News(), new News(), new News()];
  const guest = on.client();
  await ann.client.collection("notes").subscribe("*", hers.hear);
  await bob.client.collection("notes").subscribe("*", his.hear);
  await bob.client.collection("notes").subscribe("n1", his.hear);
  await guest.collection("notes").subscribe("*", guests.hear);
  const notes = on.root.collection("notes");
  await notes.create({ id: "n1", owner: ann.id });
  await notes.update("n1", { owner: ann.id });
  await notes.delete("n1");
  await notes.create({ id: LAST, owner: ann.id });
  expect(await hers.first(4)).toEqual(["create n1", "update n1", "delete n1", `create ${LAST}`]);
  expect(await his.first(1)).toEqual([`create ${LAST}`]);
  expect(await guests.first(1)).toEqual([`create ${LAST}`]);
  for (const client of [ann.client, bob.client, guest]) await client.realtime.unsubscribe();
});

test("S58 a batch does all of it or nothing, and is heard of when it is done", async () => {
  const listener = on.client();
  const news = new News();
  await posts(listener).subscribe("*", news.hear);
  for (const id of ["e1", "e2"]) await posts().create({ id, title: "old" });
  const batch = on.client().createBatch();
  const file = new File(["content"], "with.txt", { type: "text/plain" });
  batch.collection("posts").create({ id: "e3", title: "made", file });
  batch.collection("posts").update("e1", { title: "changed" });
  batch.collection("posts").upsert({ id: "e4", title: "put" });
  batch.collection("posts").delete("e2");
  const answers = await batch.send();
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 204]);
  expect(answers[0]?.body).toMatchObject({ id: "e3", title: "made" });
  expect(answers[0]?.body.file).toMatch(/^with_/);
  expect(answers[3]?.body).toBeNull();
  const heard = (await news.first(6)).slice(2).sort();
  expect(heard).toEqual(["create e3", "create e4", "delete e2", "update e1"]);

  const failing = on.client().createBatch();
  failing.collection("posts").create({ id: "e5" });
  failing.collection("posts").create({ id: "e3" });
  const error = await failing.send().catch((thrown) => thrown);
  expect([error.status, Object.keys(error.response.data.requests)]).toEqual([400, ["1"]]);
  expect(error.response.data.requests["1"]).toMatchObject({
    code: "batch_request_failed",
    response: { status: 400, data: { id: { code: "validation_not_unique" } } },
  });
  expect((await refusal(posts().getOne("e5")))[0]).toBe(404);
  await posts().create({ id: LAST });
  expect((await news.first(7)).slice(6)).toEqual([`create ${LAST}`]);
  await listener.realtime.unsubscribe();

  await on.root.settings.update({ batch: { enabled: false } });
  const disabled = on.client().createBatch();
  disabled.collection("posts").create({});
  expect(await refusal(disabled.send())).toEqual([403, {}]);
});
