/** Every filter and rule of the vectors' table, on the rows it names. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { AppError } from "../../src/base/errors.ts";
import type { FilterOptions } from "../../src/features/records/service/filters.ts";
import {
  EVERYTHING,
  freshWorld,
  NOW,
  requestOf,
  VECTORS,
  type Vector,
  type World,
} from "./filter-fixture.ts";

let world: World;
beforeAll(async () => {
  world = await freshWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

function optionsOf(vector: Vector): FilterOptions {
  const { filter, kind } = vector;
  const shared = { collection: world.collection(vector.collection), now: NOW };
  const request = requestOf(vector.actor);
  if (kind === "rule") return { ...shared, request, rule: filter, privileged: false };
  const privileged = vector.actor === "superuser";
  return { ...shared, request, filter, rule: vector.listRule ?? "", privileged };
}

async function outcome(vector: Vector): Promise<string> {
  try {
    const filters = world.filters(vector.listRules ?? {});
    // The list refuses a blank filter by itself only when it is not empty.
    const query = filters.query(optionsOf(vector));
    const rows = await world.run(query.rows(EVERYTHING));
    const [counted] = await world.run(query.count());
    expect([vector.id, counted?.total]).toEqual([vector.id, rows.length]);
    return rows
      .map((row) => row.id)
      .sort()
      .join(" ");
  } catch (error) {
    if (error instanceof AppError) return String(error.status);
    throw error;
  }
}

test.each(VECTORS.vectors.map((vector) => [vector.id, vector] as const))(
  "%s",
  async (_, vector) => {
    const expected = vector.expected ? [...vector.expected].sort().join(" ") : "400";
    const { id, filter, note } = vector;
    expect({ id, filter, note, rows: await outcome(vector) }).toEqual({
      id,
      filter,
      note,
      rows: expected,
    });
  },
);
