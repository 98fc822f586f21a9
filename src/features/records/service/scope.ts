/** What one filter, rule or sort is compiled against. */

import type { Collection } from "../schema.ts";
import type { Fragment, Run } from "./fragment.ts";
import type { Aliases, Joins } from "./joins.ts";

/** The collections of one moment; filters compiled with them are forgotten with them. */
export class Schema {
  readonly #byId: ReadonlyMap<string, Collection>;
  readonly #byName: ReadonlyMap<string, Collection>;

  constructor(collections: readonly Collection[]) {
    this.#byId = new Map(collections.map((collection) => [collection.id, collection]));
    this.#byName = new Map(collections.map((each) => [each.name.toLowerCase(), each]));
  }

  /** By id, or by name in any case. */
  find(nameOrId: string): Collection | undefined {
    return this.#byId.get(nameOrId) ?? this.#byName.get(nameOrId.toLowerCase());
  }

  /**
   * Collections among the quoted names of a text of SQL, which may be columns by the same name too;
   * undefined where a view is among them: that reads of other tables.
   */
  tablesIn(sql: string): readonly string[] | undefined {
    const tables = new Set<string>();
    for (const [, name = ""] of sql.matchAll(/`(\w+)`/g)) {
      const collection = this.#byName.get(name.toLowerCase());
      if (collection?.type === "view") return undefined;
      if (collection) tables.add(collection.name);
    }
    return [...tables];
  }
}

/**
 * The form of the SQL depends on a few facts of the request: which of its values are empty, who
 * signed in. Each fact that was looked at is kept; the form serves requests with the same facts.
 */
export class Observations {
  readonly #run: Run;
  readonly #seen: { readonly read: (run: Run) => unknown; readonly value: unknown }[] = [];

  constructor(run: Run) {
    this.#run = run;
  }

  /** What `read` gives for this request, which becomes a condition for using the form again. */
  see<T extends string | boolean>(read: (run: Run) => T): T {
    const value = read(this.#run);
    this.#seen.push({ read, value });
    return value;
  }

  hold(run: Run): boolean {
    return this.#seen.every(({ read, value }) => read(run) === value);
  }
}

export interface BaseRow {
  readonly collection: Collection;
  readonly alias: string;
  /** A record about to be made; no other can refer to it yet. */
  readonly unstored?: boolean;
  /** A row of a table, there for sure: its columns hold no NULL, but for JSON. */
  readonly complete?: boolean;
}

export interface Scope {
  readonly schema: Schema;
  readonly observations: Observations;
  readonly aliases: Aliases;
  readonly joins: Joins;
  /** The row that paths start from. */
  readonly base: BaseRow;
  /**
   * A rule or a superuser's filter: hidden fields, `@request`, `@collection`, every collection. A
   * client's own text has none of that, and sees of other collections only what it may list.
   */
  readonly trusted: boolean;
  /** Made from a client's text. */
  readonly timed: boolean;
  /** What must hold of the joined rows besides what the text says, by alias. */
  readonly requirements: Map<string, Fragment>;
  /**
   * Whether the client may list a joined row; one that is missing passes. Error: 400 when its
   * collection is for superusers only.
   */
  readonly listable: (scope: Scope, row: BaseRow) => Fragment;
}
