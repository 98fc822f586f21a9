/** Jobs by the clock. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Scheduler } from "../../src/features/records/service/crons/scheduler.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";

const MINUTE_MS = 60_000;

describe("the scheduler", () => {
  let clock: FakeClock;
  let scheduler: Scheduler;
  let ran: string[];

  beforeEach(() => {
    clock = new FakeClock(Date.UTC(2024, 0, 10, 11, 58, 30));
    scheduler = new Scheduler({ clock, log: silentLog() });
    ran = [];
  });

  afterEach(() => scheduler.stop());

  const add = (id: string, expression: string, run: () => void = () => undefined) =>
    scheduler.add({
      id,
      expression,
      run: () => {
        ran.push(`${id} ${new Date(clock.now()).toISOString().slice(11, 16)}`);
        return run();
      },
    });

  test("starts what is due at the start of each minute, in UTC", async () => {
    add("each", "* * * * *");
    add("noon", "0 12 * * *");
    add("hourly", "@hourly");
    add("never", "0 0 30 2 *");
    scheduler.start();
    await clock.advance(3 * MINUTE_MS);
    expect(ran).toEqual(["each 11:59", "each 12:00", "noon 12:00", "hourly 12:00", "each 12:01"]);
  });

  test("starts nothing before start and after stop", async () => {
    add("each", "* * * * *");
    await clock.advance(2 * MINUTE_MS);
    scheduler.start();
    await scheduler.stop();
    await clock.advance(2 * MINUTE_MS);
    expect(ran).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("goes on after a job that fails", async () => {
    add("bad", "* * * * *", () => {
      throw new Error("on purpose");
    });
    add("good", "* * * * *");
    scheduler.start();
    await clock.advance(2 * MINUTE_MS);
    expect(ran).toEqual(["bad 11:59", "good 11:59", "bad 12:00", "good 12:00"]);
  });

  test("leaves a job out that still runs, and waits for it when it stops", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const id = "slow";
    const run = () => {
      ran.push(id);
      return promise;
    };
    scheduler.add({ id, expression: "* * * * *", run });
    scheduler.start();
    await clock.advance(3 * MINUTE_MS);
    expect(ran).toEqual([id]);
    let stopped = false;
    const stopping = scheduler.stop().then(() => {
      stopped = true;
    });
    await clock.advance(0);
    expect(stopped).toBe(false);
    resolve();
    await stopping;
  });

  test("replaces a job of the same id, and refuses what is no expression", async () => {
    add("one", "* * * * *");
    add("one", "0 12 * * *");
    expect(() => add("two", "61 * * * *")).toThrow("not a cron expression");
    scheduler.start();
    await clock.advance(2 * MINUTE_MS);
    expect(ran).toEqual(["one 12:00"]);
    expect(scheduler.jobs).toEqual([{ id: "one", expression: "0 12 * * *" }]);
  });
});

describe("over HTTP", () => {
  let server: AppFixture;
  let token: string;

  beforeEach(async () => {
    server = await freshApp({ features: "none" });
    token = await server.superuser();
  });

  afterEach(() => server[Symbol.asyncDispose]());

  const list = async () => (await server.request("GET", "/api/crons", { token })).body;

  test("the server's own jobs are there, backups once they are planned", async () => {
    expect(await list()).toEqual([
      { id: "__pbDBOptimize__", expression: "0 0 * * *" },
      { id: "__pbLogsCleanup__", expression: "0 */6 * * *" },
      { id: "__pbMFACleanup__", expression: "0 * * * *" },
      { id: "__pbOTPCleanup__", expression: "0 * * * *" },
    ]);
    const body = { backups: { cron: "@daily" } };
    await server.request("PATCH", "/api/settings", { body, token });
    expect(await list()).toContainEqual({ id: "__pbAutoBackup__", expression: "0 0 * * *" });
    await server.request("PATCH", "/api/settings", { body: { backups: { cron: "" } }, token });
    expect(await list()).toHaveLength(4);
  });

  test.each([
    ["__pbDBOptimize__", 204],
    ["nope", 404],
  ])("running %s answers %d", async (id, status) => {
    expect((await server.request("POST", `/api/crons/${id}`, { token })).status).toBe(status);
  });
});
