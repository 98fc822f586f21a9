/** HTTP around the operations: bodies, headers, errors, pages, the API document. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshApp } from "./app-fixture.ts";

const SIGN_IN = "/api/collections/users/auth-with-password";

describe("bodies", () => {
  const rows: readonly (readonly [
    string,
    RequestInit & { headers?: Record<string, string> },
    number,
  ])[] = [
    ["malformed JSON", { body: "{" }, 400],
    ["an array", { body: "[]" }, 400],
    ["nested too deep", { body: "[".repeat(5_000) }, 400],
    ["another content type", { body: "a=b", headers: { "content-type": "text/csv" } }, 400],
    ["300 KiB on a small route", { body: `{"identity":"${"x".repeat(300_000)}"}` }, 413],
    ["an empty body with a JSON content type", { body: "" }, 400],
  ];
  for (const [what, init, status] of rows) {
    test(`${what}: ${status}`, async () => {
      await using app = await freshApp();
      const headers = { "content-type": "application/json", ...init.headers };
      const request = new Request(`http://localhost${SIGN_IN}`, {
        method: "POST",
        ...init,
        headers,
      });
      const response = await app.raw(request);
      expect(response.status).toBe(status);
      expect(Object.keys((await response.json()) as object)).toContain("message");
    });
  }

  test("one without a length is counted as it comes", async () => {
    await using app = await freshApp();
    const chunk = new Uint8Array(64 * 1024).fill(32);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ > 100) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const request = new Request(`http://localhost${SIGN_IN}`, { method: "POST", body });
    expect((await app.raw(request)).status).toBe(413);
    expect(sent).toBeLessThan(20);
  });
});

describe("every answer", () => {
  test("carries the security headers, CORS and a request id", async () => {
    await using app = await freshApp();
    for (const path of ["/api/health", "/api/nothing", "/nothing"]) {
      const { headers } = await app.request("GET", path, {
        headers: { origin: "https://a.example" },
      });
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("SAMEORIGIN");
      expect(headers.get("access-control-allow-origin")).toBe("*");
    }
    const { headers } = await app.request("GET", "/api/health", {
      headers: { "x-request-id": "mine-1" },
    });
    expect(headers.get("x-request-id")).toBe("mine-1");
  });

  test("OPTIONS is 204 anywhere and echoes the headers asked for", async () => {
    await using app = await freshApp();
    const answer = await app.request("OPTIONS", "/api/rooms", {
      headers: { origin: "https://a.example", "access-control-request-headers": "x-a, x-b" },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-headers")).toBe("x-a, x-b");
    expect((await app.request("OPTIONS", "/anything")).status).toBe(204);
  });

  test("only configured origins are let in", async () => {
    await using app = await freshApp({ origins: "https://*.example.com" });
    const allowed = async (origin: string) =>
      (await app.request("GET", "/api/health", { headers: { origin } })).headers.get(
        "access-control-allow-origin",
      );
    expect(await allowed("https://app.example.com")).toBe("https://app.example.com");
    expect(await allowed("https://evil.com/.example.com")).toBeNull();
    expect(await allowed("https://example.org")).toBeNull();
  });

  test("an unknown path or method is a 404 in the envelope", async () => {
    await using app = await freshApp();
    for (const [method, path] of [
      ["GET", "/api/nothing"],
      ["PUT", "/api/health"],
      ["POST", "/nothing"],
    ] as const) {
      const answer = await app.request(method, path);
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({ status: 404, message: "There is nothing here.", data: {} });
    }
  });

  test("HEAD is GET without the body", async () => {
    await using app = await freshApp();
    const answer = await app.request("HEAD", "/api/health");
    expect(answer.status).toBe(200);
  });
});

describe("pages", () => {
  test("pb_public wins over the embedded page and never leaves its folder", async () => {
    await using app = await freshApp();
    const root = join(app.dir, "public");
    mkdirSync(join(root, "sub"), { recursive: true });
    writeFileSync(join(app.dir, "secret.txt"), "secret");
    writeFileSync(join(root, ".env"), "secret");
    writeFileSync(join(root, "index.html"), "<p>own page</p>");
    writeFileSync(join(root, "sub/index.html"), "<p>sub</p>");
    symlinkSync(join(app.dir, "secret.txt"), join(root, "link.txt"));
    expect((await app.request("GET", "/")).body).toBe("<p>own page</p>");
    expect((await app.request("GET", "/sub/")).body).toBe("<p>sub</p>");
    for (const path of ["/../secret.txt", "/%2e%2e/secret.txt", "/link.txt", "/.env", "/a%00b"]) {
      expect((await app.request("GET", path)).body).toBe("<p>own page</p>");
    }
    expect((await app.request("GET", "/api/nothing")).status).toBe(404);
  });

  test("the API document names every route once", async () => {
    await using app = await freshApp();
    const { body } = await app.request("GET", "/api/openapi");
    expect(body.openapi).toBe("3.1.0");
    const routes = app.app.kernel.registry.operations.flatMap((operation) => operation.rest);
    const methods = Object.values(body.paths as Record<string, object>).flatMap(Object.keys);
    expect(methods).toHaveLength(routes.length);
    const path = body.paths["/api/collections/{collection}/records/{id}"];
    const parameters: { name: string; in: string }[] = path.get.parameters;
    expect(parameters.map((each) => `${each.in} ${each.name}`)).toEqual([
      "path collection",
      "path id",
      "query expand",
      "query fields",
    ]);
    expect(JSON.stringify(body)).not.toContain("://");
  });
});

describe("health", () => {
  test("tells guests nothing, superusers more, operators everything", async () => {
    await using app = await freshApp();
    const token = await app.superuser();
    expect((await app.request("GET", "/api/health")).body).toMatchObject({ code: 200, data: {} });
    const own = await app.request("GET", "/api/health", { token });
    expect(own.body.data).toHaveProperty("realIP");
    expect((await app.request("GET", "/api/health/ready")).body).toEqual({ status: "ready" });
    expect((await app.request("GET", "/api/system/status")).status).toBe(401);
    const status = await app.request("GET", "/api/system/status", { token });
    expect(status.body.features).toContain("records");
  });
});
