/** The rate limit rules of the settings, and the address that they count by. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type AppFixture, freshApp } from "./app-fixture.ts";

let server: AppFixture;
let token: string;

beforeEach(async () => {
  server = await freshApp({ features: "none" });
  token = await server.superuser();
});

afterEach(() => server[Symbol.asyncDispose]());

const settings = (body: object) => server.request("PATCH", "/api/settings", { body, token });

function rules(...list: readonly (readonly [label: string, audience: string, count: number])[]) {
  const made = list.map(([label, audience, maxRequests]) => ({
    label,
    audience,
    maxRequests,
    duration: 60,
  }));
  return settings({ rateLimits: { enabled: true, rules: made } });
}

async function statuses(count: number, path: string, options: object = {}): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index++) {
    found.push((await server.request("GET", path, options)).status);
  }
  return found;
}

const USERS = "/api/collections/users/records";

describe("a rule", () => {
  test("lets so many through in its time, then again", async () => {
    await rules(["users:list", "", 2]);
    expect(await statuses(3, USERS)).toEqual([200, 200, 429]);
    await server.clock.advance(59_000);
    expect(await statuses(1, USERS)).toEqual([429]);
    await server.clock.advance(1_000);
    expect(await statuses(3, USERS)).toEqual([200, 200, 429]);
  });

  test("answers as clients of the records API expect it, and says when", async () => {
    await rules(["users:list", "", 1]);
    await statuses(1, USERS);
    const { status, body, headers } = await server.request("GET", USERS);
    expect([status, body]).toEqual([429, { status: 429, message: expect.any(String), data: {} }]);
    expect(headers.get("retry-after")).toBe("60");
  });

  test("does not hold superusers, nor anybody once it is off", async () => {
    await rules(["users:list", "", 1]);
    expect(await statuses(3, USERS, { token })).toEqual([200, 200, 200]);
    expect(await statuses(2, USERS)).toEqual([200, 429]);
    await settings({ rateLimits: { enabled: false } });
    expect(await statuses(3, USERS)).toEqual([200, 200, 200]);
  });

  test.each([
    ["@guest", [200, 429], [200, 200]],
    ["@auth", [200, 200], [200, 429]],
    ["", [200, 429], [429, 429]],
  ])("for %p counts guests %p and users %p", async (audience, guests, users) => {
    const ann = await server.signUp("Ann");
    await rules(["*:list", audience, 1]);
    expect(await statuses(2, USERS)).toEqual(guests);
    expect(await statuses(2, USERS, { token: ann.token })).toEqual(users);
  });

  test("below a path holds pages and unknown paths too", async () => {
    await rules(["/", "", 2]);
    expect(await statuses(3, "/nowhere")).toEqual([404, 404, 429]);
  });

  test("holds the parts of a batch too, which fails with its answer", async () => {
    await settings({ batch: { enabled: true } });
    await rules(["*:delete", "", 1]);
    const requests = ["a", "b"].map((id) => ({ method: "DELETE", url: `${USERS}/${id}` }));
    const first = await server.request("POST", "/api/batch", { body: { requests } });
    expect(first.body.data.requests["0"].response.status).toBe(404);
    const second = await server.request("POST", "/api/batch", { body: { requests } });
    expect(second.body.data.requests["0"].response.status).toBe(429);
  });

  test("of a tag goes before one of a path", async () => {
    await rules(["/api/", "", 1], ["users:list", "", 3]);
    expect(await statuses(4, USERS)).toEqual([200, 200, 200, 429]);
    expect(await statuses(2, "/api/health")).toEqual([200, 429]);
  });
});

describe("the client's address", () => {
  const from = (value: string) => ({ headers: { "x-real-ip": value } });
  const seen = async (value: string) => {
    const { body } = await server.request("GET", "/api/health", { token, ...from(value) });
    return body.data.realIP;
  };

  test("is the connection's until a header is trusted", async () => {
    expect(await seen("203.0.113.9")).toBe("127.0.0.1");
    await settings({ trustedProxy: { headers: ["X-Real-IP"] } });
    expect(await seen("203.0.113.9")).toBe("203.0.113.9");
  });

  test.each([
    ["10.0.0.1, 203.0.113.9", "203.0.113.9", "10.0.0.1"],
    ["x, 10.0.0.1, 203.0.113.9, y", "203.0.113.9", "10.0.0.1"],
    ["2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001", undefined],
    ["nobody", "127.0.0.1", undefined],
    ["999.1.1.1", "127.0.0.1", undefined],
  ])("in %p is %p, from the left %p", async (value, last, first) => {
    await settings({ trustedProxy: { headers: ["", "bad name", "X-Real-IP"] } });
    expect(await seen(value)).toBe(last);
    await settings({ trustedProxy: { useLeftmostIP: true } });
    expect(await seen(value)).toBe(first ?? last);
  });

  test("is what rules count by and the log tells", async () => {
    await settings({ trustedProxy: { headers: ["X-Real-IP"] } });
    await rules(["/api/health", "", 1]);
    const path = "/api/health";
    expect(await statuses(2, path, from("203.0.113.1"))).toEqual([200, 429]);
    expect(await statuses(2, path, from("203.0.113.2"))).toEqual([200, 429]);
    const filter = encodeURIComponent("data.userIP = '203.0.113.2'");
    const { body } = await server.request("GET", `/api/logs?filter=${filter}`, { token });
    expect(body.items).toMatchObject([
      { data: { status: 200, remoteIP: "127.0.0.1" } },
      { data: { status: 429 } },
    ]);
  });
});
