/** The official client: records, their ids, values, modifiers, lists, picked and expanded fields. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ids, refusal, Stage } from "./stage.ts";

let on: Stage;
beforeAll(async () => {
  on = await Stage.start();
  const tag = await on.collection("tags", [{ name: "name", type: "text" }]);
  for (const id of ["t1", "t2", "t3"]) await on.root.collection("tags").create({ id, name: id });
  await on.collection("all", [
    { name: "t", type: "text" },
    { name: "ed", type: "editor" },
    { name: "n", type: "number" },
    { name: "b", type: "bool" },
    { name: "em", type: "email" },
    { name: "u", type: "url" },
    { name: "d", type: "date" },
    { name: "s", type: "select", values: ["a", "b", "c"], maxSelect: 1 },
    { name: "ss", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
    { name: "f", type: "file", maxSelect: 1 },
    { name: "ff", type: "file", maxSelect: 2 },
    { name: "r", type: "relation", collectionId: tag.id, maxSelect: 1 },
    { name: "rr", type: "relation", collectionId: tag.id, maxSelect: 3 },
    { name: "j", type: "json" },
    { name: "g", type: "geoPoint" },
    { name: "created", type: "autodate", onCreate: true, onUpdate: false },
    { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
  ]);
});
afterAll(() => on[Symbol.asyncDispose]());

test("S16 a created record has an id, dates and each type's zero", async () => {
  const { id, collectionId, created, updated, ...rest } = await on
    .client()
    .collection("all")
    .create({});
  expect(id).toMatch(/^[a-z0-9]{15}$/);
  expect(collectionId).toMatch(/^pbc_\d+$/);
  for (const date of [created, updated]) {
    expect(date).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
  }
  expect(rest).toEqual({
    collectionName: "all",
    t: "",
    ed: "",
    n: 0,
    b: false,
    em: "",
    u: "",
    d: "",
    s: "",
    ss: [],
    f: "",
    ff: [],
    r: "",
    rr: [],
    j: null,
    g: { lon: 0, lat: 0 },
  });
});

test("S17 an own id is taken once, and not when it is too short", async () => {
  await on.root.collections.create({ name: "usual", type: "base", createRule: "" });
  const usual = on.client().collection("usual");
  const id = "abcdefghij12345";
  expect((await usual.create({ id })).id).toBe(id);
  expect(await refusal(usual.create({ id }))).toEqual([400, { id: "validation_not_unique" }]);
  expect(await refusal(usual.create({ id: "short" }))).toEqual([
    400,
    { id: "validation_min_text_constraint" },
  ]);
});

test("S18 an id is never changed", async () => {
  const { id } = await on.root.collection("all").create({});
  const attempt = on.root.collection("all").update(id, { id: "changed" });
  expect(await refusal(attempt)).toEqual([400, { id: "validation_pk_change" }]);
});

test("S19 modifiers add, prepend and take away, shortest key first", async () => {
  const all = on.client().collection("all");
  const made = await all.create({ n: 1, "n+": 5, ss: ["a"], "ss+": "b", rr: "t1", "+rr": "t2" });
  expect(made).toMatchObject({ n: 6, ss: ["a", "b"], rr: ["t2", "t1"] });
  const changes = [
    [{ "n-": 10 }, { n: -4 }],
    [{ "ss+": ["c", "a"] }, { ss: ["a", "b", "c"] }],
    [{ "+ss": "c" }, { ss: ["c", "a", "b"] }],
    [{ "ss-": ["a", "b"] }, { ss: ["c"] }],
    [{ "rr+": "t3" }, { rr: ["t2", "t1", "t3"] }],
    [{ "rr-": "t1" }, { rr: ["t2", "t3"] }],
    [{ rr: [] }, { rr: [] }],
  ] as const;
  for (const [change, expected] of changes) {
    expect(await all.update(made.id, change)).toMatchObject(expected);
  }
});

test("S20 a list has pages and totals, or no totals when they are not wanted", async () => {
  await on.collection("pages", [{ name: "n", type: "number" }]);
  for (let n = 1; n <= 7; n++) await on.root.collection("pages").create({ id: `n${n}`, n });
  const pages = on.client().collection("pages");
  const third = await pages.getList(3, 3, { sort: "n" });
  expect(third).toMatchObject({ page: 3, perPage: 3, totalItems: 7, totalPages: 3 });
  expect(ids(third.items)).toBe("n7");
  expect(await pages.getList(9, 3)).toMatchObject({ page: 9, items: [], totalItems: 7 });
  const quick = await pages.getList(1, 3, { sort: "-n", skipTotal: true });
  expect(quick).toMatchObject({ totalItems: -1, totalPages: -1 });
  expect(ids(quick.items)).toBe("n7 n6 n5");
});

test("S21 a full list of 2500 records comes in batches", async () => {
  await on.collection("many", [{ name: "n", type: "number" }]);
  await on.root.settings.update({ batch: { enabled: true, maxRequests: 500, timeout: 30 } });
  for (let from = 0; from < 2_500; from += 500) {
    const batch = on.root.createBatch();
    for (let n = from; n < from + 500; n++) batch.collection("many").create({ n });
    await batch.send();
  }
  let asked = 0;
  const client = on.client();
  client.beforeSend = (url, options) => {
    asked += 1;
    return { url, options };
  };
  const small = await client.collection("many").getFullList({ batch: 500, sort: "n" });
  expect(small.map(({ n }) => n)).toEqual(Array.from({ length: 2_500 }, (_, n) => n));
  expect(asked).toBe(6);
  expect(await client.collection("many").getFullList()).toHaveLength(2_500);
});

test("S22 the first of a list, and a 404 where there is none", async () => {
  const tags = on.client().collection("tags");
  expect((await tags.getFirstListItem("name = 't2'")).id).toBe("t2");
  expect((await refusal(tags.getFirstListItem("name = 'none'")))[0]).toBe(404);
});

test("S23 a record that is not there is a 404", async () => {
  const tags = on.client().collection("tags");
  expect(await refusal(tags.getOne("missing"))).toEqual([404, {}]);
  expect((await refusal(tags.getOne("")))[0]).toBe(404);
  expect(await refusal(on.client().collection("nothing").getOne("x1"))).toEqual([404, {}]);
});

test("S27 fields are picked, shortened, and picked out of expanded records", async () => {
  const body = { id: "picked", ed: "<p>One <b>two</b> three</p>", r: "t1", rr: ["t1", "t2"] };
  await on.root.collection("all").create(body);
  const all = on.client().collection("all");
  const pick = (fields: string, expand = "") => all.getOne("picked", { fields, expand });
  expect(await pick("id,r")).toEqual({ id: "picked", r: "t1" } as never);
  expect(await pick("ed:excerpt(7)")).toEqual({ ed: "One two" } as never);
  expect(await pick("ed:excerpt(7,true)")).toEqual({ ed: "One two..." } as never);
  expect(await pick("id,expand.r.name,expand.rr.id", "r,rr")).toEqual({
    id: "picked",
    expand: { r: { name: "t1" }, rr: [{ id: "t1" }, { id: "t2" }] },
  } as never);
  expect(Object.keys(await pick("*,expand.r.id"))).toContain("collectionName");
  const list = await all.getList(1, 1, { fields: "id", filter: "id = 'picked'" });
  expect(list).toMatchObject({ page: 1, items: [{ id: "picked" }] });
});

test("S28 relations are expanded as far as the caller may see them", async () => {
  const locked = await on.collection("locked", [], { viewRule: null });
  const authors = await on.collection("authors", [{ name: "name", type: "text" }]);
  const tags = await on.root.collections.getOne("tags");
  const relation = (name: string, collectionId: string, maxSelect = 1) => {
    return { name, type: "relation", collectionId, maxSelect };
  };
  const posts = await on.collection("posts", [
    relation("author", authors.id),
    relation("secret", locked.id),
    relation("tags", tags.id, 5),
  ]);
  await on.collection("comments", [relation("post", posts.id)]);
  await on.root.collection("locked").create({ id: "l1" });
  await on.root.collection("authors").create({ id: "a1", name: "Ann" });
  const body = { id: "p1", author: "a1", secret: "l1", tags: ["t2", "t1"] };
  await on.root.collection("posts").create(body);
  await on.root.collection("comments").create({ id: "c1", post: "p1" });

  const [guest, root] = [on.client(), on.root];
  const post = await guest.collection("posts").getOne("p1", { expand: "author,tags,secret,none" });
  expect(Object.keys(post.expand ?? {}).sort()).toEqual(["author", "tags"]);
  expect(post.expand?.author).toMatchObject({ name: "Ann", collectionName: "authors" });
  expect(ids(post.expand?.tags)).toBe("t2 t1");
  const seen = await root.collection("posts").getOne("p1", { expand: "secret" });
  expect(seen.expand?.secret.id).toBe("l1");
  const comment = await guest.collection("comments").getOne("c1", { expand: "post.author" });
  expect(comment.expand?.post.expand.author.name).toBe("Ann");
  const back = "posts_via_author.comments_via_post";
  const author = await guest.collection("authors").getOne("a1", { expand: back });
  expect(ids(author.expand?.posts_via_author)).toBe("p1");
  expect(ids(author.expand?.posts_via_author[0].expand.comments_via_post)).toBe("c1");
});
