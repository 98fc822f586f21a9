/** The one way into an operation: limit, access, shape, request hooks, then the operation itself. */

import { AppError, assert, fail, toAppError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { type RateLimit, TokenBuckets } from "../tools/token-bucket.ts";
import { type Caller, callerKey, checkStanding, Guest, isPrivileged } from "./access.ts";
import { Context, type ContextOptions, type Runtime } from "./context.ts";
import type { CallOperation, Operation, WatchOperation } from "./operation.ts";
import type { Registry, TokenOrigin } from "./registry.ts";
import { RequestMetrics } from "./request-metrics.ts";
import type { Stream } from "./session.ts";
import { Shapes } from "./shape.ts";

type Budget = Pick<RateLimit, "count" | "windowMs">;

/** The general request budgets. */
export interface RequestLimits {
  readonly user: Budget;
  readonly guest: Budget;
}

/** Input is read only once the caller may: a body is not worth receiving from who may not. */
export type ReadInput = () => unknown | Promise<unknown>;

/** What request hooks see: they may replace input and output, or throw. */
export interface RequestEvent {
  readonly context: Context;
  readonly operation: Operation;
  input: unknown;
  output: unknown;
}

export class Kernel {
  readonly registry: Registry;
  readonly runtime: Runtime;
  readonly requests: RequestMetrics;
  readonly #limits: RequestLimits;
  readonly #buckets = new TokenBuckets(LIMITS.rateBucketsMax);
  readonly #shapes = new Shapes();

  constructor(runtime: Runtime, registry: Registry, limits: RequestLimits) {
    this.runtime = runtime;
    this.requests = new RequestMetrics(runtime.metrics);
    this.registry = registry;
    this.#limits = limits;
  }

  /**
   * Who a bearer token stands for. Error: 401 `invalid_token` for one that is not valid; in the
   * records dialect such a call is a guest's.
   */
  async authenticate(
    token: string,
    origin: TokenOrigin,
    dialect: Operation["dialect"] = "own",
  ): Promise<Caller> {
    const scheme = this.registry.tokens.find((candidate) => candidate.matches(token));
    const caller = await scheme?.authenticate(token, origin);
    if (caller) return caller;
    if (dialect === "records") return new Guest(origin);
    throw fail.unauthenticated("invalid_token", "The token is not valid or has expired.");
  }

  /** Runs a read or write operation. Throws AppErrors only. */
  async call(
    operation: CallOperation,
    readInput: ReadInput,
    options: ContextOptions,
  ): Promise<unknown> {
    const context = new Context(this.runtime, options);
    try {
      const parsed = await this.#admit(operation, readInput, options.caller);
      const point = `request:${operation.name}`;
      if (!this.runtime.hooks.has(point)) return await operation.run(context, parsed);
      const event: RequestEvent = { context, operation, input: parsed, output: undefined };
      await this.runtime.hooks.run(point, event, async () => {
        const input = this.#shapes.parse(operation.input, event.input);
        event.output = await operation.run(context, input);
      });
      return event.output;
    } catch (thrown) {
      throw publicError(context, operation, thrown);
    }
  }

  /** Opens a watch on a stream. Throws AppErrors only; after that the stream tells its own end. */
  async watch(
    operation: WatchOperation,
    request: { readonly input: ReadInput; readonly stream: Stream },
    options: ContextOptions,
  ): Promise<void> {
    const context = new Context(this.runtime, options);
    try {
      const parsed = await this.#admit(operation, request.input, options.caller);
      await operation.open(context, parsed, request.stream);
    } catch (thrown) {
      throw publicError(context, operation, thrown);
    }
  }

  /** Calls an operation by name as the server itself or as `options.caller`. */
  async callNamed(name: string, input: unknown, options: ContextOptions): Promise<unknown> {
    const operation = this.registry.operation(name);
    assert(operation && operation.kind !== "watch", `no callable operation ${name}`);
    return this.call(operation, () => input, options);
  }

  async #admit(operation: Operation, readInput: ReadInput, caller: Caller): Promise<unknown> {
    const { access } = operation;
    const isOwn = operation.dialect !== "records";
    // The records routes have the rules of the platform's settings instead.
    if (isOwn && !isPrivileged(caller)) this.#takeRequest(caller);
    if (typeof access !== "function") checkStanding(access, caller);
    const input = this.#shapes.parse(operation.input, await readInput());
    if (!isPrivileged(caller)) this.#takeOwn(operation, input, caller);
    if (typeof access === "function") await access(caller, input);
    return input;
  }

  #takeRequest(caller: Caller): void {
    const budget = caller.kind === "guest" ? this.#limits.guest : this.#limits.user;
    this.#take(`requests ${callerKey(caller)}`, budget);
  }

  #takeOwn(operation: Operation, input: unknown, caller: Caller): void {
    const limit =
      typeof operation.limit === "function" ? operation.limit(input, caller) : operation.limit;
    if (limit) this.#take(bucketKey(limit, caller), limit);
  }

  #take(key: string, limit: Budget): void {
    const waitMs = this.#buckets.take(key, limit, this.runtime.clock.monotonic());
    if (waitMs === 0) return;
    const retryAfter = Math.ceil(waitMs / 1000);
    throw fail.rate_limited("rate_limited", `Too many requests: try again in ${retryAfter} s.`, {
      retryAfter,
    });
  }
}

/** The public form of a failure; only what is not an operating error reaches the log. */
function publicError(context: Context, operation: Operation, thrown: unknown): AppError {
  const error = toAppError(thrown);
  if (!(thrown instanceof AppError) || error.cause !== undefined) {
    const level = error.status >= 500 ? "error" : "warn";
    context.log[level]("operation failed", { operation: operation.name, cause: thrown });
  }
  return error;
}

function bucketKey(limit: RateLimit, caller: Caller): string {
  return `${limit.name} ${limit.key ?? callerKey(caller)}`;
}
