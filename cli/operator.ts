/**
 * How commands run operations: through the running server's REST routes, or, where none runs, in
 * this process on the data directory.
 */

import type { Config } from "../config/schema.ts";
import type { App } from "../src/app.ts";
import { AppError, assert, fail } from "../src/base/errors.ts";
import type { Operation } from "../src/core/operation.ts";
import { type Answer, asAnswer, textOf } from "./answers.ts";
import { usage } from "./failure.ts";
import { requestJson } from "./http.ts";
import type { Invocation } from "./invocation.ts";
import { describeRequest } from "./request.ts";
import { findServer } from "./running.ts";

export interface Operator {
  /** Runs an operation by name. Errors: those of the operation, 503 `feature_off`, of the network. */
  call(name: string, input: Input): Promise<unknown>;
}

type Input = Readonly<Record<string, unknown>>;

export interface OperatorOptions {
  /** What it asks about lives in a running server only. */
  readonly live?: true;
  /** Makes the data directory where there is none; else that is an error. */
  readonly creates?: true;
  /** How long a running server may take for each call; half a minute by default. */
  readonly limitMs?: number;
}

interface Transport extends Operator {
  /** Said to people once the work is done. */
  readonly via: string;
  close(): Promise<void>;
}

/** A server that hashes a password or asks every media port takes a while. */
const CALL_LIMIT_MS = 30_000;

/**
 * Opens the way to the operations, does the work and closes it. Errors: those of the work, and 503
 * `server_needed`, `no_data_dir`.
 */
export async function operate<T>(
  call: Invocation,
  options: OperatorOptions,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const transport = await open(call, options);
  try {
    const result = await work(transport);
    call.note(`via ${transport.via}`);
    return result;
  } finally {
    await transport.close();
  }
}

/**
 * Calls an operation that looks one thing up; a 404 is told with the thing's name, which the
 * server's answer does not repeat.
 */
export async function find(
  operator: Operator,
  name: string,
  { what, ...input }: Readonly<Record<string, unknown>> & { readonly what: string },
): Promise<Answer> {
  try {
    return asAnswer(await operator.call(name, input));
  } catch (cause) {
    if (!isNotFound(cause)) throw cause;
    throw fail.not_found("not_found", `There is no ${what}.`, { cause });
  }
}

async function open(call: Invocation, options: OperatorOptions): Promise<Transport> {
  const { config } = await call.config();
  const server = await target(call, config);
  if (server) {
    const { limitMs = CALL_LIMIT_MS } = options;
    return remote(call, config, { ...server, limitMs });
  }
  const { dir } = config.server;
  if (options.live) {
    const message = `This needs a running server: none runs on ${dir}. Start one, or name one with --url.`;
    throw fail.unavailable("server_needed", message);
  }
  return local(call, config, options);
}

interface Target {
  readonly url: string;
  readonly token: string | undefined;
  readonly limitMs: number;
}

async function target(
  call: Invocation,
  config: Config,
): Promise<Omit<Target, "limitMs"> | undefined> {
  const url = call.flag("url");
  const token = call.flag("token");
  if (url !== undefined) {
    const parsed = URL.parse(url);
    if (!parsed || !/^https?:$/.test(parsed.protocol)) throw usage("--url takes an http(s) URL.");
    return { url: url.replace(/\/+$/, ""), token };
  }
  const state = await findServer(config.server.dir);
  if (state) return { url: state.url, token: token ?? state.secret };
  if (token !== undefined) throw usage("--token needs a server: name one with --url.");
  return undefined;
}

async function remote(call: Invocation, config: Config, server: Target): Promise<Transport> {
  const { describeOperations } = await import("./operations.ts");
  const loaded = await call.config();
  const operations = describeOperations(config, call.parts(loaded));
  return {
    via: `the running server at ${server.url}`,
    async call(name, input) {
      const operation = operations.get(name);
      assert(operation, `no operation ${name}`);
      try {
        return await send(server, operation, input);
      } catch (error) {
        const off = isNotFound(error) ? await whyOff(server, operations, name) : undefined;
        throw off ?? error;
      }
    },
    close: async () => undefined,
  };
}

function send(server: Target, operation: Operation, input: Input): Promise<unknown> {
  const { method, path, body } = describeRequest(operation, input);
  const { token, limitMs } = server;
  return requestJson({ method, url: server.url + path, token, body, limitMs });
}

/** A route of a feature that is off is not there, which says little to whoever called it. */
async function whyOff(
  server: Target,
  operations: ReadonlyMap<string, Operation>,
  name: string,
): Promise<AppError | undefined> {
  const status = operations.get("system.status");
  assert(status, "the server tells its state");
  const { disabled } = asAnswer(await send(server, status, {}));
  const list = Array.isArray(disabled) ? disabled.map(asAnswer) : [];
  const off = list.find((one) => one.name === featureOf(name));
  return off && featureOff(name, textOf(off, "reason"));
}

function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.kind === "not_found";
}

async function local(
  call: Invocation,
  config: Config,
  options: OperatorOptions,
): Promise<Transport> {
  const { createApp, DATABASE_FILE } = await import("../src/app.ts");
  if (!options.creates) await requireData(config.server.dir, DATABASE_FILE);
  const app = await createApp(config, call.parts(await call.config()));
  return {
    via: `the data directory ${config.server.dir}`,
    async call(name, input) {
      requireFeature(app, name);
      return app.call(name, input);
    },
    close: () => app.stop(),
  };
}

/** Error: 503 `no_data_dir`: a mistyped --dir must not become a new data directory. */
export async function requireData(dir: string, databaseFile: string): Promise<void> {
  const [{ fileExists }, { join }] = await Promise.all([
    import("../src/infra/machine/disk.ts"),
    import("node:path"),
  ]);
  if (fileExists(join(dir, databaseFile))) return;
  const message = `There is no data in ${dir} yet: the first "server serve" makes it.`;
  throw fail.unavailable("no_data_dir", message);
}

function requireFeature(app: App, name: string): void {
  if (app.kernel.registry.operation(name)) return;
  const off = app.disabled.find((one) => one.name === featureOf(name));
  throw featureOff(name, off?.reason ?? "not in this executable");
}

function featureOff(operation: string, reason: string): AppError {
  const message = `The feature ${featureOf(operation)} is off: ${reason}.`;
  return fail.unavailable("feature_off", message);
}

function featureOf(operation: string): string {
  return operation.slice(0, operation.indexOf("."));
}
