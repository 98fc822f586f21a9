/** Reads the configuration once: flags over environment over file over defaults. */

import { closeSync, openSync, readSync } from "node:fs";
import { AppError } from "../src/base/errors.ts";
import { LIMITS } from "../src/base/limits.ts";
import { checkBetween } from "./checks.ts";
import { parseFile } from "./file.ts";
import { type MapInput, type Place, Problems, type Source } from "./language.ts";
import { readRoot } from "./read.ts";
import { type Config, SCHEMA } from "./schema.ts";

export const DEFAULT_CONFIG_FILE = "config/realtime.yaml";

/** 400 `config_invalid`; `data.problems` has a line for each fault, none with a secret in it. */
export class ConfigError extends AppError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    super({
      kind: "invalid",
      code: "config_invalid",
      message: `Configuration: ${problems[0] ?? "not valid"}${more}`,
      data: { problems },
    });
    this.problems = problems;
  }
}

export interface ValueSource {
  readonly source: Source;
  /** `config/realtime.yaml:12:5`, `--rtc-port`, `LOG_LEVEL`; absent for a default. */
  readonly where?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** By path in the file's spelling, `server.rtc.port`; a list is one value. */
  readonly sources: ReadonlyMap<string, ValueSource>;
  /** The file that was read; undefined when there was none at the default path. */
  readonly file: string | undefined;
}

export interface LoadOptions {
  /** Parsed flags by attribute name, `rtcPort` for --rtc-port; undefined values do not count. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What --config named; undefined: REALTIME_CONFIG_PATH, else `defaultFile` if it exists. */
  readonly file?: string | undefined;
  /** Default: DEFAULT_CONFIG_FILE in the working directory. */
  readonly defaultFile?: string | undefined;
  /** The features of this executable, so that a mistyped name is refused. */
  readonly featureNames?: readonly string[] | undefined;
  /** The file's text; undefined when there is no such file. Default: `readConfigFile`. */
  readonly readFile?: ((path: string) => string | undefined) | undefined;
}

/** The configuration, deeply frozen. Errors: ConfigError with every problem that was found. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const problems = new Problems();
  const places = new Map<string, Place>();
  const { root, file } = openFile(options, problems);
  const overlay = { flags: options.flags, env: options.env };
  const config = readRoot(SCHEMA, root, { overlay, problems, places });
  checkBetween({ places, problems, featureNames: options.featureNames });
  if (problems.count > 0) throw new ConfigError(problems.lines());
  return Object.freeze({ config: deepFreeze(config), sources: sourcesOf(places), file });
}

function openFile(options: LoadOptions, problems: Problems) {
  const nothing = { root: undefined as MapInput | undefined, file: undefined };
  const named = options.file ?? (options.env.REALTIME_CONFIG_PATH || undefined);
  const file = named ?? options.defaultFile ?? DEFAULT_CONFIG_FILE;
  const text = readText(file, options.readFile ?? readConfigFile, problems);
  if (text === undefined) {
    if (named !== undefined && problems.count === 0) problems.add(file, "no such file");
    return nothing;
  }
  return { root: parseFile(text, file, problems), file };
}

function readText(
  file: string,
  readFile: (path: string) => string | undefined,
  problems: Problems,
): string | undefined {
  try {
    return readFile(file);
  } catch (thrown) {
    // The system's word (EACCES, EISDIR) or the decoder's; both say nothing of the content.
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    problems.add(file, `cannot be read: ${reason.split("\n", 1)[0]}`);
    return undefined;
  }
}

/**
 * UTF-8 text of a file, or undefined when there is none. Reads one byte more than the bound at
 * most, so that neither a huge file nor an endless device holds the start up.
 */
export function readConfigFile(path: string): string | undefined {
  let handle: number;
  try {
    handle = openSync(path, "r");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
  try {
    const bytes = new Uint8Array(LIMITS.configFileBytesMax + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(handle, bytes, length, bytes.length - length, null);
    }
    return decode(bytes.subarray(0, length));
  } finally {
    closeSync(handle);
  }
}

function decode(bytes: Uint8Array): string {
  if (bytes.length > LIMITS.configFileBytesMax) {
    throw new Error(`the file is larger than ${LIMITS.configFileBytesMax} bytes`);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function sourcesOf(places: ReadonlyMap<string, Place>): ReadonlyMap<string, ValueSource> {
  const sources = new Map<string, ValueSource>();
  for (const [path, { source, where }] of places) {
    if (path.includes("[")) continue;
    sources.set(path, Object.freeze(where === "" ? { source } : { source, where }));
  }
  return sources;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
