/** The executable has everything in it and trusts nothing around it. */

import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { freshHome, type Home, run, startServer } from "../fixtures/executable.ts";
import { call, makeRoom, signUp } from "../fixtures/people.ts";

const homes: Home[] = [];

afterAll(() => {
  for (const home of homes) home[Symbol.dispose]();
});

function newHome(): Home {
  const home = freshHome();
  homes.push(home);
  return home;
}

const PAGES: readonly (readonly [path: string, type: string, contains: string])[] = [
  ["/", "text/html", 'data-testid="sign-up"'],
  ["/_/app.js", "text/javascript", "RTCPeerConnection"],
  ["/client.js", "text/javascript", "WebRTCClient"],
  ["/_/", "text/html", "<form"],
  ["/api/docs", "text/html", "swagger"],
  ["/api/openapi", "application/json", '"openapi":"3.'],
  ["/api/health", "application/json", "The server is running."],
  ["/api/health/ready", "application/json", '"ready"'],
];

test("alone in an empty folder it serves its pages, its API and rooms", async () => {
  const home = newHome();
  await using server = await startServer(home);
  for (const [path, type, contains] of PAGES) {
    const response = await fetch(server.url + path);
    const text = await response.text();
    const got = { path, status: response.status, type: response.headers.get("content-type") };
    expect(got).toEqual({ path, status: 200, type: expect.stringContaining(type) });
    expect([path, text.includes(contains)]).toEqual([path, true]);
  }
  const ada = await signUp(server.url, "Ada");
  const room = await makeRoom(server.url, { token: ada.token });
  const joined = await call(server.url, ["POST", `/api/rooms/${room}/join`], {
    body: {},
    token: ada.token,
  });
  expect(joined.status).toBe(200);
  expect(joined.body.sdp.sdp).toContain(` ${server.rtcPort} typ host`);
  expect(await server.stop()).toBe(0);
  expect(readdirSync(home.path).sort()).toEqual(["pb_data", "server"]);
  expect(readdirSync(join(home.path, "pb_data"))).not.toContain(".server.json");
});

test("the API document and its page name no other host", async () => {
  await using server = await startServer(newHome());
  const page = await (await fetch(`${server.url}/api/docs`)).text();
  const links = [...page.matchAll(/\b(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(links.length).toBeGreaterThan(1);
  for (const link of links) {
    expect(link).not.toMatch(/^(?:[a-z]+:)?\/\//i);
    const file = await fetch(new URL(link, `${server.url}/api/docs`));
    expect([link, file.status]).toEqual([link, 200]);
  }
  const { paths, servers = [] } = (await call(server.url, ["GET", "/api/openapi"])).body;
  expect(Object.keys(paths)).toContain("/api/rooms/{room_id}/join");
  expect(JSON.stringify(servers)).not.toContain("http");
});

test("people are told where the server is; its log is not among it", async () => {
  const home = newHome();
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const child = Bun.spawn([home.server, "serve", "--http", ":0", "--rtc-port", String(port)], {
    cwd: "/",
    env: {},
    stdout: "pipe",
    stderr: "pipe",
  });
  const log = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let banner = "";
  while (!/server superuser create .*\n/.test(banner)) {
    const { value, done } = await reader.read();
    if (done) break;
    banner += decoder.decode(value, { stream: true });
  }
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  expect(banner).toMatch(/^Parvis \d+\.\d+\.\d+\n/);
  expect(banner).toMatch(/server +http:\/\/127\.0\.0\.1:\d+\n/);
  expect(banner).toContain(join(home.path, "pb_data"));
  expect(banner).not.toContain('"level"');
  const last = (await log).trim().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ level: "info", message: "stopped" });
});

const PLACES: readonly (readonly [name: string, asNobody: boolean])[] = [
  ["with an empty environment", false],
  ["with an empty environment as the user nobody", true],
];

test.each(PLACES)("it runs %s", async (_, asNobody) => {
  const home = newHome();
  chmodSync(home.path, 0o777);
  await using server = await startServer(home, { env: {}, asNobody });
  expect((await call(server.url, ["GET", "/api/health/ready"])).status).toBe(200);
  const { uid, mode } = statSync(server.dir);
  const own = asNobody && process.getuid?.() === 0 ? 65_534 : process.getuid?.();
  expect(uid).toBe(own ?? uid);
  expect(mode & 0o022).toBe(0);
  expect(await server.stop()).toBe(0);
});

test("a .env and a bunfig.toml in the working directory are nothing to it", async () => {
  const home = newHome();
  const cwd = join(home.path, "elsewhere");
  mkdirSync(cwd);
  const mark = join(cwd, "executed");
  writeFileSync(join(cwd, "preload.ts"), `await Bun.write(${JSON.stringify(mark)}, "yes");\n`);
  writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(cwd, ".env"), "LOG_LEVEL=nonsense\nPORT=1\n");
  await using server = await startServer(home, { cwd });
  expect((await call(server.url, ["GET", "/api/health"])).status).toBe(200);
  expect((await run(home, ["config", "check"], { cwd })).code).toBe(0);
  expect(existsSync(mark)).toBe(false);
});

test("the worker is unpacked once, and again when somebody changed it", async () => {
  const home = newHome();
  const workers = () => {
    const folder = join(home.path, "pb_data/.runtime");
    const names = readdirSync(folder).filter((name) => name.startsWith("mediasoup-worker"));
    return names.map((name) => {
      const { mtimeMs, ino } = statSync(join(folder, name));
      return { name, path: join(folder, name), mtimeMs, ino };
    });
  };
  const first = await startServer(home);
  const unpacked = workers();
  expect(unpacked).toHaveLength(1);
  expect(await first.stop()).toBe(0);
  const second = await startServer(home);
  expect(workers()).toEqual(unpacked);
  expect(await second.stop()).toBe(0);
  writeFileSync(unpacked[0]?.path ?? "", "#!/bin/sh\nexit 0\n");
  const third = await startServer(home);
  expect(third.workerPid()).toBeGreaterThan(0);
  expect(workers()).toHaveLength(1);
  expect(statSync(unpacked[0]?.path ?? "").size).toBeGreaterThan(1_000_000);
  expect(await third.stop()).toBe(0);
});

test("passwords are hashed by the addon it carries, in the data directory", async () => {
  const home = newHome();
  await using server = await startServer(home);
  await signUp(server.url, "Ada");
  const loaded = readFileSync(`/proc/${server.pid}/maps`, "utf8");
  expect(loaded).toContain(join(home.path, "pb_data/.runtime/bcrypt.node-"));
});
