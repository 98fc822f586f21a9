/** The official client where this server's own features are on: nothing is in its way. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { EventSource } from "eventsource";
import { until } from "../../fixtures/until.ts";
import { PASSWORD, refusal, Stage } from "./stage.ts";

let on: Stage;
beforeAll(async () => {
  // Neither Bun nor Node has one of its own.
  Object.assign(globalThis, { EventSource });
  on = await Stage.start("all");
});
afterAll(() => on[Symbol.asyncDispose]());

test("users sign up, sign in, change and leave", async () => {
  const client = on.client();
  const users = client.collection("users");
  const email = "ann@example.com";
  const pair = { password: PASSWORD, passwordConfirm: PASSWORD };
  const made = await users.create({ email, name: "Ann", ...pair });
  const { record } = await users.authWithPassword(email, PASSWORD);
  expect([record.id, record.name]).toEqual([made.id, "Ann"]);
  expect((await users.update(made.id, { name: "Anna" })).name).toBe("Anna");
  expect((await users.authRefresh()).record.name).toBe("Anna");
  expect(await users.delete(made.id)).toBe(true);
  expect(client.authStore.isValid).toBe(false);
});

test("own collections are made, filled, listened to and removed", async () => {
  await on.collection("notes", [{ name: "text", type: "text" }]);
  const client = on.client();
  const notes = client.collection("notes");
  const heard: string[] = [];
  await notes.subscribe("*", ({ action, record }) => {
    heard.push(`${action} ${record.id}`);
  });
  const file = await on.root.collection("notes").create({ id: "n1", text: "one" });
  expect((await notes.getFirstListItem("text = 'one'")).id).toBe(file.id);
  await notes.delete("n1");
  await until("two events", 5_000, () => heard.length === 2);
  expect(heard).toEqual(["create n1", "delete n1"]);
  await notes.unsubscribe();
  expect(await on.root.collections.delete("notes")).toBe(true);
});

test("the features' collections are there for superusers, and for others by their rules", async () => {
  const { fields } = await on.root.collections.getOne("rooms");
  expect(fields.map(({ name }) => name)).toContain("id");
  expect((await on.root.collection("rooms").getList()).items).toEqual([]);
  const guest = on.client().collection("rooms");
  expect((await guest.getList()).items).toEqual([]);
  expect(await refusal(guest.create({ name: "mine" }))).toEqual([400, {}]);
  expect((await refusal(on.root.collections.delete("rooms")))[0]).toBe(400);
  expect((await on.root.health.check()).data.canBackup).toBe(true);
});
