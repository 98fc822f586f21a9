/** The official client: what rules, hidden fields and the visibility of emails keep from whom. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ids, type Person, PUBLIC, refusal, Stage } from "./stage.ts";

const CLOSED = {
  listRule: null,
  viewRule: null,
  createRule: null,
  updateRule: null,
  deleteRule: null,
};
const NEVER = "id = 'never'";

let on: Stage;
let ann: Person;
beforeAll(async () => {
  on = await Stage.start();
  ann = await on.person("Ann");
  const title = [{ name: "title", type: "text" }];
  await on.collection("closed", title, CLOSED);
  await on.collection("unmet", title, {
    listRule: NEVER,
    viewRule: NEVER,
    createRule: "title = 'right'",
    updateRule: NEVER,
    deleteRule: NEVER,
  });
  for (const name of ["closed", "unmet"]) {
    await on.root.collection(name).create({ id: "r1", title: "right" });
  }
});
afterAll(() => on[Symbol.asyncDispose]());

test("S29 a rule that is null is a 403 for all but superusers", async () => {
  for (const client of [on.client(), ann.client]) {
    const closed = client.collection("closed");
    const attempts = [
      () => closed.getList(),
      () => closed.getOne("r1"),
      () => closed.create({ title: "x" }),
      () => closed.update("r1", { title: "x" }),
      () => closed.delete("r1"),
    ];
    for (const attempt of attempts) expect(await refusal(attempt())).toEqual([403, {}]);
  }
  expect(ids(await on.root.collection("closed").getFullList())).toBe("r1");
});

test("S30 a list rule that nothing meets is an empty list", async () => {
  expect(await ann.client.collection("unmet").getList()).toMatchObject({
    items: [],
    totalItems: 0,
  });
});

test("S31 rules of view, update and delete that are not met are a 404", async () => {
  const unmet = ann.client.collection("unmet");
  expect(await refusal(unmet.getOne("r1"))).toEqual([404, {}]);
  expect(await refusal(unmet.update("r1", { title: "x" }))).toEqual([404, {}]);
  expect(await refusal(unmet.delete("r1"))).toEqual([404, {}]);
});

test("S32 a create rule that is not met is a 400 that names no field", async () => {
  const unmet = ann.client.collection("unmet");
  expect(await refusal(unmet.create({ title: "wrong" }))).toEqual([400, {}]);
  const right = await on.root.collection("unmet").getList();
  await unmet.create({ title: "right" }).catch(() => undefined);
  expect((await on.root.collection("unmet").getList()).totalItems).toBe(right.totalItems + 1);
});

test("S33 only superusers filter by what the request is", async () => {
  await on.collection("open");
  await on.root.collection("open").create({ id: "o1" });
  const filters = ["@request.auth.id = ''", "@request.query.x = ''", "@collection.open.id != ''"];
  for (const filter of filters) {
    for (const client of [on.client(), ann.client]) {
      expect(await refusal(client.collection("open").getList(1, 5, { filter }))).toEqual([403, {}]);
    }
    expect((await on.root.collection("open").getList(1, 5, { filter })).items).toBeArray();
  }
});

test("S34 a hidden field is there for superusers only", async () => {
  await on.collection("masked", [
    { name: "title", type: "text" },
    { name: "secret", type: "text", hidden: true },
  ]);
  await on.root.collection("masked").create({ id: "h1", title: "a", secret: "s" });
  const masked = ann.client.collection("masked");
  expect(await masked.getOne("h1")).not.toContainKey("secret");
  expect((await on.root.collection("masked").getOne("h1")).secret).toBe("s");
  await masked.update("h1", { secret: "changed", title: "b" });
  await masked.create({ id: "h2", secret: "smuggled" });
  expect(await on.root.collection("masked").getOne("h1")).toMatchObject({
    title: "b",
    secret: "s",
  });
  expect((await on.root.collection("masked").getOne("h2")).secret).toBe("");
  expect(await refusal(masked.getList(1, 5, { filter: "secret = 's'" }))).toEqual([400, {}]);
  expect(await refusal(masked.getList(1, 5, { sort: "secret" }))).toEqual([400, {}]);
});

test("S35 an email is seen by its owner, managers, superusers, and all when it is visible", async () => {
  const manager = await on.person("Manager");
  const other = await on.person("Other");
  const rules = await on.root.collections.getOne("users");
  await on.root.collections.update("users", {
    ...PUBLIC,
    manageRule: `@request.auth.id = '${manager.id}'`,
  });
  const shown = await on.person("Shown", { emailVisibility: true });
  const hidden = await on.person("Hidden");
  const seen = async (client = on.client()) => {
    return await Promise.all(
      [shown, hidden].map(async ({ id, email }) => {
        const record = await client.collection("users").getOne(id);
        return record.email === email;
      }),
    );
  };
  expect(await seen()).toEqual([true, false]);
  expect(await seen(other.client)).toEqual([true, false]);
  expect(await seen(hidden.client)).toEqual([true, true]);
  expect(await seen(on.root)).toEqual([true, true]);
  const managed = await manager.client.collection("users").getOne(hidden.id);
  expect(managed.email).toBe(hidden.email);
  const filter = `email = '${shown.email}' || email = '${hidden.email}'`;
  const found = async (client = on.client()) =>
    (await client.collection("users").getList(1, 5, { filter })).totalItems;
  expect(await found()).toBe(1);
  expect(await found(other.client)).toBe(1);
  expect(await found(on.root)).toBe(2);
  const { listRule, viewRule, createRule, updateRule, deleteRule, manageRule } = rules;
  const before = { listRule, viewRule, createRule, updateRule, deleteRule, manageRule };
  await on.root.collections.update("users", before);
});
