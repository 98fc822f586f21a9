/** View collections: what a query may be, which fields come of it, how views follow changes. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { codes, type SchemaFixture, schemaApp } from "./collections-fixture.ts";

let server: SchemaFixture;

const POSTS = [
  { id: "t1", name: "title", type: "text", max: 40 },
  { name: "count", type: "number" },
  { name: "tags", type: "select", values: ["a", "b", "c"], maxSelect: 3 },
  { name: "author", type: "relation", collectionId: "_pb_users_auth_", maxSelect: 1 },
];

beforeAll(async () => {
  server = await schemaApp();
  await server.make({ id: "posts1", name: "posts", fields: POSTS });
  await server.add("posts", { id: "post00000000001", title: "one", count: 1, tags: ["a", "b"] });
  await server.add("posts", { id: "post00000000002", title: "two", count: 2 });
});

afterAll(() => server[Symbol.asyncDispose]());

let serial = 0;

async function typesOf(viewQuery: string): Promise<Record<string, string>> {
  const { status, body } = await server.ask("POST", "", {
    name: `v${serial++}`,
    type: "view",
    viewQuery,
  });
  if (status !== 200) return codes(body.data);
  await server.ask("DELETE", `/${body.id}`);
  const fields: { name: string; type: string }[] = body.fields;
  return Object.fromEntries(fields.map(({ name, type }) => [name, type]));
}

const ID = { id: "text" };
const INVALID = { viewQuery: "validation_invalid_view_query", fields: "validation_required" };

const QUERIES: readonly (readonly [query: string, fields: Record<string, string>])[] = [
  ["select id, title from posts", { ...ID, title: "text" }],
  [
    "SELECT posts.id, posts.[count] AS n, `tags` FROM posts;",
    { ...ID, n: "number", tags: "select" },
  ],
  ['SELECT "p"."id", p.AUTHOR who FROM posts AS p -- the end', { ...ID, who: "relation" }],
  ["SELECT id /* , author */, total(count) sum, COUNT(*) FROM posts GROUP BY id", { fields: "" }],
  [
    "SELECT DISTINCT id, lower(title) AS l, NULL AS n, 'x' AS t FROM posts",
    { ...ID, l: "json", n: "json", t: "json" },
  ],
  [
    "SELECT p.id, u.email, p.author AS a, u.id AS uid FROM posts p, users u",
    { ...ID, email: "email", a: "relation", uid: "relation" },
  ],
  [
    "SELECT p.id, u.name FROM posts p\nLEFT  OUTER JOIN users u ON u.id = p.author WHERE p.count > 0",
    { ...ID, name: "text" },
  ],
  [
    "SELECT x.id, x.title FROM (SELECT id, title FROM posts UNION SELECT id, name FROM users) x",
    { ...ID, title: "json" },
  ],
  [
    "SELECT id, (CASE WHEN count > 1 THEN 'many' ELSE ';' END) AS size FROM posts",
    { ...ID, size: "json" },
  ],
  ["WITH p AS (SELECT id, title FROM posts) SELECT id, title FROM p", { ...ID, title: "json" }],
  [
    "SELECT (ROW_NUMBER() OVER ()) AS id, cast(count as INTEGER) c FROM posts",
    { ...ID, c: "number" },
  ],
  [
    "SELECT id, cast(title as boolean) b, cast(count as blob) x FROM posts",
    { ...ID, b: "bool", x: "json" },
  ],
  ["SELECT id FROM posts UNION SELECT id FROM users", INVALID],
  ["SELECT id, CASE WHEN 1 THEN 2 END AS x FROM posts", INVALID],
  ["SELECT p.* FROM posts p", INVALID],
  ["SELECT id FROM posts) UNION SELECT password FROM (SELECT password FROM _superusers", INVALID],
  ["SELECT id FROM posts /* open", INVALID],
  ["SELECT id FROM posts; DROP TABLE posts", INVALID],
  ["DROP TABLE posts", INVALID],
  ["PRAGMA user_version = 5", INVALID],
  ["(SELECT id FROM posts", INVALID],
  ["SELECT id FROM posts LIMIT", INVALID],
  ["SELECT id, 'a b' AS \"bad name\" FROM posts", { "fields.1.name": "validation_match_invalid" }],
];

describe("fields of", () => {
  test.each(QUERIES)("%s", async (query, fields) => {
    const types = await typesOf(query);
    if ("fields" in fields && fields.fields === "") {
      // Unnamed expressions are no names of fields.
      expect(types).toEqual({ "fields.2.name": "validation_match_invalid" });
    } else expect(types).toEqual(fields);
    expect(await server.rows("posts")).toHaveLength(2);
  });
});

test("ids are texts, and a copied field keeps its id while the view changes", async () => {
  const made = await server.make({
    name: "numbered",
    type: "view",
    viewQuery: "SELECT (ROW_NUMBER() OVER ()) AS id, title, tags FROM posts",
  });
  expect(await server.rows("numbered")).toMatchObject([
    { id: "1", title: "one", tags: ["a", "b"] },
    { id: "2", title: "two", tags: [] },
  ]);
  expect(made.fields[1].id).toMatch(/^_clone_\w{4}$/);
  const viewQuery = "SELECT (ROW_NUMBER() OVER ()) AS id, count, title FROM posts";
  const { body } = await server.ask("PATCH", "/numbered", { viewQuery, listRule: "count > 1" });
  expect(body.fields[2]).toEqual(made.fields[1]);
  expect(await server.rows("numbered")).toHaveLength(2);
  const guest = await server.app.request("GET", "/api/collections/numbered/records");
  expect(guest.body.items).toMatchObject([{ title: "two" }]);
  expect((await server.ask("DELETE", "/numbered")).status).toBe(204);
});

test("a view that reads its old self is refused and stays", async () => {
  await server.make({ name: "self", type: "view", viewQuery: "SELECT id FROM posts" });
  const { status } = await server.ask("PATCH", "/self", { viewQuery: "SELECT id FROM self" });
  expect(status).toBe(400);
  expect(await server.rows("self")).toHaveLength(2);
  await server.ask("DELETE", "/self");
});

describe("a view follows", () => {
  const viewQuery = "SELECT p.id, p.title AS heading, p.count FROM posts p";

  test("new names of its table and columns, and new options of its fields", async () => {
    await server.make({ name: "heads", type: "view", viewQuery });
    const { body: posts } = await server.ask("GET", "/posts");
    const renamed = posts.fields.map((field: { name: string }) =>
      field.name === "title" ? { ...field, name: "caption", max: 41 } : field,
    );
    await server.ask("PATCH", "/posts", { name: "articles", fields: renamed });
    const { body } = await server.ask("GET", "/heads");
    expect(body.viewQuery).toMatch(
      /^SELECT p\.id, p\."?caption"? AS heading, p\.count FROM "articles" p$/,
    );
    expect(body.fields[1]).toMatchObject({ name: "heading", type: "text", max: 41 });
    expect(await server.rows("heads")).toMatchObject([{ heading: "one" }, { heading: "two" }]);
    await server.ask("PATCH", "/articles", { name: "posts", fields: posts.fields });
    expect((await server.ask("GET", "/heads")).body.viewQuery).toContain('"posts"');
  });

  test("them too where PocketBase made it", async () => {
    const context = server.app.app.context();
    await context.transaction(async () => {
      await context.tx.run("DROP VIEW heads");
      await context.tx.run(`CREATE VIEW \`heads\` AS SELECT * FROM (${viewQuery})`);
    });
    await server.ask("PATCH", "/posts", { name: "articles" });
    expect((await server.ask("GET", "/heads")).body.viewQuery).toContain('"articles"');
    await server.ask("PATCH", "/articles", { name: "posts" });
    expect(await server.rows("heads")).toMatchObject([{ heading: "one" }, { heading: "two" }]);
  });

  test("and its table is not deleted under it, nor a column that it names", async () => {
    const { body } = await server.ask("GET", "/posts");
    const fields = body.fields.filter(({ name }: { name: string }) => name !== "count");
    expect((await server.ask("PATCH", "/posts", { fields })).status).toBe(400);
    expect((await server.ask("DELETE", "/posts")).status).toBe(400);
    expect(await server.rows("heads")).toHaveLength(2);
  });
});

describe("trying a query out", () => {
  const rows: readonly (readonly [string, number, unknown])[] = [
    [
      "SELECT id, title, tags FROM posts ORDER BY title DESC",
      200,
      [
        { title: "two", tags: [] },
        { title: "one", tags: ["a", "b"] },
      ],
    ],
    ["SELECT id FROM nope", 400, { query: "validation_invalid_view_query" }],
    ["SELECT title FROM posts", 400, { query: "validation_invalid_view_query" }],
    ["SELECT ';' AS id", 400, { query: "validation_invalid_view_query" }],
    ["DELETE FROM posts RETURNING id", 400, { query: "validation_invalid_view_query" }],
    ["", 400, { query: "validation_required" }],
  ];
  test.each(rows)("%s", async (query, status, expected) => {
    const before = await server.schema();
    const answer = await server.ask("POST", "/meta/dry-run-view", { query });
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.body).toMatchObject(expected as object[]);
    else expect<unknown>(codes(answer.body.data)).toEqual(expected);
    expect(await server.schema()).toBe(before);
  });

  test("gives some rows of many", async () => {
    const query =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) SELECT i AS id FROM n";
    expect((await server.ask("POST", "/meta/dry-run-view", { query })).body).toHaveLength(10);
  });
});
