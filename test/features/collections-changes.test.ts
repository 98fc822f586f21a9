/** Changes of the schema under data: tables follow, all of it or nothing, whoever writes meanwhile. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { codes, type SchemaFixture, schemaApp } from "./collections-fixture.ts";

let server: SchemaFixture;

beforeEach(async () => {
  server = await schemaApp();
});

afterEach(() => server[Symbol.asyncDispose]());

const text = (name: string, more: object = {}) => ({ name, type: "text", ...more });
const PLAIN = { collectionId: expect.anything(), collectionName: expect.anything() };

async function indexNames(table: string): Promise<string[]> {
  const { db } = server.app.app.context();
  const sql =
    "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql != '' ORDER BY name";
  return (await db.all<{ name: string }>(sql, table)).map(({ name }) => name);
}

describe("fields", () => {
  test("that change places keep their values, and their indexes follow", async () => {
    const made = await server.make({
      name: "pairs",
      fields: [text("a"), text("b")],
      indexes: [
        "CREATE INDEX idx_a ON pairs (a) WHERE b != ''",
        "CREATE INDEX idx_id ON pairs (id)",
      ],
    });
    await server.add("pairs", { a: "was a", b: "was b" });
    const [key, a, b] = made.fields;
    const { body } = await server.ask("PATCH", "/pairs", {
      fields: [key, { ...a, name: "b" }, { ...b, name: "a" }],
    });
    expect(body.indexes).toEqual([
      "CREATE INDEX `idx_a` ON `pairs` (`b`) WHERE a != ''",
      "CREATE INDEX idx_id ON pairs (id)",
    ]);
    expect(await server.rows("pairs")).toMatchObject([{ a: "was b", b: "was a" }]);
  });

  test("without an id are the ones of their name and type, others are made anew", async () => {
    const made = await server.make({
      name: "posts",
      fields: [{ ...text("title"), id: "own" }, text("count")],
    });
    await server.add("posts", { title: "stays", count: "goes" });
    await server.ask("PATCH", `/${made.id}`, {
      fields: [text("title", { max: 50 }), { name: "count", type: "number" }],
    });
    const rows = await server.rows("posts");
    expect(rows).toEqual([{ id: rows[0].id, title: "stays", count: 0, ...PLAIN }]);
  });

  test.each([
    ["relation", { collectionId: "_pb_users_auth_" }],
    ["file", {}],
  ])("%s: one value becomes a list of it, of a list the last stays", async (type, options) => {
    const { db } = server.app.app.context();
    const value = (maxSelect: number) => ({ id: "f1", name: "value", type, maxSelect, ...options });
    await server.make({
      name: "lists",
      fields: [value(1)],
      indexes: ["CREATE INDEX idx_value ON lists (value)"],
    });
    await server.make({ name: "seen", type: "view", viewQuery: "SELECT id, value FROM lists" });
    const context = server.app.app.context();
    await context.transaction(async () => {
      const insert = "INSERT INTO lists (id, value) VALUES (?, ?)";
      for (const [id, stored] of [
        ["1", "x"],
        ["2", ""],
        ["3", '["y","z"]'],
      ]) {
        await context.tx.run(insert, id ?? "", stored ?? "");
      }
    });
    const stored = async () =>
      (await db.all<{ value: string }>("SELECT value FROM lists ORDER BY id")).map(
        (row) => row.value,
      );
    const changed = await server.ask("PATCH", "/lists", { fields: [value(3)] });
    expect(changed.status).toBe(200);
    expect(await stored()).toEqual(['["x"]', "[]", '["y","z"]']);
    const { body: view } = await server.ask("GET", "/seen");
    expect(view.fields[1].maxSelect).toBe(3);
    await server.ask("PATCH", "/lists", { fields: [value(1)] });
    expect(await stored()).toEqual(["x", "", "z"]);
    expect(await indexNames("lists")).toEqual(["idx_value"]);
    expect(await server.rows("seen")).toHaveLength(3);
  });

  test("and the collection may get other names at once", async () => {
    const made = await server.make({
      name: "old",
      fields: [text("a")],
      indexes: ["CREATE INDEX idx_a ON old (a)"],
    });
    await server.make({
      name: "child",
      fields: [{ name: "of", type: "relation", collectionId: made.id }],
    });
    const row = await server.add("old", { a: "kept" });
    await server.add("child", { of: row.id });
    const fields = made.fields.map((each: { name: string }) =>
      each.name === "a" ? { ...each, name: "b" } : each,
    );
    const { status } = await server.ask("PATCH", "/old", { name: "new", fields });
    expect(status).toBe(200);
    expect(await server.rows("new")).toMatchObject([{ b: "kept" }]);
    expect((await server.ask("GET", "/old/records")).status).toBe(404);
    expect(await indexNames("new")).toEqual(["idx_a"]);
    const { body } = await server.ask("GET", "/child/records?expand=of");
    expect(body.items[0].expand.of.b).toBe("kept");
  });
});

describe("what fails leaves everything as it was:", () => {
  const rows: readonly (readonly [string, (made: { fields: unknown[] }) => object, object])[] = [
    [
      "an index over equal values",
      ({ fields }) => ({
        fields: [...fields, text("more")],
        indexes: ["CREATE UNIQUE INDEX idx_one ON posts (title)"],
      }),
      { "indexes.0": "validation_invalid_index_expression" },
    ],
    [
      "an index over a column that goes",
      ({ fields }) => ({
        name: "other",
        fields: fields.slice(0, 2),
        indexes: ["CREATE INDEX idx_count ON posts (count)"],
      }),
      { "indexes.0": "validation_invalid_index_expression" },
    ],
    [
      "a column that a view names",
      ({ fields }) => ({ name: "other", fields: [fields[0], fields[2]] }),
      {},
    ],
    [
      "an unknown function in an index",
      () => ({ indexes: ["CREATE INDEX i ON posts (nope(title))"] }),
      { "indexes.0": "validation_invalid_index_expression" },
    ],
    ["another id", () => ({ id: "other", name: "other" }), {}],
  ];
  test.each(rows)("%s", async (_, change, faults) => {
    const made = await server.make({
      name: "posts",
      fields: [text("title"), { name: "count", type: "number" }],
    });
    await server.make({ name: "titles", type: "view", viewQuery: "SELECT id, title FROM posts" });
    await server.add("posts", { title: "same" });
    await server.add("posts", { title: "same" });
    const before = [await server.schema(), await server.rows("posts")];
    const { status, body } = await server.ask("PATCH", "/posts", change(made));
    expect<object>({ status, faults: codes(body.data) }).toEqual({ status: 400, faults });
    expect([await server.schema(), await server.rows("posts")]).toEqual(before);
    expect((await server.add("posts", { title: "goes on", count: 3 })).count).toBe(3);
  });

  test("an import whose last collection is wrong", async () => {
    await server.make({ name: "posts", fields: [text("title")] });
    await server.make({ name: "gone" });
    const before = await server.schema();
    const { body } = await server.ask("PUT", "/import", {
      deleteMissing: true,
      collections: [
        { name: "posts", fields: [text("heading")] },
        { name: "view", type: "view", viewQuery: "SELECT id, heading FROM posts" },
        { name: "wrong", listRule: "nope = 1" },
      ],
    });
    expect(codes(body.data)).toEqual({ collections: "validation_collections_import_failure" });
    expect(body.data.collections.message).toContain("wrong: listRule");
    expect(await server.schema()).toBe(before);
  });

  test("a truncation that a required relation forbids", async () => {
    const { id } = await server.make({ name: "posts" });
    const of = { name: "of", type: "relation", collectionId: id, required: true };
    await server.make({ name: "child", fields: [of] });
    for (let count = 0; count < 3; count++) await server.add("posts", {});
    const [, , last] = await server.rows("posts");
    await server.add("child", { of: last.id });
    expect((await server.ask("DELETE", "/posts/truncate")).status).toBe(400);
    expect(await server.rows("posts")).toHaveLength(3);
  });
});

describe("truncating", () => {
  test("deletes record by record: rings run, relations let go, more than one batch", async () => {
    const { id } = await server.make({ name: "posts" });
    const of = { name: "of", type: "relation", collectionId: id };
    await server.make({ name: "child", fields: [of] });
    const context = server.app.app.context();
    await context.transaction(async () => {
      await context.tx.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) INSERT INTO posts (id) SELECT 'id' || i FROM n",
      );
    });
    await server.add("child", { of: "id7" });
    let deleted = 0;
    context.hooks.bind("record.delete:posts", async (_, next) => {
      deleted += 1;
      await next();
    });
    expect((await server.ask("DELETE", "/posts/truncate")).status).toBe(204);
    expect(deleted).toBe(1100);
    expect(await server.rows("child")).toMatchObject([{ of: "" }]);
  });

  test("a collection that cascades to itself", async () => {
    const { id, fields } = await server.make({ name: "tree" });
    const parent = { name: "parent", type: "relation", collectionId: id, cascadeDelete: true };
    await server.ask("PATCH", "/tree", { fields: [...fields, parent] });
    const root = await server.add("tree", {});
    await server.add("tree", { parent: root.id });
    expect((await server.ask("DELETE", "/tree/truncate")).status).toBe(204);
    expect(await server.rows("tree")).toEqual([]);
  });
});

describe("an import", () => {
  test("relates collections of itself, in any order, and reads views of itself", async () => {
    const collections = [
      {
        id: "v1",
        name: "seen",
        type: "view",
        viewQuery: "SELECT id, of FROM child",
        listRule: "of.title != ''",
      },
      {
        id: "c1",
        name: "child",
        listRule: "@collection.seen.of.title ?= 'x'",
        fields: [{ name: "of", type: "relation", collectionId: "p1" }],
      },
      { id: "p1", name: "posts", fields: [text("title")] },
    ];
    expect((await server.ask("PUT", "/import", { collections })).status).toBe(204);
    const { body } = await server.ask("GET", "/seen");
    expect(body.fields[1]).toMatchObject({ type: "relation", collectionId: "p1" });
    // Once more changes nothing.
    const before = await server.rows("posts");
    expect((await server.ask("PUT", "/import", { collections })).status).toBe(204);
    expect(await server.rows("posts")).toEqual(before);
  });

  test("of an export of itself changes nothing but times, and a new one may have an old one's name", async () => {
    const made = await server.make({ name: "posts", fields: [text("title")] });
    await server.add("posts", { title: "kept" });
    const { body } = await server.ask("GET", "?perPage=200");
    expect(
      (await server.ask("PUT", "/import", { collections: body.items, deleteMissing: true })).status,
    ).toBe(204);
    const after = await server.ask("GET", "?perPage=200");
    const timeless = (items: object[]) => items.map((item) => ({ ...item, updated: "" }));
    expect(timeless(after.body.items)).toEqual(timeless(body.items));
    expect(await server.rows("posts")).toMatchObject([{ title: "kept" }]);
    const others = body.items.filter(({ id }: { id: string }) => id !== made.id);
    const replaced = [...others, { id: "another", name: "posts", fields: [text("other")] }];
    expect(
      (await server.ask("PUT", "/import", { collections: replaced, deleteMissing: true })).status,
    ).toBe(204);
    expect(await server.rows("posts")).toEqual([]);
  });
});

describe("sessions of an auth collection", () => {
  test.each([
    ["its deletion", (ask: SchemaFixture["ask"]) => ask("DELETE", "/members"), true],
    [
      "another rule of who may sign in",
      (ask: SchemaFixture["ask"]) => ask("PATCH", "/members", { authRule: "verified = true" }),
      true,
    ],
    [
      "another name",
      (ask: SchemaFixture["ask"]) => ask("PATCH", "/members", { name: "people" }),
      true,
    ],
    [
      "another list rule",
      (ask: SchemaFixture["ask"]) => ask("PATCH", "/members", { listRule: "" }),
      false,
    ],
  ] as const)("%s", async (_, change, ends) => {
    await server.make({ name: "members", type: "auth" });
    const { hub } = server.app.app;
    const ended: string[] = [];
    const original = hub.revokeCollection.bind(hub);
    hub.revokeCollection = (name) => {
      ended.push(name);
      original(name);
    };
    expect((await change(server.ask)).status).toBeLessThan(300);
    expect(ended).toEqual(ends ? ["members"] : []);
  });
});

describe("while records are written", () => {
  test("every change is seen at once, and every acknowledged record is there", async () => {
    const made = await server.make({
      name: "busy",
      listRule: "",
      createRule: "",
      fields: [text("a")],
    });
    const [key, a] = made.fields;
    const acknowledged: string[] = [];
    const refused: unknown[] = [];
    const write = async (value: string) => {
      const body = { a: value, b: value };
      const answer = await server.app.request("POST", "/api/collections/busy/records", { body });
      if (answer.status === 200) acknowledged.push(answer.body.id);
      else refused.push(answer.body);
    };
    const read = async () => {
      const answer = await server.app.request(
        "GET",
        "/api/collections/busy/records?filter=a!='none'",
      );
      if (answer.status !== 200 && answer.status !== 400) refused.push(answer.status);
    };
    const shapes = [
      { fields: [key, { ...a, name: "b" }] },
      { fields: [key, { ...a, name: "b" }, text("a", { id: "second" })] },
      { fields: [key, { ...a, name: "b" }, { id: "third", name: "a", type: "number" }] },
      { fields: [key, { ...a, name: "a" }], indexes: ["CREATE INDEX idx_busy ON busy (a)"] },
    ];
    const change = async (round: number) => {
      const { status } = await server.ask("PATCH", "/busy", shapes[round % shapes.length]);
      if (status !== 200) refused.push(status);
      // Whoever changes something looks at it before the next change.
      for (let look = 0; look < 3; look++) await server.ask("GET", "/busy");
    };
    const several = async (client: (round: number) => Promise<void>) => {
      for (let round = 0; round < 20; round++) await client(round);
    };
    const writers = ["u", "v", "w", "x"].map((name) =>
      several((round) => write(`${name}${round}`)),
    );
    await Promise.all([several(change), ...writers, several(read)]);
    expect(refused).toEqual([]);
    expect(acknowledged).toHaveLength(80);
    const ids = (await server.rows("busy")).map((row: { id: string }) => row.id);
    expect(ids).toEqual([...acknowledged].sort());
  });

  test("a write that was checked by the schema before is asked again with the new one", async () => {
    await server.make({ name: "members", type: "auth", createRule: "" });
    const password = "long enough";
    // Hashing takes a while, in which the schema changes.
    const writing = server.add("members", {
      email: "a@b.test",
      password,
      passwordConfirm: password,
      nick: "kept",
    });
    const { body } = await server.ask("GET", "/members");
    const nick = text("nick", { required: true });
    expect((await server.ask("PATCH", "/members", { fields: [...body.fields, nick] })).status).toBe(
      200,
    );
    expect((await writing).nick).toBe("kept");
  });
});

test("the files of a collection go with it, once it is gone", async () => {
  const made = await server.make({ name: "docs", fields: [{ name: "doc", type: "file" }] });
  const relation = { name: "of", type: "relation", collectionId: made.id };
  await server.make({ name: "child", fields: [relation] });
  const form = new FormData();
  form.set("doc", new File(["some text"], "a.txt"));
  const url = "http://localhost/api/collections/docs/records";
  const headers = { authorization: server.token };
  const added = await server.app.raw(new Request(url, { method: "POST", headers, body: form }));
  expect(added.status).toBe(200);
  const folder = join(server.app.dir, "storage", made.id);
  expect(readdirSync(folder)).toHaveLength(1);
  expect((await server.ask("DELETE", "/docs")).status).toBe(400);
  expect(readdirSync(folder)).toHaveLength(1);
  await server.ask("DELETE", "/child");
  expect((await server.ask("DELETE", "/docs")).status).toBe(204);
  await server.app.app.stop();
  expect(existsSync(folder)).toBe(false);
});

test("hooks around a change see it and can refuse it", async () => {
  const seen: string[] = [];
  const { hooks } = server.app.app.context();
  for (const action of ["create", "update", "delete"]) {
    hooks.bind<{ collection: { name: string }; original?: { name: string } }>(
      `collection.${action}`,
      async (event, next) => {
        await next();
        seen.push(`${action} ${event.original?.name ?? "-"} ${event.collection.name}`);
        if (event.collection.name === "refused") {
          throw new AppError({ kind: "conflict", code: "no", message: "No." });
        }
      },
    );
  }
  await server.make({ name: "one" });
  await server.ask("PATCH", "/one", { name: "two" });
  await server.ask("DELETE", "/two");
  expect(seen).toEqual(["create - one", "update one two", "delete two two"]);
  const before = await server.schema();
  expect((await server.ask("POST", "", { name: "refused" })).status).toBe(409);
  expect(await server.schema()).toBe(before);
});
