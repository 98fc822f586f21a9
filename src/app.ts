/**
 * The composition root: everything the server is made of, put together once.
 *
 * close() cascades: sessions (their wires close the connections) → features, last first (rooms end
 * their participants) → media workers → database, which finishes its writes.
 */

import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import type { Clock, Timer } from "./base/clock.ts";
import type { Ids } from "./base/ids.ts";
import type { Log } from "./base/log.ts";
import { type Caller, SYSTEM } from "./core/access.ts";
import { Context, type ContextOptions, type DomainEvent, type Runtime } from "./core/context.ts";
import { Kernel } from "./core/execute.ts";
import { Hooks } from "./core/hooks.ts";
import { Hub } from "./core/hub.ts";
import {
  type Check,
  type DisabledFeature,
  type Feature,
  type FeatureHost,
  Registry,
  selectFeatures,
  type TokenScheme,
} from "./core/registry.ts";
import { allFeatures } from "./features/index.ts";
import { scrapeTokens } from "./features/system/index.ts";
import { isSwapPending, revertSwap, settleSwap } from "./infra/archive/swap.ts";
import { type Bcrypt, runtimeBcrypt } from "./infra/bcrypt/bcrypt.ts";
import { Bus } from "./infra/bus/bus.ts";
import type { Database } from "./infra/db/database.ts";
import { type Migration, migrateUp, migrationStatus } from "./infra/db/migrations.ts";
import { openSqlite } from "./infra/db/sqlite.ts";
import type { MediaEngine } from "./infra/media/engine.ts";
import { watchEventLoop } from "./infra/metrics/event-loop.ts";
import { Metrics } from "./infra/metrics/metrics.ts";
import { describeProcess } from "./infra/metrics/process.ts";
import { dataChannelWire } from "./wires/datachannel/index.ts";

export interface AppParts {
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Absent: rooms are stored and listed, but nobody can join one in this process. */
  readonly media?: MediaEngine | undefined;
  /** Absent: the runtime's own. */
  readonly bcrypt?: Bcrypt;
  /** Token schemes beside those of the features: the operator's own. */
  readonly tokens?: readonly TokenScheme[];
  /** Ends this process and starts it anew, after a restore; absent where nothing is served. */
  readonly restart?: () => void;
}

export interface App {
  readonly kernel: Kernel;
  readonly hub: Hub;
  readonly config: Config;
  readonly version: string;
  readonly features: readonly string[];
  readonly disabled: readonly DisabledFeature[];
  /** Runs an operation by name, as the server itself unless told otherwise. */
  call(name: string, input: unknown, caller?: Caller): Promise<unknown>;
  /** A context for work that no request asked for. */
  context(): Context;
  checks(): Promise<readonly Check[]>;
  /** To be called once it serves: starts what single commands do without. */
  serve(): void;
  /** Ends every long-lived connection; the first half of `stop`. */
  endSessions(): void;
  stop(): Promise<void>;
}

/** The data directory's database and the migrations of the features that are on. */
export interface Data {
  readonly db: Database;
  readonly enabled: readonly Feature[];
  readonly disabled: readonly DisabledFeature[];
  readonly migrations: readonly Migration[];
  /** Those of the features that are off: they may have been on before. */
  readonly dormant: readonly Migration[];
}

/** In the data directory. */
export const DATABASE_FILE = "data.db";

/**
 * Opens the data directory and decides which features run, changing nothing. Errors: 503
 * `data_dir_unwritable`, `database_corrupt`, `database_open_failed`.
 */
export async function openData(
  config: Config,
  features: readonly Feature[],
  parts: Pick<AppParts, "clock" | "log"> & { readonly metrics?: Metrics },
): Promise<Data> {
  const unsettled = settleSwap(config.server.dir);
  if (unsettled) {
    parts.log.error("the restored data could not be put in place, the old is back", { unsettled });
  }
  const db = openSqlite({ path: join(config.server.dir, DATABASE_FILE), ...parts });
  const selected = await select(db, config, features);
  const isOn = (feature: Feature) => selected.enabled.includes(feature);
  const of = (some: readonly Feature[]) => some.flatMap((feature) => feature.migrations);
  const dormant = of(features.filter((feature) => !isOn(feature)));
  return { db, ...selected, migrations: of(selected.enabled), dormant };
}

/**
 * A directory that PocketBase made is served as it is: with records and auth only, until the
 * configuration names more.
 */
async function select(db: Database, config: Config, features: readonly Feature[]) {
  const past = await readPast(db);
  const foreign = foreignCollections(past, features);
  const wanted = config.server.features;
  if (wanted !== "all" || !cameFromPocketBase(past)) {
    return selectFeatures(features, wanted, foreign);
  }
  const { enabled, disabled } = selectFeatures(features, "none", foreign);
  const reason = "the data directory came from PocketBase; name the feature to have it on";
  return { enabled, disabled: disabled.map(({ name }) => ({ name, reason })) };
}

/** It was at work there before this server: the list of migrations keeps their order. */
function cameFromPocketBase({ migrations }: Past): boolean {
  const [first] = migrations;
  return first !== undefined && POCKETBASE_MIGRATION.test(first);
}

const POCKETBASE_MIGRATION = /^1640988000_(aux_)?init\.go$/;

/** What a data directory says of who worked on it. */
interface Past {
  /** Names of applied migrations, whoever's they are, in the order of their application. */
  readonly migrations: ReadonlySet<string>;
  readonly collections: readonly string[];
}

/** Nothing where no server has been yet. */
async function readPast(db: Database): Promise<Past> {
  const tables = await db.get("SELECT 1 FROM sqlite_schema WHERE name = '_collections'");
  if (!tables) return { migrations: new Set(), collections: [] };
  const status = await migrationStatus(db, []);
  const rows = await db.all<{ name: string }>("SELECT name FROM `_collections`");
  return {
    migrations: new Set(status.map(({ name }) => name)),
    collections: rows.map(({ name }) => name),
  };
}

/** Collections that a feature would make but that somebody else made before it. */
function foreignCollections(
  { migrations, collections }: Past,
  features: readonly Feature[],
): ReadonlySet<string> {
  // One that was applied made them; a later one may still wait, in a new version.
  const unmade = features.filter((feature) =>
    feature.migrations.every(({ name }) => !migrations.has(name)),
  );
  const names = new Set(unmade.flatMap((feature) => feature.collections));
  return new Set(collections.filter((name) => names.has(name)));
}

/** Every feature of this executable, for commands that need their names and migrations only. */
export function knownFeatures(config: Config, parts: AppParts, app?: () => App): Feature[] {
  return allFeatures({
    ids: parts.ids,
    encryptionKey: config.server.encryptionKey,
    signInPerMinute: config.server.limits.signInPerMinute,
    logBytesMax: config.server.limits.requestLog,
    dir: config.server.dir,
    bcrypt: parts.bcrypt ?? runtimeBcrypt(),
    restart: parts.restart,
    rooms: config.server.rooms,
    rtc: config.server.rtc,
    media: parts.media,
    system: {
      version: parts.version,
      checks: async () => (await app?.().checks()) ?? [],
      disabled: () => app?.().disabled ?? [],
      enabled: () => app?.().features ?? [],
    },
  });
}

/**
 * Opens, migrates and starts everything but the HTTP server. What fails closes what was opened.
 * Restored data that cannot be started on makes room for what was there before.
 */
export async function createApp(config: Config, parts: AppParts): Promise<App> {
  const { dir } = config.server;
  try {
    return await assemble(config, parts);
  } catch (cause) {
    if (!isSwapPending(dir)) throw cause;
    revertSwap(dir);
    parts.log.error("the server cannot start on the restored data, the old is back", { cause });
    return assemble(config, parts);
  }
}

async function assemble(config: Config, parts: AppParts): Promise<App> {
  const features = knownFeatures(config, parts, () => app);
  const metrics = new Metrics();
  const data = await openData(config, features, { ...parts, metrics });
  const registry = new Registry();
  const hub = new Hub(metrics);
  const runtime: Runtime = {
    clock: parts.clock,
    ids: parts.ids,
    log: parts.log,
    db: data.db,
    bus: new Bus<DomainEvent>(parts.log),
    hooks: new Hooks(),
    metrics,
  };
  describeProcess(metrics, parts.clock);
  const { requests } = config.server.limits;
  const kernel = new Kernel(runtime, registry, requests);
  const context = (options: Partial<ContextOptions> = {}) =>
    new Context(runtime, { caller: SYSTEM, requestId: parts.ids.record(), ...options });
  const host: FeatureHost = {
    ...runtime,
    hub,
    channels: dataChannelWire(kernel),
    features: data.enabled,
    use: (key) => registry.service(key),
    context,
  };
  let lag: Timer | undefined;
  const stop = once(async () => {
    lag?.clear();
    hub.close();
    await registry.stop(parts.log);
    await parts.media?.close();
    await data.db.close();
  });
  const app: App = {
    kernel,
    hub,
    config,
    version: parts.version,
    features: data.enabled.map((feature) => feature.name),
    disabled: data.disabled,
    call: (name, input, caller = SYSTEM) =>
      kernel.callNamed(name, input, { caller, requestId: parts.ids.record() }),
    context,
    checks: () => runChecks(registry, data.db),
    serve() {
      lag = watchEventLoop(metrics, parts.clock);
      registry.serve();
    },
    endSessions: () => hub.close(),
    stop,
  };
  registry.tokens.push(...scrapeTokens(config.server.metricsToken), ...(parts.tokens ?? []));
  try {
    await migrateUp(data.db, data.migrations, { ...parts, dormant: data.dormant });
    if (data.enabled.some((feature) => feature.usesMedia)) await parts.media?.start();
    for (const feature of data.enabled) registry.add(feature.name, feature.create(host));
    await registry.start();
    return app;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function runChecks(registry: Registry, db: Database): Promise<readonly Check[]> {
  const checks: Check[] = [await databaseCheck(db)];
  for (const { instance } of registry.instances)
    checks.push(...((await instance.checks?.()) ?? []));
  return checks;
}

/** A write that changes nothing: what fails here fails for every client. */
async function databaseCheck(db: Database): Promise<Check> {
  try {
    await db.write((tx) => tx.run("DELETE FROM `_params` WHERE id = 'parvis.readiness'"));
    return { name: "database", ok: true, detail: `${db.dialect}, writable` };
  } catch (error) {
    const detail = error instanceof Error ? error.message : "not writable";
    return { name: "database", ok: false, detail };
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
