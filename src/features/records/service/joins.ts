/**
 * The tables of one statement. Paths that begin alike share their joined rows, so that
 * `tags.name ?= 'red' && tags.weight ?> 1` asks for one tag; whoever asks first makes the join.
 */

import { LIMITS } from "../../../base/limits.ts";
import { invalidFilter } from "../../../tools/filter/lexer.ts";
import { tickFor } from "./dialect.ts";
import { column, concat, type Fragment, identifier, sql } from "./fragment.ts";

export interface JoinOptions {
  readonly table: Fragment;
  /** A column of it, whichever. */
  readonly key: "id" | "value";
  readonly on?: (alias: string) => Fragment;
  /** Whether one row of what it hangs on can have several rows of this table. */
  readonly multiplies: boolean;
}

interface Join {
  readonly alias: string;
  readonly join: Fragment;
  readonly multiplies: boolean;
  /** What must be asked for each of its rows before anything else. */
  readonly ticks: readonly Fragment[];
}

export interface Tables {
  readonly joins: Fragment;
  /** Whether a base row may come several times. */
  readonly several: boolean;
  /** Conditions to put before all others. */
  readonly ticks: readonly Fragment[];
}

/** Names for tables, each once in a statement with all its subqueries. */
export class Aliases {
  #count = 0;

  next(): string {
    return `j${++this.#count}`;
  }
}

export class Joins {
  readonly #aliases: Aliases;
  /** Whether the statement is made from a client's text and must be able to be broken off. */
  readonly #timed: boolean;
  readonly #byPath = new Map<string, string>();
  readonly #joins: Join[] = [];

  constructor(aliases: Aliases, timed: boolean) {
    this.#aliases = aliases;
    this.#timed = timed;
  }

  /**
   * The tables that `fragments` mention and those in between. A condition that was settled without
   * its tables leaves them out, and so does a count with those of the order: being left joins, they
   * would only repeat rows.
   */
  neededBy(fragments: readonly Fragment[]): Tables {
    const needed: Join[] = [];
    const texts = fragments.map((fragment) => fragment.sql);
    for (const join of this.#joins.toReversed()) {
      if (!texts.some((text) => text.includes(`\`${join.alias}\`.`))) continue;
      needed.unshift(join);
      texts.push(join.join.sql);
    }
    const several = needed.some(({ multiplies }) => multiplies);
    const ticks = needed.flatMap((join) => join.ticks);
    return { joins: concat(needed.map(({ join }) => join)), several, ticks };
  }

  /** Alias of the table at `path`, joined now unless it is. Error: 400 `invalid_filter`. */
  at(path: string, options: JoinOptions): string {
    const known = this.#byPath.get(path);
    if (known) return known;
    if (this.#joins.length >= LIMITS.filterJoinsMax) {
      throw invalidFilter(`The filter reaches into more than ${LIMITS.filterJoinsMax} tables.`);
    }
    const join = this.make(options);
    this.#byPath.set(path, join.alias);
    this.#joins.push(join);
    return join.alias;
  }

  /** A join that is not shared and not part of this statement's own tables. */
  make({ table, key, on, multiplies }: JoinOptions): Join {
    const alias = this.#aliases.next();
    const condition = on ? on(alias) : sql`1`;
    const join = sql` LEFT JOIN ${table} AS ${identifier(alias)} ON ${condition}`;
    const ticks = this.#timed && multiplies ? [tickFor(column(alias, key))] : [];
    return { alias, join, multiplies, ticks };
  }
}
