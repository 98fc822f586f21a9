/**
 * The log that operators read over HTTP. Entries wait in memory and are written together by the log
 * database's thread; close() writes what waits.
 */

import type { Clock, Timer } from "../../../base/clock.ts";
import { fail } from "../../../base/errors.ts";
import type { Ids } from "../../../base/ids.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Log } from "../../../base/log.ts";
import type { SideDatabase, SideRows, SideStatement } from "../../../infra/db/side.ts";
import { TokenBuckets } from "../../../tools/token-bucket.ts";
import {
  Filters,
  type ListParameters,
  NO_REQUEST,
  readPage,
  type SettingsBook,
  storedDate,
} from "../../records/index.ts";
import {
  deleteBelow,
  deleteExpired,
  deleteOldest,
  HOURS,
  hoursOf,
  insertLogs,
  LOGS,
  type LogRow,
  logText,
} from "../store/logs.ts";

/** As the reference numbers them. */
export const LEVELS = { debug: -4, info: 0, warn: 4, error: 8 } as const;

export interface LogEntry {
  readonly id: string;
  readonly created: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly message: string;
  readonly level: number;
}

export interface LogBookParts {
  readonly database: SideDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Hears of what could not be written. */
  readonly log: Log;
  readonly settings: SettingsBook;
  /** Of the file. */
  readonly bytesMax: number;
}

/** What an entry says, apart from when. */
export type Description = Pick<LogEntry, "message" | "data">;

const DAY_MS = 86_400_000;
const RATE = {
  count: LIMITS.logBurst,
  windowMs: (LIMITS.logBurst / LIMITS.logPerSecond) * 1_000,
};
/** What no entry can say about a request that reads the log. */
const REQUEST_PATH = /@(request|collection)\b/;

export class LogBook {
  readonly #parts: LogBookParts;
  readonly #filters = new Filters([LOGS]);
  #waiting: string[] = [];
  #dropped = 0;
  readonly #rates = new TokenBuckets(2);
  /** The size of the database when it was written last. */
  #bytes = 0;
  #closed = false;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: LogBookParts) {
    this.#parts = parts;
  }

  /**
   * Neither waits nor throws. What is below the level that is kept is not even described; past the
   * bounds entries are left out, and counted in a later one.
   */
  add(level: number, describe: () => Description): void {
    const { maxDays, minLevel } = this.#parts.settings.current.logs;
    if (maxDays <= 0 || level < minLevel) return;
    const row = this.#hasRoom(level) ? this.#row(level, describe()) : undefined;
    if (row === undefined || row.length > LIMITS.logDataCharsMax) this.#dropped++;
    else this.#waiting.push(row);
    if (this.#waiting.length >= LIMITS.logBatch) void this.#write();
    else this.#timer ??= this.#parts.clock.after(LIMITS.logDelayMs, () => void this.#write());
  }

  /**
   * Resolves when everything that was added before is written, or told to be left out; what is
   * added meanwhile does not hold it up.
   */
  async flush(): Promise<void> {
    await this.#writing;
    // Whoever begins this write, it takes all that waits.
    await this.#write();
  }

  /** Errors: 400 `invalid_filter`, `invalid_page`; 503 `query_too_slow`. */
  async list(parameters: ListParameters) {
    const { page, perPage, skipTotal } = readPage(parameters);
    const query = this.#query(parameters);
    await this.flush();
    const total = skipTotal ? -1 : await this.#count(query.count());
    const rows = query.rows({ limit: perPage, offset: (page - 1) * perPage });
    const items = await this.#read<LogRow>(rows);
    return {
      items: items.map(entryOf),
      page,
      perPage,
      totalItems: total,
      totalPages: total < 0 ? -1 : Math.ceil(total / perPage),
    };
  }

  /** Error: 404. */
  async view(id: string): Promise<LogEntry> {
    await this.flush();
    const [row] = await this.#read<LogRow>(this.#query({}).row(id));
    if (!row) throw fail.not_found("not_found", "The requested resource wasn't found.");
    return entryOf(row);
  }

  /** Entries by the hour. Errors: those of `list`. */
  async stats(filter: string) {
    const chosen =
      filter === "" ? HOURS : hoursOf(this.#query({ filter }).rows({ limit: -1, offset: 0 }));
    await this.flush();
    const rows = await this.#read<{ readonly date: string; readonly total: number }>(chosen);
    return rows.map(({ date, total }) => ({ date: `${date}.000Z`, total }));
  }

  /** Deletes what the settings say is too old or not worth keeping, and what is too much. */
  async prune(): Promise<void> {
    const { maxDays, minLevel } = this.#parts.settings.current.logs;
    const upTo = storedDate(this.#parts.clock.now() - maxDays * DAY_MS);
    const count = LIMITS.logDeletedAtOnce;
    await this.flush();
    await this.#repeat(deleteExpired(upTo, count));
    await this.#repeat(deleteBelow(minLevel, count));
    await this.#repeat(deleteOldest(count), () => this.#isFull);
  }

  /** Until nothing is left of what it deletes; what is added meanwhile is written in between. */
  async #repeat(deletion: SideStatement, isNeeded = () => true): Promise<void> {
    let changes = 1;
    while (changes > 0 && isNeeded() && !this.#closed) changes = await this.#change([deletion]);
  }

  /** Whether an entry of what goes well would be left out now because too many came. */
  get isFlooded(): boolean {
    return !this.#rates.has("others", RATE, this.#parts.clock.monotonic());
  }

  get #isFull(): boolean {
    return this.#bytes > this.#parts.bytesMax;
  }

  async close(): Promise<void> {
    this.#closed = true;
    do await this.flush();
    while (this.#waiting.length > 0);
    await this.#parts.database.close();
  }

  /** Each second has room for so many; of faults there is room even when all goes well too often. */
  #hasRoom(level: number): boolean {
    if (this.#waiting.length >= LIMITS.logQueueMax) return false;
    const kind = level >= LEVELS.warn ? "faults" : "others";
    return this.#rates.take(kind, RATE, this.#parts.clock.monotonic()) === 0;
  }

  async #change(statements: readonly (SideStatement | SideRows)[]): Promise<number> {
    const { changes, bytes } = await this.#parts.database.write(statements);
    this.#bytes = bytes;
    return changes;
  }

  /** One write at a time; what comes meanwhile waits for the next. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeWaiting().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length >= LIMITS.logBatch) void this.#write();
    });
    return this.#writing;
  }

  async #writeWaiting(): Promise<void> {
    this.#timer?.clear();
    this.#timer = undefined;
    const rows = this.#waiting;
    this.#waiting = [];
    if (this.#dropped > 0) {
      const message = "Log entries were left out: too many came, or too large ones.";
      rows.push(this.#row(LEVELS.warn, { message, data: { count: this.#dropped } }));
      this.#dropped = 0;
    }
    if (rows.length === 0) return;
    try {
      // Twice as many as come, so that a file that was larger shrinks.
      const removed = this.#isFull ? [deleteOldest(2 * rows.length)] : [];
      await this.#change([...removed, insertLogs(rows)]);
    } catch (cause) {
      this.#parts.log.error("log entries could not be written", { entries: rows.length, cause });
    }
  }

  #query({ filter = "", sort = "" }: ListParameters) {
    for (const text of [filter, sort]) {
      if (!REQUEST_PATH.test(text)) continue;
      throw fail.invalid("invalid_filter", "Log entries know of no request or collection.");
    }
    const now = this.#parts.clock.now();
    const texts = { collection: LOGS, filter, sort, privileged: true };
    return this.#filters.query({ ...texts, request: NO_REQUEST, now });
  }

  async #count(statement: SideStatement): Promise<number> {
    const [row] = await this.#read<{ readonly total: number }>(statement);
    return row?.total ?? 0;
  }

  #read<Row>({ sql, values }: SideStatement): Promise<Row[]> {
    return this.#parts.database.read<Row>(LIMITS.queryMs, { sql, values });
  }

  #row(level: number, { message, data }: Description): string {
    const { clock, ids } = this.#parts;
    const created = storedDate(clock.now());
    return logText({ id: ids.record(), level, message, created, data: JSON.stringify(data) });
  }
}

function entryOf({ id, created, data, message, level }: LogRow): LogEntry {
  return { id, created, data: parseData(data), message, level };
}

/** Another program may have written the row. */
function parseData(text: string): LogEntry["data"] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as LogEntry["data"]) : {};
  } catch {
    return {};
  }
}
