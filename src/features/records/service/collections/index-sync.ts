/** Indexes of a collection's table: those that changed are dropped before the table changes. */

import type { Transaction } from "../../../../infra/db/database.ts";
import type { Collection } from "../../schema.ts";
import { dropIndex } from "../../store/tables.ts";
import { collectItems, fault, refused } from "./faults.ts";
import { buildIndex, type Index, parseIndex } from "./index-text.ts";
import { engineReason } from "./refusals.ts";
import { renameWord } from "./sql-text.ts";

type Indexed = Pick<Collection, "name" | "indexes">;

export interface IndexPlace extends Indexed {
  /** Columns that do not stay as they are. */
  readonly changed: readonly string[];
}

/**
 * Runs `change` with no index in its way. Those of untouched columns stay: making an index anew
 * reads the whole table. Error: 400 with the faults by place.
 */
export async function syncIndexes(
  tx: Transaction,
  { from, to }: { readonly from: IndexPlace | undefined; readonly to: Indexed },
  change: () => Promise<void>,
): Promise<void> {
  const wanted = to.indexes.map((text) => parseIndex(text));
  const definitions = new Set(wanted.flatMap((index) => (index ? [definition(index)] : [])));
  const staying = new Set<string>();
  for (const text of from?.indexes ?? []) {
    const index = parseIndex(text);
    if (!index) continue;
    const stays =
      definitions.has(definition(index)) && !from?.changed.some((name) => speaksOf(index, name));
    if (stays) staying.add(definition(index));
    else await dropIndex(tx, index.name);
  }
  await change();
  const reasons = new Map<number, string>();
  for (const [place, index] of wanted.entries()) {
    if (index && staying.has(definition(index))) continue;
    const reason = index ? await make(tx, { ...index, table: to.name }) : "it is no statement";
    if (reason !== undefined) reasons.set(place, reason);
  }
  const faults = collectItems(wanted, (_, place) => {
    const reason = reasons.get(place);
    if (reason === undefined) return undefined;
    return fault("validation_invalid_index_expression", { reason });
  });
  if (faults) throw refused({ indexes: faults });
}

/** Returns why it could not be made. */
async function make(tx: Transaction, index: Index): Promise<string | undefined> {
  try {
    await tx.run(buildIndex(index));
    return undefined;
  } catch (error) {
    const reason = engineReason(error);
    if (reason === undefined) throw error;
    return reason;
  }
}

/** Whatever table the text names, the index is the collection's. */
function definition(index: Index): string {
  return buildIndex({ ...index, table: "any" });
}

function speaksOf({ columns, where }: Index, name: string): boolean {
  return [...columns.map((column) => column.name), where].some(
    (text) => text.toLowerCase() === name.toLowerCase() || renameWord(text, name, "") !== text,
  );
}
