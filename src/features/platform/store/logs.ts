/**
 * `_logs` of auxiliary.db, laid out as a PocketBase data directory has it, but without its index on
 * the message: addresses come in no order, so that index was four fifths of an insert's cost, and
 * what is searched for in messages is a part of them, which no index finds.
 */

import type { SideRows, SideStatement } from "../../../infra/db/side.ts";
import { type Collection, fields } from "../../records/index.ts";

export const LOGS_SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS \`_logs\` (
     \`id\`      TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
     \`level\`   INTEGER DEFAULT 0 NOT NULL,
     \`message\` TEXT DEFAULT "" NOT NULL,
     \`data\`    JSON DEFAULT "{}" NOT NULL,
     \`created\` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
   )`,
  "CREATE INDEX IF NOT EXISTS `idx_logs_level` ON `_logs` (`level`)",
  `CREATE INDEX IF NOT EXISTS \`idx_logs_created_hour\`
     ON \`_logs\` (strftime('%Y-%m-%d %H:00:00', \`created\`))`,
];

/** The table in the words of the filter language. */
export const LOGS: Collection = {
  id: "_logs",
  name: "_logs",
  type: "base",
  system: true,
  fields: [
    fields.id(),
    fields.text("created"),
    fields.number("level"),
    fields.text("message"),
    fields.json("data"),
  ],
  indexes: [],
  listRule: null,
  viewRule: null,
  createRule: null,
  updateRule: null,
  deleteRule: null,
  options: {},
};

export interface LogRow {
  readonly id: string;
  readonly created: string;
  readonly level: number;
  readonly message: string;
  readonly data: string;
}

/** An entry on its way to the table. `data`: JSON. */
export function logText({ id, level, message, created, data }: LogRow): string {
  // What separates values cannot be in one; JSON has escapes for it.
  const clean = message.includes("\0") ? message.replaceAll("\0", "\uFFFD") : message;
  return `${id}\0${level}\0${clean}\0${created}\0${data}`;
}

/** `rows`: texts of entries. */
export function insertLogs(rows: readonly string[]): SideRows {
  return {
    sql: "INSERT INTO `_logs` (id, level, message, created, data) VALUES (?, ?, ?, ?, ?)",
    columns: 5,
    rows: rows.join("\0"),
  };
}

/** At most so many of those from up to that time, the oldest first. */
export function deleteExpired(upTo: string, count: number): SideStatement {
  const [hour, last] = ["created", "?"].map((date) => `strftime('%Y-%m-%d %H:00:00', ${date})`);
  const chosen = `WHERE ${hour} <= ${last} AND created <= ? ORDER BY ${hour}`;
  return deleteSome(chosen, [upTo, upTo, count]);
}

export function deleteBelow(level: number, count: number): SideStatement {
  return deleteSome("WHERE level < ?", [level, count]);
}

/** Those that were written first. */
export function deleteOldest(count: number): SideStatement {
  return deleteSome("ORDER BY rowid", [count]);
}

/** The limit is bound: it differs from call to call, and a text is kept for good. */
function deleteSome(chosen: string, values: SideStatement["values"]): SideStatement {
  const sql = `DELETE FROM \`_logs\`
                WHERE rowid IN (SELECT rowid FROM \`_logs\` ${chosen} LIMIT ?)`;
  return { sql, values };
}

/** Of all entries: reads the index on the hour alone. */
export const HOURS: SideStatement = {
  sql: `SELECT count(*) AS total, strftime('%Y-%m-%d %H:00:00', created) AS date
          FROM \`_logs\` GROUP BY strftime('%Y-%m-%d %H:00:00', created)`,
  values: [],
};

/** Of those that a statement yields. */
export function hoursOf({ sql, values }: SideStatement): SideStatement {
  return {
    sql: `SELECT count(*) AS total, strftime('%Y-%m-%d %H:00:00', created) AS date
            FROM (${sql}) GROUP BY date`,
    values,
  };
}
