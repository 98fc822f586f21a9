/** The collections and rows that the filter vectors speak of, in a database of their own. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import {
  type Collection,
  type CollectionDefinition,
  defineCollection,
  fields,
} from "../../src/features/records/schema.ts";
import { Filters, type Statement } from "../../src/features/records/service/filters.ts";
import type { RequestInfo } from "../../src/features/records/service/request.ts";
import {
  createCollection,
  createCollectionsTables,
  loadCollections,
  quote,
} from "../../src/features/records/store.ts";
import type { SqlRow, SqlValue } from "../../src/infra/db/database.ts";
import { openSqlite, type SqliteDatabase } from "../../src/infra/db/sqlite.ts";
import { freshDirectory } from "../unit/db-fixture.ts";

export interface Vector {
  readonly id: string;
  readonly collection: string;
  /** A client's filter, or a rule. */
  readonly kind: "filter" | "rule";
  readonly actor: "ann" | "bob" | "guest" | "superuser";
  readonly filter: string;
  readonly listRule: string | null;
  /** List rules of other collections, where they are not "". */
  readonly listRules: Readonly<Record<string, string | null>> | null;
  /** Ids of the rows that pass; null where the filter is refused with 400. */
  readonly expected: readonly string[] | null;
  readonly note: string;
}

interface VectorFile {
  readonly contexts: Readonly<Record<"ann" | "bob" | "guest", RequestInfo>>;
  readonly clock: string;
  readonly data: Readonly<Record<string, readonly Readonly<Record<string, SqlValue>>[]>>;
  readonly vectors: readonly Vector[];
}

export const VECTORS = JSON.parse(
  readFileSync(join(import.meta.dir, "vectors/filter-vectors.json"), "utf8"),
) as VectorFile;

export const NOW = Date.parse(VECTORS.clock);

const PUBLIC = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };

function base(name: string, own: CollectionDefinition["fields"], indexes: string[] = []) {
  const id = { ...fields.id(), min: 2 };
  return defineCollection({ ...PUBLIC, id: name, name, fields: [id, ...own], indexes });
}

const USERS = [
  fields.text("password", { hidden: true }),
  fields.text("tokenKey", { hidden: true }),
  fields.email("email"),
  fields.bool("emailVisibility"),
  fields.bool("verified"),
  fields.text("name"),
  fields.select("role", ["admin", "editor"]),
];

const DEFINITIONS: readonly Collection[] = [
  { ...base("users", USERS), type: "auth" },
  base("tags", [fields.text("name"), fields.number("weight")]),
  base("posts", [
    fields.text("title"),
    fields.number("views"),
    fields.bool("active"),
    fields.date("published"),
    fields.select("status", ["draft", "live"]),
    fields.select("labels", ["a", "b", "c"], { maxSelect: 3 }),
    fields.relation("author", "users"),
    fields.relation("tags", "tags", { maxSelect: 9 }),
    fields.json("meta"),
    { ...fields.json("place"), type: "geoPoint" },
    fields.text("secret", { hidden: true }),
    fields.file("files", { maxSelect: 5 }),
  ]),
  base("comments", [
    fields.relation("post", "posts"),
    fields.text("text"),
    fields.number("rating"),
  ]),
  base(
    "profiles",
    [fields.relation("user", "users"), fields.text("nick")],
    ["CREATE UNIQUE INDEX `idx_profiles_user` ON `profiles` (`user`)"],
  ),
];

export interface World extends AsyncDisposable {
  readonly db: SqliteDatabase;
  readonly collections: readonly Collection[];
  /** With other list rules than "". */
  filters(listRules?: Readonly<Record<string, string | null>>): Filters;
  collection(name: string): Collection;
  run(statement: Statement): Promise<SqlRow[]>;
}

export async function freshWorld(more: readonly Collection[] = []): Promise<World> {
  const directory = freshDirectory();
  const path = join(directory.path, "data.db");
  const db = openSqlite({ path, clock: realClock(), log: silentLog() });
  await db.write(async (tx) => {
    await createCollectionsTables(tx);
    for (const each of [...DEFINITIONS, ...more]) await createCollection(tx, each, 0);
    for (const [table, rows] of Object.entries(VECTORS.data)) {
      for (const row of rows) {
        const names = Object.keys(row).map(quote).join(", ");
        const marks = Object.keys(row).map(() => "?");
        await tx.run(
          `INSERT INTO ${quote(table)} (${names}) VALUES (${marks})`,
          ...Object.values(row),
        );
      }
    }
  });
  const collections = await loadCollections(db);
  return {
    db,
    collections,
    filters: (listRules = {}) =>
      new Filters(
        collections.map((each) => {
          const listRule = listRules[each.name];
          return listRule === undefined ? each : { ...each, listRule };
        }),
      ),
    collection: (name) => collections.find((each) => each.name === name)!,
    run: (statement) =>
      statement.timed
        ? db.readWithin(5_000, statement.sql, ...statement.values)
        : db.all(statement.sql, ...statement.values),
    async [Symbol.asyncDispose]() {
      await db.close();
      directory[Symbol.dispose]();
    },
  };
}

/** What a request of one of the vectors' actors carries; a superuser's filter sees none of it. */
export function requestOf(actor: Vector["actor"]): RequestInfo {
  return VECTORS.contexts[actor === "superuser" ? "guest" : actor];
}

export const EVERYTHING = { limit: 1000, offset: 0 };
