/** Random schemas, rows and filters: what the statements answer is what the filters mean. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import {
  type Collection,
  defineCollection,
  type Field,
  fields,
} from "../../src/features/records/schema.ts";
import { Filters } from "../../src/features/records/service/filters.ts";
import { NO_REQUEST } from "../../src/features/records/service/request.ts";
import {
  createCollection,
  createCollectionsTables,
  quote,
} from "../../src/features/records/store.ts";
import { openSqlite, type SqliteDatabase } from "../../src/infra/db/sqlite.ts";
import { fuzz } from "../compat/fuzz.ts";
import { freshDirectory } from "../unit/db-fixture.ts";
import { type Cell, type Filter, passing, type Table, written } from "./filter-evaluator.ts";
import { randomFilter, randomTables } from "./random-records.ts";
import { seeded } from "./seeded.ts";

const WORLDS = 15;
const FILTERS = 60;

function fieldOf(of: Table["fields"][number]): Field {
  switch (of.kind) {
    case "text":
      return fields.text(of.name);
    case "number":
      return fields.number(of.name);
    case "bool":
      return fields.bool(of.name);
    case "select":
      return fields.select(of.name, ["a", "b", "c"]);
    case "labels":
      return fields.select(of.name, ["a", "b", "c"], { maxSelect: 3 });
    case "one":
      return fields.relation(of.name, of.to);
    case "many":
      return fields.relation(of.name, of.to, { maxSelect: 5 });
  }
}

function collectionOf({ name, fields: own }: Table): Collection {
  return defineCollection({
    id: name,
    name,
    listRule: "",
    fields: [{ ...fields.id(), min: 1 }, ...own.map(fieldOf)],
  });
}

async function store(db: SqliteDatabase, tables: readonly Table[]): Promise<void> {
  await db.write(async (tx) => {
    await createCollectionsTables(tx);
    for (const table of tables) {
      await createCollection(tx, collectionOf(table), 0);
      for (const row of table.rows) {
        const names = Object.keys(row);
        const cell = (value: Cell) => (Array.isArray(value) ? JSON.stringify(value) : value);
        await tx.run(
          `INSERT INTO ${quote(table.name)} (${names.map(quote).join(", ")})
           VALUES (${names.map(() => "?").join(", ")})`,
          ...Object.values(row).map((value) => cell(value) as string | number | null),
        );
      }
    }
  });
}

interface Outcome {
  readonly filter: string;
  readonly ids: readonly string[];
}

test("random filters on random rows answer what an evaluator in memory does", async () => {
  const random = seeded(20_26);
  const sizes = { none: 0, some: 0, all: 0 };
  for (let world = 0; world < WORLDS; world++) {
    using directory = freshDirectory();
    const path = join(directory.path, "data.db");
    const db = openSqlite({ path, clock: realClock(), log: silentLog() });
    const tables = randomTables(random);
    await store(db, tables);
    const filters = new Filters(tables.map(collectionOf));
    const ask = async (collection: Collection, filter: Filter): Promise<Outcome> => {
      const text = written(filter);
      const shared = { collection, request: NO_REQUEST, now: 0 };
      // As a superuser's filter, as a guest's, and as a rule: three ways to one answer.
      const queries = [
        filters.query({ ...shared, filter: text, privileged: true }),
        filters.query({ ...shared, filter: text, privileged: false }),
        filters.query({ ...shared, rule: text, privileged: false }),
      ];
      const answers = [];
      for (const query of queries) {
        const page = query.rows({ limit: 1_000, offset: 0 });
        const rows = await db.readWithin<{ id: string }>(10_000, page.sql, ...page.values);
        const count = query.count();
        const [counted] = await db.readWithin<{ total: number }>(
          10_000,
          count.sql,
          ...count.values,
        );
        expect({ text, total: counted?.total }).toEqual({ text, total: rows.length });
        answers.push(rows.map(({ id }) => id).sort());
      }
      expect({ text, ids: answers[1] }).toEqual({ text, ids: answers[0] ?? [] });
      expect({ text, ids: answers[2] }).toEqual({ text, ids: answers[0] ?? [] });
      return { filter: text, ids: answers[0] ?? [] };
    };
    for (let round = 0; round < FILTERS; round++) {
      const table = tables[Math.floor(random() * tables.length)]!;
      const filter = randomFilter(random, tables, table);
      const ids = passing(tables, table.name, filter);
      if (ids === undefined) continue;
      const wanted = { filter: written(filter), ids: ids.sort() };
      expect(await ask(collectionOf(table), filter)).toEqual(wanted);
      const share = wanted.ids.length / table.rows.length;
      sizes[share === 0 ? "none" : share === 1 ? "all" : "some"]++;
    }
    await db.close();
  }
  // Filters that let everything or nothing through would prove little.
  expect(sizes.some).toBeGreaterThan((WORLDS * FILTERS) / 4);
}, 60_000);

test("hostile texts are taken or refused, in no more steps than they have characters", () => {
  const { faults, taken, refused, stepsPerCharacter } = fuzz(50_000, 3);
  expect(faults).toEqual([]);
  expect(Math.min(taken, refused)).toBeGreaterThan(3_000);
  expect(stepsPerCharacter).toBeLessThanOrEqual(1);
}, 60_000);
