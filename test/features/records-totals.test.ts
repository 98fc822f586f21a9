/** Totals of lists: always right, and counted again only when something they count has changed. */

import { expect, spyOn, test } from "bun:test";
import type { Reader } from "../../src/infra/db/database.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";

const RULE = "owner = @request.auth.id || shared.name != ''";

const NAME = { name: "name", type: "text" };

async function freshLists() {
  const app = await freshApp({ features: "none" });
  const token = await app.superuser();
  const make = async (body: object) => {
    const answer = await app.request("POST", "/api/collections", { body, token });
    expect({ ...answer }).toMatchObject({ status: 200 });
    return answer.body.id as string;
  };
  const open = { listRule: "", createRule: "", updateRule: "", deleteRule: "" };
  const shares = await make({ name: "shares", type: "base", ...open, fields: [NAME] });
  await make({
    name: "notes",
    type: "base",
    ...open,
    fields: [
      { name: "title", type: "text" },
      { name: "owner", type: "text" },
      { name: "shared", type: "relation", collectionId: shares, maxSelect: 1 },
    ],
  });
  await make({
    name: "titles",
    type: "view",
    listRule: "",
    viewQuery: "SELECT id, title FROM notes WHERE title != ''",
  });
  return { app, token };
}

/** Texts of the statements that count, as they are run. */
function watchCounts({ app }: AppFixture): string[] {
  const { db } = app.kernel.runtime;
  const counts: string[] = [];
  for (const name of ["get", "all", "readWithin"] as const satisfies (keyof Reader)[]) {
    const original = db[name].bind(db) as (...parts: unknown[]) => Promise<never>;
    spyOn(db, name).mockImplementation((...parts: unknown[]) => {
      counts.push(...parts.filter((part) => /^\s*SELECT count\(/.test(String(part))).map(String));
      return original(...parts);
    });
  }
  return counts;
}

async function total(app: AppFixture, path: string): Promise<number> {
  const answer = await app.request("GET", `/api/collections/${path}`);
  expect(answer.status).toBe(200);
  return answer.body.totalItems;
}

test("totals follow every kind of write, in and out of the server", async () => {
  const { app, token } = await freshLists();
  await using _ = app;
  const lists = ["notes/records", "notes/records?filter=title='a'", "titles/records"];
  const totals = () => Promise.all(lists.map((list) => total(app, list)));
  const write = (method: string, path: string, body?: object) =>
    app.request(method, `/api/collections/notes/records${path}`, { body });
  expect(await totals()).toEqual([0, 0, 0]);
  await write("POST", "", { id: "note00000000001", title: "a" });
  await write("POST", "", { id: "note00000000002", title: "b" });
  expect(await totals()).toEqual([2, 1, 2]);
  await write("PATCH", "/note00000000002", { title: "a" });
  expect(await totals()).toEqual([2, 2, 2]);
  expect((await write("POST", "", { id: "note00000000001" })).status).toBe(400);
  expect(await totals()).toEqual([2, 2, 2]);
  await write("PATCH", "/note00000000002", { title: "" });
  expect(await totals()).toEqual([2, 1, 1]);
  await write("DELETE", "/note00000000001");
  expect(await totals()).toEqual([1, 0, 0]);
  await app.app.kernel.runtime.db.write((tx) =>
    tx.run(
      "INSERT INTO notes (id, title) SELECT 'note0000000000' || value, 'a' FROM json_each('[3,4]')",
    ),
  );
  expect(await totals()).toEqual([3, 2, 2]);
  await app.request("DELETE", "/api/collections/notes/truncate", { token });
  expect(await totals()).toEqual([0, 0, 0]);
});

test("a list is counted once, and again after a write to what it reads", async () => {
  const { app, token } = await freshLists();
  await using _ = app;
  await app.request("PATCH", "/api/collections/notes", { body: { listRule: RULE }, token });
  const body = { title: "a", owner: "" };
  await app.request("POST", "/api/collections/notes/records", { body });
  const list = "notes/records?filter=title='a'";
  await total(app, list);
  const counts = watchCounts(app);
  for (let page = 1; page <= 3; page++) await total(app, `${list}&page=${page}&sort=-title`);
  expect(counts).toEqual([]);
  // Another collection that the rule reads, and one that it does not.
  await app.request("POST", "/api/collections/shares/records", { body: {} });
  expect(await total(app, list)).toBe(1);
  expect(counts).toHaveLength(1);
  await total(app, "shares/records");
  const before = counts.length;
  await app.request("POST", "/api/collections/notes/records", { body });
  await total(app, "shares/records");
  expect(counts).toHaveLength(before);
});

test("a view, which may read the clock, is counted each time", async () => {
  const { app } = await freshLists();
  await using _ = app;
  const counts = watchCounts(app);
  for (const list of ["titles/records", "titles/records"]) await total(app, list);
  expect(counts).toHaveLength(2);
});

test("the rows of a whole table are counted once, whatever is written", async () => {
  const { app } = await freshLists();
  await using _ = app;
  expect(await total(app, "shares/records")).toBe(0);
  const counts = watchCounts(app);
  for (let made = 1; made <= 5; made++) {
    await app.request("POST", "/api/collections/shares/records", { body: {} });
    expect(await total(app, "shares/records")).toBe(made);
  }
  expect(counts).toEqual([]);
});
