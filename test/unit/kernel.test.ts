/** The way into an operation: order of checks, limits, hooks, events after commit. */

import { describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { FakeClock } from "../../src/base/clock.ts";
import { AppError, fail } from "../../src/base/errors.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Caller } from "../../src/core/access.ts";
import type { Context, DomainEvent, Runtime } from "../../src/core/context.ts";
import { Kernel, type RequestEvent } from "../../src/core/execute.ts";
import { Hooks } from "../../src/core/hooks.ts";
import { type CallOperation, defineOperation } from "../../src/core/operation.ts";
import { Registry } from "../../src/core/registry.ts";
import { Bus } from "../../src/infra/bus/bus.ts";
import { Metrics } from "../../src/infra/metrics/metrics.ts";
import { freshDatabase, itemNames } from "./db-fixture.ts";

const guest: Caller = { kind: "guest", ip: "10.0.0.1" };
const user: Caller = {
  kind: "user",
  id: "u1",
  collection: "users",
  name: "Ann",
  ip: "10.0.0.2",
  expiresAt: Number.POSITIVE_INFINITY,
  refreshable: true,
  record: {},
};
const superuser: Caller = { ...user, kind: "superuser", collection: "_superusers" };

async function kernelWith(operations: readonly CallOperation[], perMinute = 1_000) {
  const { db, ...fresh } = await freshDatabase();
  const clock = new FakeClock();
  const events: DomainEvent[] = [];
  const bus = new Bus<DomainEvent>(silentLog());
  bus.subscribe("items", (event) => events.push(event));
  const runtime: Runtime = {
    clock,
    ids: fakeIds(clock),
    log: silentLog(),
    db,
    bus,
    hooks: new Hooks(),
    metrics: new Metrics(),
  };
  const registry = new Registry();
  for (const operation of operations) registry.addOperation(operation);
  const budget = { count: perMinute, windowMs: 60_000 };
  const kernel = new Kernel(runtime, registry, { user: budget, guest: budget });
  const call = (name: string, input: unknown, caller: Caller = user) =>
    kernel.callNamed(name, input, { caller, requestId: "r1" });
  return {
    kernel,
    call,
    clock,
    db,
    events,
    runtime,
    [Symbol.asyncDispose]: fresh[Symbol.asyncDispose],
  };
}

type Run = (context: Context, input: { name: string }) => Promise<unknown>;

function operation(run: Run, extra: Partial<CallOperation> = {}): CallOperation {
  const defined = defineOperation({
    name: "items.add",
    kind: "write",
    summary: "Adds an item",
    input: Type.Object(
      { name: Type.String({ minLength: 1, maxLength: 5 }) },
      { additionalProperties: false },
    ),
    output: Type.Unknown(),
    access: "signed_in",
    errors: [],
    rest: [],
    run,
  });
  return { ...defined, ...extra };
}

const add: Run = async (context, { name }) => {
  await context.transaction(async () => {
    await context.tx.run("INSERT INTO item (name) VALUES (?)", name);
    context.emit({
      topic: "items",
      type: "added",
      payload: { name },
      audience: { to: "everyone" },
    });
    if (name === "bad") throw fail.conflict("bad_name", "Not this one.");
  });
  return { name };
};

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "ok";
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return (error as AppError).code;
  }
}

describe("admission", () => {
  const rows: readonly (readonly [string, unknown, Caller, string])[] = [
    ["a user with good input", { name: "a" }, user, "ok"],
    ["a guest, told nothing about the input", { nonsense: 1 }, guest, "unauthenticated"],
    ["a missing field", {}, user, "validation_failed"],
    ["an empty field", { name: "" }, user, "validation_failed"],
    ["a field too long", { name: "abcdef" }, user, "validation_failed"],
    ["a wrong type", { name: 5 }, user, "validation_failed"],
    ["an unknown field", { name: "a", nmae: "b" }, user, "validation_failed"],
    ["no object at all", "a", user, "validation_failed"],
    ["what the operation refuses", { name: "bad" }, user, "bad_name"],
  ];
  for (const [what, input, caller, expected] of rows) {
    test(what, async () => {
      await using kernel = await kernelWith([operation(add)]);
      expect(await codeOf(kernel.call("items.add", input, caller))).toBe(expected);
    });
  }

  test("field errors name each field with code and message", async () => {
    await using kernel = await kernelWith([operation(add)]);
    const error = await failure(kernel.call("items.add", { name: "abcdef", x: 1 }));
    expect(error.data).toEqual({
      name: {
        code: "validation_length_out_of_range",
        message: "Must be at most 5 characters.",
        params: { min: 1, max: 5 },
      },
      x: { code: "validation_unknown_field", message: "There is no such field." },
    });
  });

  test("access as a function sees the input", async () => {
    const access = (_: Caller, input: unknown) => {
      if ((input as { name: string }).name !== "mine") throw fail.forbidden("not_yours", "No.");
    };
    await using kernel = await kernelWith([operation(add, { access })]);
    expect(await codeOf(kernel.call("items.add", { name: "mine" }))).toBe("ok");
    expect(await codeOf(kernel.call("items.add", { name: "his" }))).toBe("not_yours");
  });

  test("what is thrown and is no AppError comes out as internal, without its text", async () => {
    await using kernel = await kernelWith([
      operation(async () => {
        throw new Error("secret path /etc");
      }),
    ]);
    const error = await failure(kernel.call("items.add", { name: "a" }));
    expect([error.code, error.status]).toEqual(["internal", 500]);
    expect(error.message).not.toContain("secret");
  });
});

describe("limits", () => {
  test("the request budget holds each caller apart and refills with time", async () => {
    await using kernel = await kernelWith([operation(async () => 1)], 2);
    const calls = async (caller: Caller) => codeOf(kernel.call("items.add", { name: "a" }, caller));
    expect([await calls(user), await calls(user), await calls(user)]).toEqual([
      "ok",
      "ok",
      "rate_limited",
    ]);
    expect(await calls({ ...user, id: "u2" })).toBe("ok");
    expect(await calls(superuser)).toBe("ok");
    await kernel.clock.advance(30_000);
    expect(await calls(user)).toBe("ok");
    const error = await failure(kernel.call("items.add", { name: "a" }));
    expect([error.status, error.retryAfter]).toEqual([429, 30]);
  });

  test("an operation's own limit may look at the input", async () => {
    const limit = (input: unknown) => ({
      name: "per name",
      count: 1,
      windowMs: 1_000,
      key: (input as { name: string }).name,
    });
    await using kernel = await kernelWith([operation(async () => 1, { limit })]);
    expect(await codeOf(kernel.call("items.add", { name: "a" }))).toBe("ok");
    expect(await codeOf(kernel.call("items.add", { name: "b" }))).toBe("ok");
    expect(await codeOf(kernel.call("items.add", { name: "a" }))).toBe("rate_limited");
  });
});

describe("request hooks", () => {
  test("change the input, see the output, and are validated again", async () => {
    await using kernel = await kernelWith([operation(add)]);
    kernel.runtime.hooks.bind<RequestEvent>("request:items.add", async (event, next) => {
      event.input = { name: "hook" };
      await next();
      event.output = { ...(event.output as object), seen: true };
    });
    expect(await kernel.call("items.add", { name: "a" })).toEqual({ name: "hook", seen: true });
    expect(await itemNames(kernel.db)).toEqual(["hook"]);
  });

  test("a veto stops the operation", async () => {
    await using kernel = await kernelWith([operation(add)]);
    kernel.runtime.hooks.bind("request:items.add", async () => {
      throw fail.forbidden("vetoed", "No.");
    });
    expect(await codeOf(kernel.call("items.add", { name: "a" }))).toBe("vetoed");
    expect(await itemNames(kernel.db)).toEqual([]);
  });

  test("rings run in priority order around the action, and next() once", async () => {
    const hooks = new Hooks();
    const seen: string[] = [];
    const ring = (name: string) => async (_: object, next: () => Promise<void>) => {
      seen.push(`${name}>`);
      await next();
      seen.push(`<${name}`);
    };
    hooks.bind("p", ring("late"), 5);
    hooks.bind("p", ring("first"), -1);
    const unbind = hooks.bind("p", ring("middle"));
    await hooks.run("p", {}, async () => void seen.push("action"));
    expect(seen).toEqual(["first>", "middle>", "late>", "action", "<late", "<middle", "<first"]);
    unbind();
    hooks.bind("p", async (_, next) => {
      await next();
      await next();
    });
    expect(hooks.run("p", {}, async () => undefined)).rejects.toThrow("next() called twice");
  });
});

describe("transactions and events", () => {
  test("events are published after the commit, and only what was kept", async () => {
    await using kernel = await kernelWith([operation(add)]);
    await kernel.call("items.add", { name: "a" });
    await kernel.call("items.add", { name: "bad" }).catch(() => undefined);
    expect(await itemNames(kernel.db)).toEqual(["a"]);
    expect(kernel.events.map((event) => event.payload)).toEqual([{ name: "a" }]);
  });

  test("a listener sees what the event tells", async () => {
    await using kernel = await kernelWith([operation(add)]);
    let visible: Promise<string[]> | undefined;
    kernel.runtime.bus.subscribe("items", () => {
      visible = itemNames(kernel.db);
    });
    await kernel.call("items.add", { name: "a" });
    expect(await visible).toEqual(["a"]);
  });

  test("an inner transaction that fails takes only its own rows and events with it", async () => {
    await using kernel = await kernelWith([
      operation(async (context, { name }) => {
        await context.transaction(async () => {
          await add(context, { name });
          await add(context, { name: "bad" }).catch(() => undefined);
        });
      }),
    ]);
    await kernel.call("items.add", { name: "a" });
    expect(await itemNames(kernel.db)).toEqual(["a"]);
    expect(kernel.events).toHaveLength(1);
  });

  test("a listener that throws hurts nobody", async () => {
    await using kernel = await kernelWith([operation(add)]);
    kernel.runtime.bus.subscribe("items", () => {
      throw new Error("listener");
    });
    expect(await codeOf(kernel.call("items.add", { name: "a" }))).toBe("ok");
  });
});
