/**
 * Batches: writes of records in one transaction, all of them or none. Each part is the operation it
 * would be as a request of its own, asked for by the batch's caller.
 */

import { AppError, assert, errorBody, fail, toAppError } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import { isPrivileged } from "../../../../core/access.ts";
import type { Context, RequestFacts } from "../../../../core/context.ts";
import type { RequestEvent } from "../../../../core/execute.ts";
import type { CallOperation, Operation } from "../../../../core/operation.ts";
import { passwordCost } from "../../../../tools/fields/password-kind.ts";
import type { RecordsService } from "../../service.ts";
import type { PlainPassword } from "../passwords.ts";
import { type BatchAction, type BatchRequest, readAction, readBatch } from "./batch-form.ts";

export interface BatchResult {
  readonly status: number;
  readonly body: unknown;
}

/** Seconds, where the settings have none: a batch holds the writer. */
const TIMEOUT = 3;

type Kind = Exclude<BatchAction["kind"], "upsert">;
type SettledAction = BatchAction & { readonly kind: Kind };

const METHODS: Readonly<Record<Kind, string>> = {
  create: "POST",
  update: "PATCH",
  delete: "DELETE",
};

/** The rules of which one lets a new password in. */
const RULES_OF_PASSWORDS: Readonly<
  Record<BatchAction["kind"], readonly ("createRule" | "updateRule")[]>
> = {
  create: ["createRule"],
  update: ["updateRule"],
  upsert: ["createRule", "updateRule"],
  delete: [],
};

export class Batches {
  readonly #records: RecordsService;
  readonly #operations: ReadonlyMap<string, CallOperation>;

  /** `operations` are those of records, by which each part runs. */
  constructor(records: RecordsService, operations: readonly Operation[]) {
    this.#records = records;
    const calls = operations.filter((operation) => operation.kind !== "watch");
    this.#operations = new Map(calls.map((operation) => [operation.name, operation]));
  }

  /** Bytes of a whole batch. Error: 403 `batch_disabled`. */
  bodyBytesMax(): number {
    const { maxBodySize } = this.#allowed();
    return maxBodySize > 0 ? maxBodySize : LIMITS.batchBodyBytesDefault;
  }

  /**
   * Results in the order of the requests. Errors: 403 `batch_disabled`, 400 for the form, 400
   * `batch_failed` with the place and the error of the part that failed, 400 `batch_timeout`.
   */
  async run(context: Context, body: unknown): Promise<BatchResult[]> {
    const { maxRequests, timeout } = this.#allowed();
    const files = context.request?.files ?? new Map();
    const requests = readBatch(body, files, maxRequests);
    const timeoutMs = (timeout > 0 ? timeout : TIMEOUT) * 1_000;
    const run = () => this.#runAll(context, requests, timeoutMs);
    // A hash takes long, and everybody's writes would wait for it.
    const passwords = requests.flatMap((request) => this.#newPassword(context, request) ?? []);
    return this.#records.passwords.ahead(passwords, () =>
      context.transaction(run, { exclusive: true }),
    );
  }

  /** What a request will have hashed, as far as that can be told before it runs. */
  #newPassword(context: Context, request: BatchRequest): PlainPassword | undefined {
    const action = readAction(request);
    const collection = action && this.#records.collection(action.collection);
    if (!action || collection?.type !== "auth") return undefined;
    const rules = RULES_OF_PASSWORDS[action.kind];
    const open = isPrivileged(context.caller) || rules.some((rule) => collection[rule] !== null);
    const { password, passwordConfirm } = request.body;
    const fits = typeof password === "string" && password !== "" && password === passwordConfirm;
    if (rules.length === 0 || !open || !fits) return undefined;
    const field = collection.fields.find(({ name }) => name === "password");
    return { plain: password, cost: passwordCost(field) };
  }

  async #runAll(
    context: Context,
    requests: readonly BatchRequest[],
    timeoutMs: number,
  ): Promise<BatchResult[]> {
    let late = false;
    const timer = context.clock.after(timeoutMs, () => {
      late = true;
    });
    const { signal } = context.request ?? {};
    const results: BatchResult[] = [];
    try {
      for (const [index, request] of requests.entries()) {
        results.push(await this.#runPart(context, request, index));
        if (signal?.aborted) throw fail.invalid("batch_abandoned", "The client is gone.");
        if (late) throw fail.invalid("batch_timeout", "The batch took too long.");
      }
    } finally {
      timer.clear();
    }
    return results;
  }

  async #runPart(context: Context, request: BatchRequest, index: number): Promise<BatchResult> {
    try {
      const action = await this.#settle(context, request, readAction(request));
      const { kind, collection, id, query } = action;
      const path = request.url.split("?")[0] ?? "";
      const counted = { method: METHODS[kind], path, collection, tags: [kind] };
      this.#records.rateRules.admit(counted, context.caller);
      const target = id === "" ? { collection } : { collection, id };
      const input =
        kind === "delete" ? target : { ...target, body: request.body, ...answerOptions(query) };
      return await this.#call(
        `records.${kind}`,
        context.asking(facts(context, request, action)),
        input,
      );
    } catch (thrown) {
      throw partFailed(index, thrown);
    }
  }

  /** An upsert becomes what it comes to. Error: 400 where no batch can do what is asked. */
  async #settle(
    context: Context,
    { body }: BatchRequest,
    action: BatchAction | undefined,
  ): Promise<SettledAction> {
    if (!action) throw fail.invalid("unknown_action", "A batch cannot do that.");
    const { kind, collection } = action;
    if (kind !== "upsert") return { ...action, kind };
    const id = await this.#known(context, collection, body.id);
    return id === undefined ? { ...action, kind: "create" } : { ...action, kind: "update", id };
  }

  /** Runs one part inside the request hooks of its operation, as the kernel would. */
  async #call(name: `records.${Kind}`, context: Context, input: unknown): Promise<BatchResult> {
    const operation = this.#operations.get(name);
    assert(operation, `operation ${name}`);
    const event: RequestEvent = { context, operation, input, output: undefined };
    await context.hooks.run(`request:${name}`, event, async () => {
      event.output = await operation.run(context, event.input);
    });
    return { status: operation.rest[0]?.status ?? 200, body: event.output ?? null };
  }

  /** The id where such a record exists. */
  async #known(context: Context, collection: string, id: unknown): Promise<string | undefined> {
    const text = typeof id === "string" || typeof id === "number" ? String(id) : "";
    if (text === "" || !this.#records.collection(collection)) return undefined;
    return (await this.#records.find(context, collection, text))?.id;
  }

  #allowed() {
    const { batch } = this.#records.settings.current;
    if (batch.enabled && batch.maxRequests > 0) return batch;
    throw fail.forbidden("batch_disabled", "Batches are not allowed here.");
  }
}

/** The batch's own headers with those of the part over them; who asks is the batch's caller. */
function facts(
  context: Context,
  { headers: own, files }: BatchRequest,
  { kind, query }: SettledAction,
): RequestFacts {
  const headers = new Headers(context.request?.headers);
  for (const [name, value] of Object.entries(own)) {
    const legal = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
    if (legal && name.toLowerCase() !== "authorization") headers.set(name, value);
  }
  return { method: METHODS[kind], query, headers, files, batched: true };
}

function answerOptions(query: URLSearchParams): { expand?: string; fields?: string } {
  const [expand, fields] = [query.get("expand"), query.get("fields")];
  return { ...(expand === null ? {} : { expand }), ...(fields === null ? {} : { fields }) };
}

function partFailed(index: number, thrown: unknown): AppError {
  const error = toAppError(thrown);
  const { code: _, ...response } = errorBody(error);
  const entry = { code: "batch_request_failed", message: "Batch request failed.", response };
  return fail.invalid("batch_failed", "The batch failed, and nothing of it was done.", {
    data: { requests: { [index]: entry } },
    ...(thrown instanceof AppError ? {} : { cause: thrown }),
  });
}
