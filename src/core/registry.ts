/** Features and what they bring: operations, token schemes, services for features above them. */

import { assert } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Migration } from "../infra/db/migrations.ts";
import type { Caller } from "./access.ts";
import type { Context, ContextOptions, Runtime } from "./context.ts";
import type { Hub } from "./hub.ts";
import type { Operation } from "./operation.ts";
import type { Traffic } from "./traffic.ts";
import type { ChannelAcceptor } from "./wire.ts";

/** Names a feature's service and carries its type. */
export interface ServiceKey<S> {
  readonly feature: string;
  readonly service?: S;
}

export interface TokenOrigin {
  readonly ip: string;
}

/** Turns bearer tokens of one form into callers. */
export interface TokenScheme {
  readonly name: string;
  /** Whether a token has this scheme's form; the first scheme that says yes decides. */
  matches(token: string): boolean;
  /** Undefined: not valid, expired, or revoked. */
  authenticate(token: string, origin: TokenOrigin): Promise<Caller | undefined>;
}

/** One line of `doctor` and of the readiness route. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface FeatureHost extends Runtime {
  readonly hub: Hub;
  /** Takes channels that a feature opened; the data channel wire speaks on them. */
  readonly channels: ChannelAcceptor;
  /** Those that are on, lowest first. */
  readonly features: readonly Feature[];
  /** The service of a feature named in `needs`. */
  use<S>(key: ServiceKey<S>): S;
  /** A context for work that no request asked for. */
  context(options?: Partial<ContextOptions>): Context;
}

export interface FeatureInstance {
  readonly operations: readonly Operation[];
  readonly service?: unknown;
  readonly tokens?: readonly TokenScheme[];
  /** Sees every HTTP request; one feature at most has it. */
  readonly traffic?: Traffic;
  /** Runs after the migrations, in feature order. */
  start?(): Promise<void>;
  /** Runs when this process is about to serve; single commands never get there. */
  serve?(): void;
  /** Runs in reverse order, at most once. */
  stop?(): Promise<void>;
  /** What readiness and `doctor` report. */
  checks?(): Promise<readonly Check[]>;
}

export interface Feature {
  readonly name: string;
  /** Features it cannot be without; they come on with it. */
  readonly needs: readonly string[];
  /** Collections it makes; a foreign one of the same name turns the feature off. */
  readonly collections: readonly string[];
  readonly migrations: readonly Migration[];
  /** Whether it works with the media engine, which starts only when such a feature is on. */
  readonly usesMedia?: boolean;
  create(host: FeatureHost): FeatureInstance;
}

export interface DisabledFeature {
  readonly name: string;
  readonly reason: string;
}

export type FeatureSelection = "all" | "none" | readonly string[];

/** Features that stay on whatever is selected: a server is nothing without them. */
const GROUND = new Set(["records", "auth", "files", "platform", "system"]);

/**
 * Which features run, lowest first. `foreign` holds collections of the data directory that some
 * feature's name clashes with and that the feature did not make.
 */
export function selectFeatures(
  features: readonly Feature[],
  selection: FeatureSelection,
  foreign: ReadonlySet<string>,
): { enabled: Feature[]; disabled: DisabledFeature[] } {
  const disabled = new Map<string, string>();
  const wanted = wantedNames(features, selection);
  for (const feature of features) {
    const clash = feature.collections.find((name) => foreign.has(name));
    const missing = feature.needs.find((name) => disabled.has(name));
    if (!wanted.has(feature.name)) disabled.set(feature.name, "not selected");
    else if (clash) disabled.set(feature.name, `a collection named ${clash} is already there`);
    else if (missing) disabled.set(feature.name, `needs ${missing}, which is off`);
  }
  return {
    enabled: features.filter((feature) => !disabled.has(feature.name)),
    disabled: [...disabled].map(([name, reason]) => ({ name, reason })),
  };
}

function wantedNames(features: readonly Feature[], selection: FeatureSelection): Set<string> {
  if (selection === "all") return new Set(features.map((feature) => feature.name));
  const wanted = new Set([...GROUND, ...(selection === "none" ? [] : selection)]);
  // From the top down, so that what a feature needs pulls in what that needs.
  for (const feature of [...features].reverse()) {
    if (wanted.has(feature.name)) for (const name of feature.needs) wanted.add(name);
  }
  return wanted;
}

/** The features that run and everything they brought. */
export class Registry {
  readonly instances: { readonly name: string; readonly instance: FeatureInstance }[] = [];
  readonly #operations = new Map<string, Operation>();
  readonly #services = new Map<string, unknown>();
  readonly #frames = new Map<string, Operation>();
  readonly tokens: TokenScheme[] = [];
  traffic: Traffic | undefined;

  /** Takes a feature's instance in. Two operations of one name or route are an assertion. */
  add(name: string, instance: FeatureInstance): void {
    this.instances.push({ name, instance });
    if (instance.service) this.#services.set(name, instance.service);
    this.tokens.push(...(instance.tokens ?? []));
    assert(!(this.traffic && instance.traffic), "two features see the traffic");
    this.traffic ??= instance.traffic;
    for (const operation of instance.operations) this.addOperation(operation);
  }

  addOperation(operation: Operation): void {
    assert(!this.#operations.has(operation.name), `operation ${operation.name} defined twice`);
    this.#operations.set(operation.name, operation);
    if (operation.frame) {
      assert(!this.#frames.has(operation.frame), `frame ${operation.frame} defined twice`);
      this.#frames.set(operation.frame, operation);
    }
  }

  service<S>(key: ServiceKey<S>): S {
    const service = this.#services.get(key.feature);
    assert(service, `service of ${key.feature} used but the feature is off or not in needs`);
    return service as S;
  }

  operation(name: string): Operation | undefined {
    return this.#operations.get(name);
  }

  /** The operation that room channel frames of this type run. */
  frame(type: string): Operation | undefined {
    return this.#frames.get(type) ?? this.#frames.get("*");
  }

  get operations(): Operation[] {
    return [...this.#operations.values()];
  }

  async start(): Promise<void> {
    for (const { instance } of this.instances) await instance.start?.();
  }

  serve(): void {
    for (const { instance } of this.instances) instance.serve?.();
  }

  async stop(log: Log): Promise<void> {
    for (const { name, instance } of [...this.instances].reverse()) {
      try {
        await instance.stop?.();
      } catch (cause) {
        log.error("feature did not stop cleanly", { feature: name, cause });
      }
    }
  }
}
