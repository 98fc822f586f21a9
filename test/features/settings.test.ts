/** The platform's settings: stored, encrypted, merged, checked. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import { DEFAULT_SETTINGS } from "../../src/features/records/service/settings/shape.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";
import { onTerminal } from "./cli-fixture.ts";

const KEY = "0123456789abcdef0123456789abcdef";
/** What PocketBase 0.36.8 stored under KEY, its application called "Theirs". */
const THEIRS = join(import.meta.dir, "vectors/sealed-settings.txt");
const SETTINGS = "/api/settings";

let server: AppFixture;
let token: string;

beforeAll(async () => {
  server = await freshApp({ features: "none" });
  token = await server.superuser();
});

afterAll(() => server[Symbol.asyncDispose]());

const patch = (body: unknown) => server.request("PATCH", SETTINGS, { body, token });

function storedValue(dir: string): unknown {
  const db = new Database(join(dir, "data.db"), { readonly: true });
  const row = db.query("SELECT value FROM _params WHERE id = 'settings'").get();
  db.close();
  return row === null ? undefined : (row as { value: unknown }).value;
}

function overwrite(dir: string, value: string | Uint8Array): void {
  const db = new Database(join(dir, "data.db"));
  db.run("UPDATE _params SET value = ? WHERE id = 'settings'", [value]);
  db.close();
}

async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "parvis-settings-"));
  try {
    await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One life of a server on the folder. */
async function live<T>(
  dir: string,
  key: string | undefined,
  work: (app: AppFixture) => Promise<T>,
): Promise<T> {
  const env: Record<string, string> = key ? { PB_ENCRYPTION_KEY: key } : {};
  const app = await freshApp({ features: "none" }, env, { dir });
  const result = await work(app);
  await app.app.stop();
  return result;
}

const appName = async (app: AppFixture) =>
  ((await app.app.call("settings.show", {})) as { meta: { appName: string } }).meta.appName;
const rename = (app: AppFixture, to: string) =>
  app.app.call("settings.update", { body: { meta: { appName: to } } });

describe("what is stored", () => {
  test("is plain JSON without a key, secrets only where they are set", async () => {
    await patch({ s3: { secret: "hush" } });
    const stored = JSON.parse(Buffer.from(storedValue(server.dir) as Uint8Array).toString());
    expect(stored.s3.secret).toBe("hush");
    expect(stored.smtp).not.toHaveProperty("password");
  });

  test("survives a restart, plain and encrypted, and changes from one to the other", async () => {
    await inFolder(async (dir) => {
      await live(dir, undefined, (app) => rename(app, "Plain"));
      expect(await live(dir, KEY, appName)).toBe("Plain");
      await live(dir, KEY, (app) => rename(app, "Sealed"));
      const value = storedValue(dir);
      expect(value).toBeString();
      expect(value).not.toContain("Sealed");
      expect(await live(dir, KEY, appName)).toBe("Sealed");
    });
  });

  test.each([
    ["without its key", undefined],
    ["under another key", "f".repeat(32)],
  ])("that is encrypted does not start %s", async (_, key) => {
    await inFolder(async (dir) => {
      await live(dir, KEY, (app) => rename(app, "Sealed"));
      const started = live(dir, key, appName);
      expect(started).rejects.toMatchObject({ code: "settings_unreadable" });
      await started.catch(() => undefined);
    });
  });

  test("is read where PocketBase encrypted it", async () => {
    await inFolder(async (dir) => {
      await live(dir, KEY, (app) => rename(app, "Ours"));
      overwrite(dir, (await Bun.file(THEIRS).text()).trim());
      expect(await live(dir, KEY, appName)).toBe("Theirs");
    });
  });

  test.each([
    [["--encryptionEnv", "MY_KEY"], { MY_KEY: KEY }, true],
    [["--encryptionEnv", "MY_KEY"], { PB_ENCRYPTION_KEY: KEY }, false],
    [[], { PB_ENCRYPTION_KEY: KEY }, true],
  ])("has its key from the variable that %p names among %p: %p", async (flags, env, found) => {
    await inFolder(async (dir) => {
      const { stdout } = await onTerminal(["config", "print", ...flags], { cwd: dir, env });
      expect(/^ +encryption_key: \[hidden\]/m.test(stdout)).toBe(found);
    });
  });

  test("keeps keys of later versions", async () => {
    await inFolder(async (dir) => {
      await live(dir, undefined, (app) => rename(app, "Old"));
      const later = { ...DEFAULT_SETTINGS, superuserIPs: ["10.0.0.1"], meta: { accent: "red" } };
      overwrite(dir, Buffer.from(JSON.stringify(later)));
      await live(dir, undefined, (app) => rename(app, "New"));
      const stored = JSON.parse(Buffer.from(storedValue(dir) as Uint8Array).toString());
      expect(stored.superuserIPs).toEqual(["10.0.0.1"]);
      expect(stored.meta).toMatchObject({ accent: "red", appName: "New" });
    });
  });
});

describe("changes", () => {
  test("count at once for whoever listens, and not when they are undone", async () => {
    const { Records } = await import("../../src/features/records/index.ts");
    const { settings } = server.app.kernel.registry.service(Records);
    const seen: string[] = [];
    const end = settings.onChange((now) => void seen.push(now.meta.appName));
    await patch({ meta: { appName: "Heard" } });
    const context = server.app.context();
    const undone = context.transaction(async () => {
      await settings.save(context, {
        ...settings.current,
        meta: { ...settings.current.meta, appName: "Undone" },
      });
      throw new Error("undo");
    });
    await undone.catch(() => undefined);
    end();
    await patch({ meta: { appName: "After" } });
    expect(seen).toEqual(["Heard"]);
    expect(settings.current.meta.appName).toBe("After");
  });

  test("leave secrets out of answers and keep those that are sent empty", async () => {
    const { body } = await patch({ smtp: { password: "hush", username: "me" } });
    expect(body.smtp).toMatchObject({ username: "me" });
    expect(JSON.stringify(body)).not.toContain("hush");
    await patch({ smtp: { password: "", username: "you" } });
    const stored = JSON.parse(Buffer.from(storedValue(server.dir) as Uint8Array).toString());
    expect(stored.smtp).toMatchObject({ password: "hush", username: "you" });
  });

  test("that are wrong change nothing and name every fault", async () => {
    const before = storedValue(server.dir);
    const { status, body } = await patch({
      meta: { appName: "" },
      batch: { enabled: true, maxRequests: 0 },
      backups: { cron: "never" },
    });
    expect(status).toBe(400);
    expect(body.data).toMatchObject({
      meta: { appName: { code: "validation_required" } },
      batch: { maxRequests: { code: "validation_required" } },
      backups: { cron: { code: "validation_invalid_cron" } },
    });
    expect(storedValue(server.dir)).toEqual(before);
  });

  test("rename a collection's rate limit rules with it", async () => {
    const rule = { label: "posts:list", audience: "", duration: 60, maxRequests: 5 };
    await patch({ rateLimits: { rules: [rule] } });
    const fields = [{ name: "title", type: "text" }];
    const made = { name: "posts", type: "base", fields };
    await server.request("POST", "/api/collections", { body: made, token });
    await server.request("PATCH", "/api/collections/posts", { body: { name: "notes" }, token });
    const { body } = await server.request("GET", SETTINGS, { token });
    expect(body.rateLimits.rules).toEqual([{ ...rule, label: "notes:list" }]);
  });
});

test("a client secret for Apple is signed with the key that was sent", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const body = {
    clientId: "com.example.app",
    teamId: "TEAM567890",
    keyId: "KEY4567890",
    privateKey: await exportPKCS8(privateKey),
    duration: 60,
  };
  const path = `${SETTINGS}/apple/generate-client-secret`;
  const answer = await server.request("POST", path, { body, token });
  const currentDate = new Date(server.clock.now());
  const { payload, protectedHeader } = await jwtVerify(answer.body.secret, publicKey, {
    currentDate,
  });
  expect(protectedHeader).toMatchObject({ alg: "ES256", kid: body.keyId });
  expect(payload).toMatchObject({
    iss: body.teamId,
    sub: body.clientId,
    aud: "https://appleid.apple.com",
    exp: Math.floor(server.clock.now() / 1000) + 60,
  });
});

test.each(["verification", "password-reset", "email-change", "otp", "login-alert"])(
  "a test mail of %s goes to the outbox",
  async (template) => {
    const { readdirSync } = await import("node:fs");
    const outbox = join(server.dir, "outbox");
    const count = () => {
      try {
        return readdirSync(outbox).length;
      } catch {
        return 0;
      }
    };
    const before = count();
    const body = { email: "me@example.com", template, collection: "users" };
    const { status } = await server.request("POST", `${SETTINGS}/test/email`, { body, token });
    expect([status, count()]).toEqual([204, before + 1]);
  },
);
