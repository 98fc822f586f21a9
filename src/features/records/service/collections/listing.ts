/** Lists of collections, filtered and sorted as lists of records are. */

import { fail } from "../../../../base/errors.ts";
import type { Context } from "../../../../core/context.ts";
import type { SqlRow } from "../../../../infra/db/database.ts";
import { defineCollection, fields } from "../../schema.ts";
import { decodeStored } from "../../store/collections.ts";
import { Filters } from "../filters.ts";
import { type ListParameters, readPage } from "../list-parameters.ts";
import { NO_REQUEST } from "../request.ts";
import { runStatement } from "../statements.ts";
import { publicCollection, toDraft } from "./draft.ts";
import type { Json } from "./reading.ts";

export interface CollectionList {
  readonly items: readonly Json[];
  readonly page: number;
  readonly perPage: number;
  /** -1 when the client skipped counting. */
  readonly totalItems: number;
  readonly totalPages: number;
}

/** The columns of `_collections` that clients may ask for. */
const TABLE = defineCollection({
  name: "_collections",
  fields: [
    fields.id(),
    fields.text("name"),
    fields.text("type"),
    fields.bool("system"),
    fields.date("created"),
    fields.date("updated"),
  ],
});

export class Listing {
  readonly #filters = new Filters([TABLE]);

  /** Errors: 400 `invalid_filter`, `invalid_page`. */
  async list(context: Context, parameters: ListParameters): Promise<CollectionList> {
    const { page, perPage, skipTotal } = readPage(parameters);
    const { filter = "", sort = "" } = parameters;
    if (/@(request|collection)\./.test(`${filter} ${sort}`)) {
      throw fail.invalid("invalid_filter", "Collections have only fields of their own.");
    }
    const query = this.#filters.query({
      collection: TABLE,
      filter,
      sort,
      privileged: true,
      request: NO_REQUEST,
      now: context.clock.now(),
    });
    const [counted] = skipTotal
      ? []
      : await runStatement<{ total: number }>(context, query.count());
    const total = counted?.total ?? -1;
    const offset = (page - 1) * perPage;
    const rows = await runStatement<SqlRow>(context, query.rows({ limit: perPage, offset }));
    return {
      items: rows.map((row) => publicCollection(toDraft(decodeStored(row)))),
      page,
      perPage,
      totalItems: total,
      totalPages: total < 0 ? -1 : Math.ceil(total / perPage),
    };
  }
}
