/** The collections service of the official client against a server that listens. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import PocketBase, { ClientResponseError } from "pocketbase";
import { type SchemaFixture, schemaApp } from "./collections-fixture.ts";

let server: SchemaFixture;
let http: ReturnType<typeof Bun.serve>;
let client: PocketBase;

beforeAll(async () => {
  server = await schemaApp();
  const fetch = (request: Request) => server.app.raw(request);
  http = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
  client = new PocketBase(http.url.href);
  client.authStore.save(server.token);
});

afterAll(async () => {
  await http.stop(true);
  await server[Symbol.asyncDispose]();
});

test("a collection's whole life", async () => {
  const { collections } = client;
  const scaffolds = await collections.getScaffolds();
  const made = await collections.create({
    ...scaffolds.base,
    name: "posts",
    fields: [...(scaffolds.base?.fields ?? []), { name: "title", type: "text" }],
  });
  expect(made.id).toMatch(/^pbc_\d+$/);
  await client.collection("posts").create({ title: "first" });
  const changed = await collections.update("posts", {
    fields: made.fields.map((field) =>
      field.name === "title" ? { ...field, name: "heading" } : field,
    ),
  });
  expect(changed.fields.map(({ name }) => name)).toEqual(["id", "heading"]);
  expect(await client.collection("posts").getFullList()).toMatchObject([{ heading: "first" }]);
  expect((await collections.getOne(made.id)).name).toBe("posts");
  const auth = await collections.create({ ...scaffolds.auth, name: "members" });
  expect(auth.indexes).toHaveLength(2);

  const sample = await collections.dryRunViewQuery("SELECT id, heading FROM posts");
  expect(sample).toMatchObject([{ heading: "first" }]);
  const view = { ...scaffolds.view, name: "seen", viewQuery: "SELECT id, heading FROM posts" };
  const query = await collections.create(view);
  expect(await client.collection("seen").getFirstListItem("")).toMatchObject({ heading: "first" });

  await collections.truncate("posts");
  expect(await client.collection("posts").getFullList()).toEqual([]);
  const refused = await collections.delete("posts").catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ClientResponseError);
  expect((refused as ClientResponseError).status).toBe(400);
  await collections.import([{ ...query, listRule: "" }, changed]);
  expect((await collections.getFirstListItem("name = 'seen'")).listRule).toBe("");
  await collections.import([changed], true);
  const left = await collections.getFullList({ filter: "system = false" });
  expect(left.map(({ name }) => name)).toEqual(["posts"]);
  expect(await collections.delete("posts")).toBe(true);
  const providers = await collections.getAllOAuth2Providers();
  expect(providers.map(({ name }) => name)).toContain("github");
});
