/** A whole server in this process, on a fresh data directory, a clock moved by hand, no sockets. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { type App, createApp } from "../../src/app.ts";
import { FakeClock } from "../../src/base/clock.ts";
import { realIds } from "../../src/base/ids.ts";
import { silentLog } from "../../src/base/log.ts";
import { openAssets } from "../../src/infra/assets/assets.ts";
import { createFakeEngine } from "../../src/infra/media/fake.ts";
import { createHttp } from "../../src/server.ts";

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  readonly body: any;
  readonly headers: Headers;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
}

export interface AppFixture extends AsyncDisposable {
  readonly app: App;
  readonly clock: FakeClock;
  readonly engine: ReturnType<typeof createFakeEngine>;
  readonly dir: string;
  request(method: string, path: string, options?: CallOptions): Promise<Answer>;
  raw(request: Request): Promise<Response>;
  /** Makes a user and signs it in. */
  signUp(name: string): Promise<{ readonly id: string; readonly token: string }>;
  superuser(): Promise<string>;
}

export const PASSWORD = "correct horse";

/** On an empty data directory, and a clock of its own, where none is given. */
export async function freshApp(
  flags: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
  given: { readonly dir?: string; readonly clock?: FakeClock; readonly restart?: () => void } = {},
): Promise<AppFixture> {
  const dir = given.dir ?? mkdtempSync(join(tmpdir(), "parvis-app-"));
  const clock = given.clock ?? new FakeClock();
  const engine = createFakeEngine();
  const { config } = loadConfig({
    flags: { dir, publicDir: join(dir, "public"), ...flags },
    env,
    file: undefined,
    readFile: () => undefined,
  });
  const log = silentLog();
  const ids = realIds(clock);
  const { restart } = given;
  const app = await createApp(config, {
    version: "0.0.0",
    clock,
    ids,
    log,
    media: engine,
    ...(restart ? { restart } : {}),
  });
  const http = createHttp(app, { assets: openAssets(join(dir, "assets")), log });
  const request = async (method: string, path: string, options: CallOptions = {}) => {
    const text = typeof options.body === "string" ? options.body : JSON.stringify(options.body);
    const response = await http.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          ...(options.body === undefined ? {} : { "content-type": "application/json" }),
          ...(options.token ? { authorization: options.token } : {}),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { body: text }),
      }),
    );
    const answer = await response.text();
    const json = response.headers.get("content-type")?.startsWith("application/json");
    return {
      status: response.status,
      body: json && answer !== "" ? JSON.parse(answer) : answer,
      headers: response.headers,
    };
  };
  return {
    app,
    clock,
    engine,
    dir,
    request,
    raw: (given) => http.handle(given),
    async signUp(name) {
      const email = `${name.toLowerCase()}@example.com`;
      const body = { email, name, password: PASSWORD, passwordConfirm: PASSWORD };
      const made = await request("POST", "/api/collections/users/records", { body });
      const signedIn = await request("POST", "/api/collections/users/auth-with-password", {
        body: { identity: email, password: PASSWORD },
      });
      return { id: made.body.id, token: signedIn.body.token };
    },
    async superuser() {
      const body = { email: "root@example.com", password: PASSWORD, passwordConfirm: PASSWORD };
      await app.call("records.create", { collection: "_superusers", body });
      const signedIn = await request("POST", "/api/collections/_superusers/auth-with-password", {
        body: { identity: "root@example.com", password: PASSWORD },
      });
      return signedIn.body.token;
    },
    async [Symbol.asyncDispose]() {
      await app.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
