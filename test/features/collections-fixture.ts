/** A server with a superuser at hand, for tests that change its schema. */

import { type Answer, type AppFixture, freshApp } from "./app-fixture.ts";

export interface SchemaFixture extends AsyncDisposable {
  readonly app: AppFixture;
  readonly token: string;
  /** Asks as the superuser; `path` is below `/api/collections`. */
  ask(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Makes a collection; fails the test where it is refused. Returns it. */
  make(body: Readonly<Record<string, unknown>>): Promise<Answer["body"]>;
  /** Makes a record; returns it. */
  add(collection: string, values: Readonly<Record<string, unknown>>): Promise<Answer["body"]>;
  /** The records in the order of their ids. */
  rows(collection: string): Promise<Answer["body"]>;
  /** Tables, views, indexes and `_collections`, as one text. */
  schema(): Promise<string>;
}

export async function schemaApp(features = "none"): Promise<SchemaFixture> {
  const app = await freshApp({ features });
  const token = await app.superuser();
  const ask = (method: string, path: string, body?: unknown) =>
    app.request(method, `/api/collections${path}`, { token, body });
  const made = async (path: string, body: unknown) => {
    const answer = await ask("POST", path, body);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  };
  return {
    app,
    token,
    ask,
    make: (body) => made("", body),
    add: (collection, values) => made(`/${collection}/records`, values),
    async rows(collection) {
      const answer = await ask("GET", `/${collection}/records?sort=id&perPage=1000`);
      return answer.body.items;
    },
    async schema() {
      const { db } = app.app.context();
      const objects = await db.all("SELECT name, sql FROM sqlite_schema ORDER BY name");
      const collections = await db.all("SELECT * FROM `_collections` ORDER BY id");
      return JSON.stringify([objects, collections], undefined, 1);
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

/** Faults as `{"fields.1.name": "validation_required"}`. */
export function codes(data: unknown, path = ""): Record<string, string> {
  if (typeof data !== "object" || data === null) return {};
  if ("code" in data && typeof data.code === "string") return { [path]: data.code };
  const entries = Object.entries(data).map(([key, value]) =>
    codes(value, path === "" ? key : `${path}.${key}`),
  );
  return Object.assign({}, ...entries);
}
