/** The official client: collections, their fields, indexes, rules and import. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { CollectionModel } from "pocketbase";
import { ids, PUBLIC, refusal, SHORT_ID, Stage } from "./stage.ts";

let on: Stage;
let target: CollectionModel;
beforeAll(async () => {
  on = await Stage.start();
  target = await on.collection("targets", [{ name: "title", type: "text" }]);
});
afterAll(() => on[Symbol.asyncDispose]());

const named = (collection: CollectionModel) => collection.fields.map(({ name }) => name);

test("S05 a collection with fields of every type keeps their options", async () => {
  const fields = [
    { name: "t", type: "text", min: 1, max: 9, pattern: "^a", autogeneratePattern: "a[b-d]{3}" },
    { name: "ed", type: "editor", maxSize: 100, convertURLs: true },
    { name: "n", type: "number", min: -1, max: 5, onlyInt: true },
    { name: "b", type: "bool", presentable: true },
    { name: "em", type: "email", onlyDomains: ["a.io"], exceptDomains: null },
    { name: "u", type: "url", exceptDomains: ["b.io"], onlyDomains: null },
    { name: "d", type: "date", min: "2020-01-01 00:00:00.000Z", max: "" },
    { name: "created", type: "autodate", onCreate: true, onUpdate: false },
    { name: "s", type: "select", values: ["x", "y"], maxSelect: 1, required: true },
    { name: "ss", type: "select", values: ["x", "y"], maxSelect: 2 },
    {
      name: "f",
      type: "file",
      maxSelect: 2,
      maxSize: 1000,
      mimeTypes: ["text/plain"],
      thumbs: ["10x10"],
      protected: true,
    },
    {
      name: "r",
      type: "relation",
      collectionId: target.id,
      cascadeDelete: true,
      minSelect: 0,
      maxSelect: 3,
    },
    { name: "j", type: "json", maxSize: 50 },
    { name: "p", type: "password", min: 4, max: 20, pattern: "", cost: 6, hidden: true },
    { name: "g", type: "geoPoint" },
  ];
  const made = await on.root.collections.create({ name: "everything", type: "base", fields });
  const got = await on.root.collections.getOne(made.id);
  expect(got).toEqual(made);
  expect(named(got)).toEqual(["id", ...fields.map(({ name }) => name)]);
  for (const field of fields) {
    expect(got.fields.find(({ name }) => name === field.name)).toMatchObject(field);
  }
  expect(new Set(got.fields.map(({ id }) => id)).size).toBe(fields.length + 1);
});

test("S06 an auth collection has its system fields and two unique indexes", async () => {
  const made = await on.root.collections.create({ name: "people", type: "auth" });
  const system = ["id", "password", "tokenKey", "email", "emailVisibility", "verified"];
  expect(named(made)).toEqual(system);
  expect(made.fields.every((field) => field.system)).toBe(true);
  expect(made.indexes).toHaveLength(2);
  expect(made.indexes.every((index) => index.startsWith("CREATE UNIQUE INDEX"))).toBe(true);
  expect(JSON.stringify(made)).not.toContain('"secret"');
});

test("S07 a view infers its fields and takes no records", async () => {
  await on.root.collection("targets").create({ id: "v1", title: "seen" });
  const view = await on.root.collections.create({
    name: "seen",
    type: "view",
    listRule: "",
    viewQuery: `SELECT id, title, count(id) AS total, cast(1 AS TEXT) AS one,
                (title || '!') AS loud FROM targets GROUP BY id`,
  });
  const types = Object.fromEntries(view.fields.map(({ name, type }) => [name, type]));
  expect(types).toEqual({ id: "text", title: "text", total: "number", one: "text", loud: "json" });
  const [row] = (await on.client().collection("seen").getList()).items;
  expect(row).toMatchObject({ id: "v1", title: "seen", total: 1, one: "1", loud: "seen!" });
  expect((await refusal(on.root.collection("seen").create({ title: "x" })))[0]).toBe(400);
  await on.root.collections.delete("seen");
});

test("S08 a renamed field keeps its data", async () => {
  const made = await on.collection("renamed", [{ name: "before", type: "text" }]);
  const { id } = await on.root.collection("renamed").create({ before: "kept" });
  const fields = made.fields.map((field) => {
    return field.name === "before" ? { ...field, name: "after" } : field;
  });
  expect(named(await on.root.collections.update("renamed", { fields }))).toEqual(["id", "after"]);
  const record = await on.root.collection("renamed").getOne(id);
  expect(record.after).toBe("kept");
  expect(record).not.toContainKey("before");
});

test("S09 a unique index over duplicates is refused by its number", async () => {
  await on.collection("doubles", [{ name: "n", type: "number" }]);
  for (let i = 0; i < 2; i++) await on.root.collection("doubles").create({ n: 7 });
  const indexes = ["CREATE UNIQUE INDEX idx_doubles ON doubles (n)"];
  const attempt = on.root.collections.update("doubles", { indexes });
  const error = await attempt.catch((thrown) => thrown);
  expect(error.status).toBe(400);
  expect(error.response.data.indexes["0"].code).toBe("validation_invalid_index_expression");
  expect((await on.root.collections.getOne("doubles")).indexes).toEqual([]);
});

test("S10 an invalid rule is refused", async () => {
  const body = { name: "ruled", type: "base", listRule: "missing = 1" };
  expect(await refusal(on.root.collections.create(body))).toEqual([
    400,
    { listRule: "validation_invalid_rule" },
  ]);
});

test("S11 collections are filtered and sorted", async () => {
  const { items } = await on.root.collections.getList(1, 50, {
    filter: "type='auth' && system=true",
    sort: "name",
  });
  expect(items.map(({ name }) => name)).toEqual(["_superusers"]);
  const all = await on.root.collections.getFullList({ filter: "type='auth'", sort: "-name" });
  const names = all.map(({ name }) => name);
  expect(names).toContain("users");
  expect(names).toEqual([...names].sort().reverse());
});

test("S12 an import adds and changes; it takes away only when told to", async () => {
  const one = await on.collection("import_one", [{ name: "a", type: "text" }]);
  await on.collection("import_two");
  const two = {
    name: "import_three",
    type: "base",
    fields: [{ name: "b", type: "number" }],
  } as unknown as CollectionModel;
  await on.root.collections.import([{ ...one, name: "import_first" }, two]);
  const names = async () => {
    const all = await on.root.collections.getFullList({ filter: "name ~ 'import_%'" });
    return all.map(({ name }) => name).sort();
  };
  expect(await names()).toEqual(["import_first", "import_three", "import_two"]);
  const all = await on.root.collections.getFullList();
  const kept = all.filter(({ name }) => !["import_two", "import_three"].includes(name));
  await on.root.collections.import(kept, true);
  expect(await names()).toEqual(["import_first"]);
});

test("S13 a truncated collection is empty and stays", async () => {
  await on.collection("emptied");
  for (const id of ["a1", "a2"]) await on.root.collection("emptied").create({ id });
  expect(await on.root.collections.truncate("emptied")).toBe(true);
  expect((await on.root.collection("emptied").getList()).totalItems).toBe(0);
});

test("S14 a collection that others refer to is not deleted", async () => {
  const held = await on.collection("held");
  await on.collection("holder", [{ name: "r", type: "relation", collectionId: held.id }]);
  expect((await refusal(on.root.collections.delete("held")))[0]).toBe(400);
  expect((await refusal(on.root.collections.delete("_superusers")))[0]).toBe(400);
  expect(await on.root.collections.delete("holder")).toBe(true);
  expect(await on.root.collections.delete("held")).toBe(true);
});

test("S15 scaffolds of the three types have no id", async () => {
  const scaffolds = await on.root.collections.getScaffolds();
  expect(Object.keys(scaffolds).sort()).toEqual(["auth", "base", "view"]);
  for (const [type, scaffold] of Object.entries(scaffolds)) {
    expect(scaffold).toMatchObject({ type, id: "", name: "" });
  }
});

test("S63 a collection answers to its id and to its name in any case", async () => {
  const { id } = await on.collection("Mixed_Case");
  await on.root.collection("Mixed_Case").create({ id: "m1" });
  for (const name of [id, "Mixed_Case", "mixed_case", "MIXED_CASE"]) {
    expect(ids((await on.client().collection(name).getList()).items)).toBe("m1");
    expect((await on.root.collections.getOne(name)).id).toBe(id);
  }
  const again = { name: "MIXED_case", type: "base", ...PUBLIC, fields: [SHORT_ID] };
  expect(await refusal(on.root.collections.create(again))).toEqual([
    400,
    { name: "validation_collection_name_exists" },
  ]);
});
