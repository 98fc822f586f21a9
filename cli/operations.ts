/** The operations of this executable without a database: their names, shapes and routes. */

import type { Config } from "../config/schema.ts";
import { type AppParts, knownFeatures } from "../src/app.ts";
import { assert } from "../src/base/errors.ts";
import type { DomainEvent } from "../src/core/context.ts";
import { Hooks } from "../src/core/hooks.ts";
import { Hub } from "../src/core/hub.ts";
import type { Operation } from "../src/core/operation.ts";
import { type FeatureHost, Registry } from "../src/core/registry.ts";
import { Bus } from "../src/infra/bus/bus.ts";
import type { Database } from "../src/infra/db/database.ts";
import { Metrics } from "../src/infra/metrics/metrics.ts";

/** By name. Running one is a programmer's error: there is nothing under it. */
export function describeOperations(
  config: Config,
  parts: AppParts,
): ReadonlyMap<string, Operation> {
  const registry = new Registry();
  const metrics = new Metrics();
  const host: FeatureHost = {
    clock: parts.clock,
    ids: parts.ids,
    log: parts.log,
    db: NO_DATABASE,
    bus: new Bus<DomainEvent>(parts.log),
    hooks: new Hooks(),
    metrics,
    hub: new Hub(metrics),
    channels: { accept: nothing },
    features: [],
    use: (key) => registry.service(key),
    context: nothing,
  };
  for (const feature of knownFeatures(config, parts)) {
    registry.add(feature.name, feature.create(host));
  }
  return new Map(registry.operations.map((operation) => [operation.name, operation]));
}

function nothing(): never {
  assert(false, "described operations are not run");
}

const NO_DATABASE: Database = {
  dialect: "sqlite",
  get: nothing,
  all: nothing,
  version: nothing,
  rowCount: nothing,
  readWithin: nothing,
  write: nothing,
  checkpoint: nothing,
  close: nothing,
};
