/** Structured log: JSON lines on a pipe, readable lines on a terminal. */

import type { Clock } from "./clock.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** Whether lines of the level are written: asked where making one costs something. */
  isOn(level: LogLevel): boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "json" | "text";
  readonly colors: boolean;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

const SECRET_KEY =
  /^(password|token|secret|authorization|cookie|tokenkey)$|(_token|_secret|Secret)$/i;
const COLORS: Record<LogLevel, string> = { debug: "90", info: "36", warn: "33", error: "31" };

export function createLog(options: LogOptions, bound: LogFields = {}): Log {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const emit = (level: LogLevel, message: string, fields: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const all = redact({ ...bound, ...fields });
    options.write(format(options, { level, message, fields: all }));
  };
  return {
    isOn: (level) => LOG_LEVELS.indexOf(level) >= threshold,
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    error: (message, fields) => emit("error", message, fields),
    child: (fields) => createLog(options, { ...bound, ...fields }),
  };
}

/** A log that keeps nothing, for tests and one-shot commands. */
export function silentLog(): Log {
  const nothing = () => undefined;
  const log: Log = {
    isOn: () => false,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
    child: () => log,
  };
  return log;
}

interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

function format(options: LogOptions, { level, message, fields }: LogLine): string {
  const time = new Date(options.clock.now()).toISOString();
  if (options.format === "json") return JSON.stringify({ time, level, message, ...fields });
  const name = level.toUpperCase().padEnd(5);
  const shown = options.colors ? `\x1b[${COLORS[level]}m${name}\x1b[0m` : name;
  const rest = Object.entries(fields)
    .map(([key, value]) => ` ${key}=${text(value)}`)
    .join("");
  return `${time.slice(11, 23)} ${shown} ${message}${rest}`;
}

function text(value: unknown): string {
  if (typeof value === "string") return /[\s="]/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value) ?? "undefined";
}

/** Errors become their message and stack; values under secret-looking keys never reach a line. */
function redact(fields: LogFields): LogFields {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    out[key] = SECRET_KEY.test(key) ? "[hidden]" : plain(value);
  }
  return out;
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const cause = value.cause === undefined ? {} : { cause: plain(value.cause) };
  return { name: value.name, message: value.message, stack: value.stack, ...cause };
}
