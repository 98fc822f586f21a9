/** `-created,author.name,@random` as the order of rows. */

import { LIMITS } from "../../../base/limits.ts";
import { invalidFilter } from "../../../tools/filter/lexer.ts";
import { pathOperand } from "./conditions.ts";
import { RANDOM, rowNumber } from "./dialect.ts";
import { allOf, concat, type Fragment, sql } from "./fragment.ts";
import { fieldNamed } from "./paths.ts";
import type { Scope } from "./scope.ts";

/** Terms for ORDER BY. Error: 400 `invalid_filter` for an empty or unknown one, or too many. */
export function sortTerms(scope: Scope, text: string): Fragment {
  const terms = text.split(",");
  if (terms.length > LIMITS.sortTermsMax) {
    throw invalidFilter(`A sort has ${LIMITS.sortTermsMax} fields at most.`);
  }
  return concat(
    terms.map((term) => sortTerm(scope, term.trim())),
    ", ",
  );
}

function sortTerm(scope: Scope, term: string): Fragment {
  const descending = term.startsWith("-");
  const name = descending || term.startsWith("+") ? term.slice(1) : term;
  if (Buffer.byteLength(name) > LIMITS.sortTermBytesMax) {
    throw invalidFilter(`A field to sort by has ${LIMITS.sortTermBytesMax} bytes at most.`);
  }
  const value = sortValue(scope, name);
  return descending ? sql`${value} DESC` : sql`${value} ASC`;
}

function sortValue(scope: Scope, name: string): Fragment {
  if (name === "@random") return RANDOM;
  const { collection, alias } = scope.base;
  if (name === "@rowid" && collection.type !== "view") return rowNumber(alias);
  const constant = /^(null|true|false)$/i.test(name) && !fieldNamed(collection, name);
  if (!/^[\w@][\w.:]*$/.test(name) || constant) {
    throw invalidFilter(`There is no field ${JSON.stringify(name.slice(0, 50))} to sort by.`);
  }
  const operand = pathOperand(scope, name);
  if (operand.content !== "unknown") {
    throw invalidFilter(`"${name}" is the same for every record.`);
  }
  const { value, guards = [] } = operand;
  // An order by what the caller may not see would tell it.
  return guards.length === 0 ? value : sql`(CASE WHEN ${allOf(guards)} THEN ${value} END)`;
}
