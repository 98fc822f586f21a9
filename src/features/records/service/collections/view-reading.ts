/** A view's query put before the database: its columns, and the fields they are. */

import { LIMITS } from "../../../../base/limits.ts";
import type { Transaction } from "../../../../infra/db/database.ts";
import { type ColumnInfo, dropView, queryColumns } from "../../store/views.ts";
import { engineReason } from "./refusals.ts";
import { outline } from "./sql-text.ts";
import { type ViewFields, type ViewSources, viewFields } from "./view-fields.ts";

export interface ReadView extends ViewFields {
  /** The query without what may stand after it; undefined for what is no query. */
  readonly statement: string | undefined;
  readonly columns: readonly ColumnInfo[];
}

export interface ReadOptions extends Omit<ViewSources, "columns"> {
  /** Name of the view that the query takes the place of, which it cannot read itself. */
  readonly replaced: string | undefined;
}

/** The query as it stands inside the view. */
export function viewStatement(query: string): string {
  return query.trim().replace(/[;\s]+$/, "");
}

/**
 * Reads the query; drops the view that is replaced. Whatever is wrong with it is its `fault`: more
 * than one statement, one that does not select, tables or columns that are not there.
 */
export async function readView(
  tx: Transaction,
  query: string,
  options: ReadOptions,
): Promise<ReadView> {
  const nothing = { fields: [], columns: [], statement: undefined };
  if (options.replaced !== undefined) await dropView(tx, options.replaced);
  const statement = viewStatement(query);
  const fault = refusal(statement);
  if (fault !== undefined) return { ...nothing, fault };
  try {
    const columns = await tx.savepoint(() => queryColumns(tx, statement));
    return { ...viewFields(statement, { ...options, columns }), statement, columns };
  } catch (error) {
    const reason = engineReason(error);
    if (reason === undefined) throw error;
    return { ...nothing, fault: reason };
  }
}

/** What would let a query out of the statement that it is put into. */
function refusal(statement: string): string | undefined {
  if (statement.length > LIMITS.viewQueryCharsMax) return "it is too long";
  const { bare, balanced } = outline(statement);
  if (bare.includes(";")) return "it has to be one statement";
  if (!balanced) return "a quote, comment or parenthesis does not end";
  return /^[\s(]*(select|with|values)\b/i.test(bare) ? undefined : "it has to be a SELECT";
}
