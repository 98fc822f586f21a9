/**
 * Which records are there. Relations name the same few again and again, so those that were found
 * are remembered for as long as nobody writes their table.
 */

import { LIMITS } from "../../../base/limits.ts";
import type { Context } from "../../../core/context.ts";
import { countIds } from "../store/rows.ts";
import type { Model } from "./models.ts";

interface Found {
  readonly version: number;
  readonly ids: Set<string>;
}

export class KnownIds {
  /** By collection. */
  readonly #found = new Map<string, Found>();
  #size = 0;

  /** Whether all of them were found and are still there. */
  has(context: Context, model: Model, ids: readonly string[]): boolean {
    const known = this.#found.get(model.collection.id);
    if (!known || known.version !== versionOf(context, model)) return false;
    return ids.every((id) => known.ids.has(id));
  }

  /** Looks whether all of them are there; `ids` are distinct. */
  async areThere(context: Context, model: Model, ids: readonly string[]): Promise<boolean> {
    const version = versionOf(context, model);
    if ((await countIds(context.db, model, ids)) < ids.length) return false;
    if (version !== undefined && versionOf(context, model) === version) {
      this.#keep(model.collection.id, { version, ids });
    }
    return true;
  }

  #keep(collection: string, found: { readonly version: number; readonly ids: readonly string[] }) {
    let known = this.#found.get(collection);
    if (known?.version !== found.version) {
      this.#size -= known?.ids.size ?? 0;
      known = { version: found.version, ids: new Set() };
      this.#found.set(collection, known);
    }
    this.#size -= known.ids.size;
    for (const id of found.ids) known.ids.add(id);
    this.#size += known.ids.size;
    if (this.#size <= LIMITS.knownIdsMax) return;
    this.#found.clear();
    this.#size = 0;
  }
}

/** Undefined: not to be remembered. A view reads tables of other names. */
function versionOf(context: Context, { collection }: Model): number | undefined {
  return collection.type === "view" ? undefined : context.db.version([collection.name]);
}
