/** Texts of a collection's statements, put together once. */

import { LIMITS } from "../../../base/limits.ts";
import { quoteIdentifier as quote } from "../../../infra/db/identifiers.ts";
import type { Collection } from "../schema.ts";

export class RowSql {
  readonly insert: string;
  /** The row with an id. */
  readonly find: string;
  readonly remove: string;
  readonly removeAll: string;
  readonly has: string;
  readonly #table: string;
  /** By the fields that change. */
  readonly #updates = new Map<string, string>();

  constructor({ name, fields }: Collection) {
    this.#table = quote(name);
    const names = fields.map((field) => quote(field.name)).join(", ");
    const places = fields.map(() => "?").join(", ");
    this.insert = `INSERT INTO ${this.#table} (${names}) VALUES (${places})`;
    this.find = `SELECT * FROM ${this.#table} WHERE \`id\` = ? LIMIT 1`;
    this.has = `SELECT 1 FROM ${this.#table} WHERE \`id\` = ?`;
    this.remove = `DELETE FROM ${this.#table} WHERE \`id\` = ?`;
    this.removeAll = `DELETE FROM ${this.#table} WHERE \`id\` IN (SELECT value FROM json_each(?))`;
  }

  /** Sets these fields of the row whose id follows their values. */
  update(names: readonly string[]): string {
    const key = names.join();
    let sql = this.#updates.get(key);
    if (sql === undefined) {
      const sets = names.map((name) => `${quote(name)} = ?`).join(", ");
      sql = `UPDATE ${this.#table} SET ${sets} WHERE \`id\` = ?`;
      if (this.#updates.size >= LIMITS.updateTextsMax) this.#updates.clear();
      this.#updates.set(key, sql);
    }
    return sql;
  }
}
