/** Collections of the server's own features: the operator's but for what the feature needs. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { knownFeatures } from "../../src/app.ts";
import { claimsOf } from "../../src/features/records/service/collections/claims.ts";
import { codes, type SchemaFixture, schemaApp } from "./collections-fixture.ts";

let server: SchemaFixture;

beforeAll(async () => {
  server = await schemaApp("all");
});

afterAll(() => server[Symbol.asyncDispose]());

interface Given {
  readonly name: string;
  readonly [option: string]: unknown;
}

const fieldsOf = async (): Promise<Given[]> => (await server.ask("GET", "/rooms")).body.fields;

test("every collection that a feature lists is claimed with its fields", () => {
  const { config } = server.app.app;
  const { clock, ids, log } = server.app.app.kernel.runtime;
  const features = knownFeatures(config, { version: "0", clock, ids, log });
  const made = features.flatMap(({ collections }) => collections);
  expect(made.length).toBeGreaterThan(0);
  expect(claimsOf(features).size).toBe(made.length);
});

describe("rooms", () => {
  test("has rules and further fields of the operator's", async () => {
    const fields = [...(await fieldsOf()), { name: "colour", type: "text" }];
    const { status } = await server.ask("PATCH", "/rooms", { fields, listRule: "colour = 'red'" });
    expect(status).toBe(200);
    const without = (await fieldsOf()).filter(({ name }) => name !== "colour");
    expect((await server.ask("PATCH", "/rooms", { fields: without, listRule: "" })).status).toBe(
      200,
    );
  });

  const changes: readonly (readonly [string, (fields: Given[]) => Given[]])[] = [
    ["removed", (fields) => fields.filter(({ name }) => name !== "isTemporary")],
    [
      "renamed",
      (fields) =>
        fields.map((each) => (each.name === "owner" ? { ...each, name: "holder" } : each)),
    ],
    [
      "changed",
      (fields) =>
        fields.map((each) => (each.name === "roomType" ? { ...each, values: ["any"] } : each)),
    ],
    [
      "shown",
      (fields) =>
        fields.map((each) => (each.name === "isTemporary" ? { ...each, hidden: false } : each)),
    ],
  ];
  test.each(changes)("its own fields are not %s", async (_, change) => {
    const before = await fieldsOf();
    const { status, body } = await server.ask("PATCH", "/rooms", { fields: change(before) });
    // Rules of the feature's that name the field are refused beside it.
    expect({ status, fault: codes(body.data).fields }).toEqual({
      status: 400,
      fault: "validation_system_field_change",
    });
    expect(await fieldsOf()).toEqual(before);
  });

  test("is not renamed, deleted, or left out of an import that deletes", async () => {
    const before = await server.schema();
    const renamed = await server.ask("PATCH", "/rooms", { name: "halls" });
    expect(codes(renamed.body.data)).toEqual({ name: "validation_collection_system_name_change" });
    expect((await server.ask("DELETE", "/roomMembers")).status).toBe(400);
    const collections = [{ name: "mine" }];
    const imported = await server.ask("PUT", "/import", { collections, deleteMissing: true });
    expect(codes(imported.body.data)).toEqual({
      collections: "validation_collections_import_failure",
    });
    expect(await server.schema()).toBe(before);
    expect((await server.ask("PUT", "/import", { collections })).status).toBe(204);
  });
});
