/** The collections API: what is refused and why, what is kept, what is never shown. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { codes, type SchemaFixture, schemaApp } from "./collections-fixture.ts";

let server: SchemaFixture;

beforeAll(async () => {
  server = await schemaApp();
  await server.make({ name: "posts", fields: [{ name: "title", type: "text" }] });
});

afterAll(() => server[Symbol.asyncDispose]());

type Row = readonly [what: string, body: unknown, faults: Record<string, string>];

const field = (given: object) => ({ name: "fresh", fields: [given] });
const auth = (given: object) => ({ name: "fresh", type: "auth", ...given });

const REFUSED: readonly Row[] = [
  [
    "an id that is too long",
    { id: "a".repeat(101), name: "fresh" },
    { id: "validation_length_out_of_range" },
  ],
  ["a table of the engine", { name: "sqlite_x" }, { name: "validation_collection_name_invalid" }],
  [
    "two fields of one id",
    {
      name: "fresh",
      fields: [
        { id: "same", name: "a", type: "text" },
        { id: "same", name: "A", type: "text" },
        { id: "other", name: "a", type: "text" },
      ],
    },
    { "fields.2.name": "validation_duplicated_field_name" },
  ],
  [
    "an id field that is hidden",
    field({ name: "id", type: "text", hidden: true, max: -1 }),
    { "fields.0.max": "validation_min_greater_equal_than_required" },
  ],
  [
    "text sizes",
    field({ name: "a", type: "text", min: -1, max: 2 ** 60 }),
    {
      "fields.1.min": "validation_min_greater_equal_than_required",
      "fields.1.max": "validation_max_less_equal_than_required",
    },
  ],
  [
    "an autogenerate pattern the field refuses",
    field({ name: "a", type: "text", max: 2, autogeneratePattern: "[a-z]{5}" }),
    {
      "fields.1.autogeneratePattern": "validation_invalid_autogenerate_pattern_value",
    },
  ],
  [
    "password bounds",
    field({ name: "a", type: "password", min: 80, max: 72, cost: 40, pattern: "(" }),
    {
      "fields.1.min": "validation_max_less_equal_than_required",
      "fields.1.max": "validation_min_greater_equal_than_required",
      "fields.1.cost": "validation_max_less_equal_than_required",
      "fields.1.pattern": "validation_invalid_regex",
    },
  ],
  [
    "url domains",
    field({ name: "a", type: "url", exceptDomains: ["ok.test", "a b"] }),
    { "fields.1.exceptDomains.1": "validation_is_domain" },
  ],
  [
    "a thumb of no size",
    field({ name: "a", type: "file", thumbs: ["10x10", "0x0t"] }),
    { "fields.1.thumbs.1": "validation_not_in_invalid" },
  ],
  [
    "json and editor sizes",
    {
      name: "fresh",
      fields: [
        { name: "a", type: "json", maxSize: -1 },
        { name: "b", type: "editor", maxSize: -1 },
      ],
    },
    {
      "fields.1.maxSize": "validation_min_greater_equal_than_required",
      "fields.2.maxSize": "validation_min_greater_equal_than_required",
    },
  ],
  [
    "a relation that must have some but may have none",
    field({ name: "a", type: "relation", collectionId: "_pb_users_auth_", minSelect: 1 }),
    { "fields.1.maxSelect": "validation_required" },
  ],
  [
    "a rule with an unknown field",
    { name: "fresh", listRule: "nope = 1", createRule: "a = " },
    { listRule: "validation_invalid_rule", createRule: "validation_invalid_rule" },
  ],
  [
    "a rule that a new field would bear, but not its type",
    { name: "fresh", listRule: "a.b = 1", fields: [{ name: "a", type: "text" }] },
    { listRule: "validation_invalid_rule" },
  ],
  [
    "auth without its index",
    auth({ indexes: ["CREATE INDEX i ON fresh (email"] }),
    { "indexes.0": "validation_invalid_index_expression" },
  ],
  [
    "an index that breaks out",
    { name: "fresh", indexes: ["CREATE INDEX i1 ON fresh (id ; DROP TABLE posts)"] },
    { "indexes.0": "validation_invalid_index_expression" },
  ],
  [
    "a provider's addresses",
    auth({
      oauth2: {
        enabled: true,
        providers: [
          {
            name: "oidc",
            clientId: "a",
            clientSecret: "b",
            authURL: "no url",
            tokenURL: "https://a.test/t",
          },
        ],
      },
    }),
    { "oauth2.providers.0.authURL": "validation_is_url" },
  ],
  [
    "a mfa rule",
    auth({ mfa: { enabled: true, duration: 60, rule: "nope = 1" }, otp: { enabled: true } }),
    { "mfa.rule": "validation_invalid_rule" },
  ],
  ["a wrong type", { name: "fresh", indexes: "none" }, {}],
  ["a number where a list belongs", auth({ oauth2: { providers: 5 } }), {}],
];

describe("creating is refused for", () => {
  test.each(REFUSED)("%s", async (_, body, faults) => {
    const before = await server.schema();
    const { status, body: answer } = await server.ask("POST", "", body);
    expect({ status, faults: codes(answer.data) }).toEqual({ status: 400, faults });
    expect(await server.schema()).toBe(before);
  });
});

test("a rule may speak of fields that come with it, and of the collection itself", async () => {
  const made = await server.make({
    name: "ruled",
    listRule: "a = 1 && @collection.ruled.a ?= 1",
    fields: [{ name: "a", type: "number" }],
  });
  expect(made.listRule).toBe("a = 1 && @collection.ruled.a ?= 1");
});

test("what stands after an index statement is not run, and the text stays as it was sent", async () => {
  const text =
    "create index `idx_after` on elsewhere (title) where title != ';' ; DROP TABLE posts";
  const { body } = await server.ask("PATCH", "/posts", { indexes: [text] });
  expect(body.indexes).toEqual([text]);
  const { db } = server.app.app.context();
  const row = await db.get("SELECT sql, tbl_name FROM sqlite_schema WHERE name = 'idx_after'");
  expect(row).toEqual({
    sql: "CREATE INDEX `idx_after` ON `posts` (`title`) WHERE title != ';'",
    tbl_name: "posts",
  });
});

describe("secrets", () => {
  const provider = { name: "google", clientId: "id", clientSecret: "hidden one" };
  const stored = async (name: string) => {
    const { db } = server.app.app.context();
    const row = await db.get("SELECT options FROM `_collections` WHERE name = ?", name);
    return JSON.parse(String(row?.options));
  };

  test("are made, kept when they are left out, and never shown", async () => {
    const oauth2 = { enabled: true, providers: [provider] };
    const made = await server.make({ name: "members", type: "auth", oauth2 });
    const first = await stored("members");
    expect(first.authToken.secret).toMatch(/^\w{50}$/);
    expect(first.oauth2.providers[0].clientSecret).toBe("hidden one");
    expect(JSON.stringify(made)).not.toMatch(/hidden one|"secret"|clientSecret/);
    const { clientSecret: _, ...shown } = provider;
    const changed = await server.ask("PATCH", "/members", {
      authToken: { duration: 77 },
      oauth2: { providers: [{ ...shown, clientId: "other" }] },
    });
    expect(changed.status).toBe(200);
    const second = await stored("members");
    expect(second.authToken).toEqual({ duration: 77, secret: first.authToken.secret });
    expect(second.oauth2.providers[0]).toMatchObject({
      clientId: "other",
      clientSecret: "hidden one",
    });
    expect(JSON.stringify((await server.ask("GET", "")).body)).not.toMatch(/hidden one|"secret"/);
  });

  test("of sign-in change with the rule of who may sign in", async () => {
    const first = await stored("members");
    await server.ask("PATCH", "/members", { authRule: "verified = true" });
    const second = await stored("members");
    expect(second.authToken.secret).not.toBe(first.authToken.secret);
    expect(second.fileToken.secret).toBe(first.fileToken.secret);
    await server.ask("PATCH", "/members", { authRule: "verified = true", listRule: "" });
    expect((await stored("members")).authToken.secret).toBe(second.authToken.secret);
  });
});

describe("a system field", () => {
  type Change = (fields: { name: string }[]) => unknown[];
  const rows: readonly (readonly [string, Change, Record<string, string>])[] = [
    [
      "comes back when it is left out",
      (fields) => fields.filter(({ name }) => name !== "verified"),
      {},
    ],
    [
      "is not renamed",
      (fields) => fields.map((each) => (each.name === "email" ? { ...each, name: "mail" } : each)),
      { fields: "validation_system_field_change" },
    ],
    [
      "stays hidden",
      (fields) =>
        fields.map((each) => (each.name === "tokenKey" ? { ...each, hidden: false } : each)),
      {},
    ],
    [
      "keeps its place beside a reserved name",
      (fields) => [...fields, { name: "oldPassword", type: "text" }],
      { "fields.6.name": "validation_reserved_field_name" },
    ],
  ];
  test.each(rows)("%s", async (_, change, faults) => {
    const { body: members } = await server.ask("GET", "/members");
    const answer = await server.ask("PATCH", "/members", { fields: change(members.fields) });
    expect(codes(answer.body.data)).toEqual(faults);
    const { body: after } = await server.ask("GET", "/members");
    const shown = (list: { name: string }[]) =>
      [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(shown(after.fields)).toEqual(shown(members.fields));
  });

  test("keeps its unique index, whatever that is called", async () => {
    const { body: members } = await server.ask("GET", "/members");
    const gone = await server.ask("PATCH", "/members", { indexes: [] });
    expect(gone.status).toBe(200);
    expect(gone.body.indexes).toEqual(members.indexes);
    const other = "CREATE UNIQUE INDEX own_token ON members (tokenKey desc)";
    const renamed = await server.ask("PATCH", "/members", { indexes: [other] });
    expect(renamed.body.indexes).toEqual([other, members.indexes[1]]);
  });
});

test("superusers sign in by password, and by a code only beside it", async () => {
  const { body } = await server.ask("PATCH", "/_superusers", {
    passwordAuth: { enabled: false },
    oauth2: { enabled: true },
    otp: { enabled: true, duration: 60, length: 6 },
  });
  expect(body).toMatchObject({
    passwordAuth: { enabled: true },
    oauth2: { enabled: false },
    otp: { enabled: true },
    mfa: { enabled: true },
  });
  await server.ask("PATCH", "/_superusers", { otp: { enabled: false }, mfa: { enabled: false } });
});

test("an id made from the name is numbered when a renamed collection has it", async () => {
  const first = await server.make({ name: "taken", type: "auth" });
  await server.ask("PATCH", "/taken", { name: "renamed" });
  const second = await server.make({ name: "taken", type: "auth" });
  expect(second.id).toBe(`${first.id}2`);
  expect(second.indexes[0]).toBe(
    `CREATE UNIQUE INDEX \`idx_tokenKey_${first.id}2\` ON \`taken\` (\`tokenKey\`)`,
  );
});

test("a field's id is numbered when a renamed field has it", async () => {
  const made = await server.make({ name: "numbered", fields: [{ name: "a", type: "text" }] });
  const [key, a] = made.fields;
  const fields = [key, { ...a, name: "b" }, { name: "a", type: "text" }];
  const { body } = await server.ask("PATCH", "/numbered", { fields });
  expect(body.fields.map((each: { id: string; name: string }) => [each.id, each.name])).toEqual([
    ["text3208210256", "id"],
    [a.id, "b"],
    [`${a.id}2`, "a"],
  ]);
});

test("meta: scaffolds have indexes of their own each time, providers have names", async () => {
  const [one, two] = [
    await server.ask("GET", "/meta/scaffolds"),
    await server.ask("GET", "/meta/scaffolds"),
  ];
  expect(Object.keys(one.body).sort()).toEqual(["auth", "base", "view"]);
  expect(one.body.auth.indexes[0]).not.toBe(two.body.auth.indexes[0]);
  const { body } = await server.ask("GET", "/meta/oauth2-providers");
  expect(body).toContainEqual({ name: "google", displayName: "Google", logo: "" });
});

describe("the list", () => {
  const rows: readonly (readonly [string, string, number])[] = [
    ["rowid", "sort=@rowid", 200],
    ["times", `filter=${encodeURIComponent("created < @now || updated >= created")}`, 200],
    ["requests", `filter=${encodeURIComponent("@request.auth.id != ''")}`, 400],
    ["other collections", `filter=${encodeURIComponent("@collection.users.id != ''")}`, 400],
    ["rules", `filter=${encodeURIComponent("listRule = ''")}`, 400],
    ["options", "sort=options", 400],
    ["a page that is no number", "page=x", 400],
  ];
  test.each(rows)("asked for %s", async (_, query, status) => {
    expect((await server.ask("GET", `?${query}`)).status).toBe(status);
  });
});
