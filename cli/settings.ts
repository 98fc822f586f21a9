/** The configuration as commands use it: loaded once, with its paths made absolute. */

import { isAbsolute, join, relative, resolve } from "node:path";
import {
  DEFAULT_CONFIG_FILE,
  type LoadedConfig,
  loadConfig,
  readConfigFile,
} from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { Terminal } from "./terminal.ts";

/** As commander hands them over, by attribute name. */
export type Flags = Readonly<Record<string, unknown>>;

/** Keys under `server` that name folders, with their names in the file. */
const FOLDERS = {
  dir: "dir",
  publicDir: "public_dir",
  hooksDir: "hooks_dir",
  modulesDir: "modules_dir",
  migrationsDir: "migrations_dir",
} as const;

/**
 * A relative folder given by a flag is below the working directory; one of the file, and a default,
 * below the base. Errors: ConfigError.
 */
export async function loadSettings(terminal: Terminal, flags: Flags): Promise<LoadedConfig> {
  const options = {
    flags: flags.dev === true ? { logLevel: "debug", ...withoutUndefined(flags) } : flags,
    env: environment(terminal, flags),
    file: typeof flags.config === "string" ? flags.config : undefined,
    readFile: (path: string) => readConfigFile(resolve(terminal.cwd, path)),
    defaultFile: nearName(terminal, join(terminal.base, DEFAULT_CONFIG_FILE)),
  };
  let loaded = loadConfig(options);
  if (Array.isArray(loaded.config.server.features)) {
    // Only a list can name a feature that does not exist, and asking for all names costs time.
    loaded = loadConfig({ ...options, featureNames: await featureNames(loaded.config) });
  }
  return { ...loaded, config: withPaths(terminal, loaded) };
}

/** PocketBase's operators name the variable that holds the key of stored settings. */
function environment({ env }: Terminal, { encryptionEnv: name }: Flags): Terminal["env"] {
  return typeof name === "string" ? { ...env, PB_ENCRYPTION_KEY: env[name] } : env;
}

async function featureNames(config: Config): Promise<string[]> {
  const [{ knownFeatures }, parts] = await Promise.all([import("../src/app.ts"), unusedParts()]);
  return knownFeatures(config, parts).map(({ name }) => name);
}

/** Names and migrations of features need parts to be made, but use none of them. */
async function unusedParts() {
  const [{ realClock }, { realIds }, { silentLog }] = await Promise.all([
    import("../src/base/clock.ts"),
    import("../src/base/ids.ts"),
    import("../src/base/log.ts"),
  ]);
  const clock = realClock();
  return { version: "", clock, ids: realIds(clock), log: silentLog() };
}

function withPaths(terminal: Terminal, { config, sources }: LoadedConfig): Config {
  const server: Record<string, unknown> = { ...config.server };
  for (const [key, name] of Object.entries(FOLDERS)) {
    const given = config.server[key as keyof typeof FOLDERS];
    const fromFlag = sources.get(`server.${name}`)?.source === "flag";
    server[key] = resolve(fromFlag ? terminal.cwd : terminal.base, given);
  }
  return Object.freeze({ ...config, server: Object.freeze(server) as Config["server"] });
}

/** Relative to the working directory where that says the same in fewer words. */
export function nearName(terminal: Pick<Terminal, "cwd">, path: string): string {
  const near = relative(terminal.cwd, path);
  return near === "" || near.startsWith("..") || isAbsolute(near) ? path : near;
}

function withoutUndefined(flags: Flags): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
