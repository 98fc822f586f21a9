/** The log over HTTP: what is kept of requests, for how long, and at what bounds. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../src/base/limits.ts";
import { Platform } from "../../src/features/platform/index.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";

const DAY_MS = 86_400_000;

let server: AppFixture;
let token: string;

beforeEach(async () => {
  server = await freshApp({ features: "none" });
  token = await server.superuser();
});

afterEach(() => server[Symbol.asyncDispose]());

const book = () => server.app.kernel.registry.service(Platform).logs;

async function entries(filter: string) {
  const query = new URLSearchParams({ filter, sort: "@rowid", perPage: "1000" });
  const { body } = await server.request("GET", `/api/logs?${query}`, { token });
  return body.items;
}

const settings = (logs: object) =>
  server.request("PATCH", "/api/settings", { body: { logs }, token });

describe("an entry", () => {
  test("tells a request, whose it was and from where", async () => {
    const headers = { "user-agent": "Tester", referer: "https://page.test" };
    await server.request("GET", "/api/collections?traced=%C3%A4", { token, headers });
    const [entry] = await entries("data.url ~ 'traced'");
    expect(entry).toEqual({
      id: expect.stringMatching(/^[a-z0-9]{15}$/),
      created: "2024-01-10 12:00:00.000Z",
      level: 0,
      message: "GET /api/collections?traced=ä",
      data: {
        auth: "_superusers",
        execTime: 0,
        method: "GET",
        referer: "https://page.test",
        remoteIP: "127.0.0.1",
        status: 200,
        type: "request",
        url: "/api/collections?traced=%C3%A4",
        userAgent: "Tester",
        userIP: "127.0.0.1",
      },
    });
  });

  test("is itself alone, whatever its text holds", async () => {
    const odd = String.raw`a"b\c%00d%0Ae%01f,[{`;
    await server.request("GET", "/api/health/nothing?traced=1");
    await server.request("GET", `/nowhere?traced=${odd}`, { headers: { "user-agent": odd } });
    await server.request("GET", "/api/health/nothing?traced=3");
    const found = await entries("data.url ~ 'traced'");
    expect(found.map(({ message }: { message: string }) => message)).toEqual([
      "GET /api/health/nothing?traced=1",
      expect.stringContaining("c\uFFFDd\ne\u0001f,"),
      "GET /api/health/nothing?traced=3",
    ]);
    expect(found[1].data.userAgent).toBe(odd);
    expect(found.map(({ level }: { level: number }) => level)).toEqual([8, 8, 8]);
  });

  test("of a failure is an error with its reason", async () => {
    await server.request("GET", "/api/settings?traced=1");
    await server.request("GET", "/nowhere.html?traced=2");
    const found = await entries("data.url ~ 'traced'");
    expect(found).toMatchObject([
      { level: 8, data: { status: 401, details: null, error: expect.any(String), auth: "" } },
      { level: 8, data: { status: 404, details: null, error: expect.any(String) } },
    ]);
  });

  test("hides tokens in addresses and cuts what is long", async () => {
    await server.request("GET", "/api/backups/x.zip?traced=1&token=secret&more=1");
    await server.request("GET", `/api/health?traced=2&fill=${"x".repeat(5_000)}`);
    const [hidden, long] = await entries("data.url ~ 'traced'");
    expect(hidden.data.url).toBe("/api/backups/x.zip?traced=1&token=[hidden]&more=1");
    expect(long.data.url).toHaveLength(LIMITS.logUrlCharsMax + 3);
  });

  test.each([
    [{ logIP: false }, { userIP: undefined, remoteIP: undefined, authId: undefined }],
    [
      { logIP: true, logAuthId: true },
      { userIP: "127.0.0.1", authId: expect.any(String) },
    ],
  ])("under %p holds %p", async (logs, expected) => {
    await settings(logs);
    await server.request("GET", "/api/collections?traced=1", { token });
    const [entry] = await entries("data.url ~ 'traced'");
    for (const [key, value] of Object.entries(expected)) expect(entry.data[key]).toEqual(value);
  });
});

describe("what is kept", () => {
  test("leaves out the reading of the log, unless it fails", async () => {
    await entries("level > 0");
    await server.request("GET", "/api/logs?filter=(", { token });
    const found = await entries("data.url ~ '/api/logs'");
    expect(found.map((entry: { data: { status: number } }) => entry.data.status)).toEqual([400]);
  });

  test.each([
    [{ maxDays: 0 }, []],
    [{ minLevel: 8 }, [404]],
    [{ minLevel: 9 }, []],
  ])("under %p is only %p", async (logs, expected) => {
    await settings(logs);
    await server.request("GET", "/api/health?traced=1");
    await server.request("GET", "/api/collections/nope/records?traced=2");
    const found = await entries("data.url ~ 'traced'");
    expect(found.map((entry: { data: { status: number } }) => entry.data.status)).toEqual(expected);
  });

  test("goes after the days that the settings say", async () => {
    await server.request("GET", "/api/health?traced=old");
    await book().flush();
    await server.clock.advance(4 * DAY_MS);
    await server.request("GET", "/api/health?traced=new");
    await server.clock.advance(DAY_MS);
    await server.app.call("crons.run", { id: "__pbLogsCleanup__" });
    await book().prune();
    // The token has expired with the days.
    const { items } = await book().list({ filter: "data.url ~ 'traced'" });
    expect(items.map(({ data }) => data.url)).toEqual(["/api/health?traced=new"]);
  });

  test("is written after a while without anybody asking", async () => {
    await server.request("GET", "/api/health");
    expect(existsSync(join(server.dir, "auxiliary.db"))).toBe(false);
    await server.clock.advance(LIMITS.logDelayMs);
    await book().flush();
    expect(existsSync(join(server.dir, "auxiliary.db"))).toBe(true);
  });
});

describe("questions", () => {
  test("are answered by the hour", async () => {
    await server.request("GET", "/api/health?traced=1");
    await server.request("GET", "/api/health?traced=2");
    await server.clock.advance(3_600_000);
    await server.request("GET", "/api/health?traced=3");
    const filter = encodeURIComponent("data.url ~ 'traced'");
    const { body } = await server.request("GET", `/api/logs/stats?filter=${filter}`, { token });
    expect(body).toEqual([
      { date: "2024-01-10 12:00:00.000Z", total: 2 },
      { date: "2024-01-10 13:00:00.000Z", total: 1 },
    ]);
    const all = await server.request("GET", "/api/logs/stats", { token });
    expect(all.body.at(-1)).toEqual({ date: "2024-01-10 13:00:00.000Z", total: 1 });
  });

  test.each(["(", "nope = 1", "@request.auth.id = ''", "@collection.users.id = ''"])(
    "with the filter %s are refused",
    async (filter) => {
      for (const path of ["/api/logs", "/api/logs/stats"]) {
        const query = new URLSearchParams({ filter });
        const { status } = await server.request("GET", `${path}?${query}`, { token });
        expect(status).toBe(400);
      }
    },
  );
});
