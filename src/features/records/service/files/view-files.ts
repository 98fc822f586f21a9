/** Whose a file is that a view shows. */

import type { Context } from "../../../../core/context.ts";
import type { Field } from "../../schema.ts";
import { findFileOwner } from "../../store/rows.ts";
import { columnOrigin } from "../collections/view-fields.ts";
import type { Model, Models } from "../models.ts";

/** Views of views of views. */
const VIEWS_DEEP_MAX = 5;

export interface FileOwner {
  readonly model: Model;
  readonly id: string;
}

/** The record whose file the view's field names. Reads its table through: names have no index. */
export async function viewFileOrigin(
  context: Context,
  models: Models,
  shown: { readonly model: Model; readonly field: Field; readonly filename: string },
): Promise<FileOwner | undefined> {
  const collections = models.all.map(({ collection }) => collection);
  let { model } = shown;
  let name = shown.field.name;
  for (let depth = 0; depth < VIEWS_DEEP_MAX; depth++) {
    const query = String(model.collection.options.viewQuery ?? "");
    const origin = columnOrigin(query, name, collections);
    const next = origin && models.find(origin.collection.id);
    if (!origin || !next) return undefined;
    model = next;
    name = origin.field.name;
    if (model.collection.type === "view") continue;
    const id = await findFileOwner(context.db, model, { field: name, filename: shown.filename });
    return id === undefined ? undefined : { model, id };
  }
  return undefined;
}
