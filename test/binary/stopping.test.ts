/** However the server ends, nothing acknowledged is lost and nothing is left running. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import {
  childrenOf,
  freshHome,
  type Home,
  isRunning,
  type RunningServer,
  run,
  startServer,
} from "../fixtures/executable.ts";
import { joinNatively } from "../fixtures/native-peer.ts";
import { call, makeRoom, PASSWORD, signIn, signUp } from "../fixtures/people.ts";
import { until } from "../fixtures/until.ts";

setDefaultTimeout(60_000);

let home: Home;

beforeAll(() => {
  home = freshHome();
});

afterAll(() => home[Symbol.dispose]());

function freshDir(): string {
  return join(home.path, crypto.randomUUID());
}

test("kill -9 between writes loses no account that was acknowledged", async () => {
  const dir = freshDir();
  const root = ["root@example.com", PASSWORD];
  const made = await run(home, ["superuser", "create", ...root, "--dir", dir]);
  expect(made.err + made.out).toContain("root@example.com");
  const acknowledged: string[] = [];
  const killed = await startServer(home, { dir });
  let attempts = 0;
  const writers = Array.from({ length: 6 }, async () => {
    for (;;) {
      attempts += 1;
      const email = `person${attempts}@example.com`;
      const body = { email, password: PASSWORD, passwordConfirm: PASSWORD };
      const path = "/api/collections/users/records";
      const answer = await call(killed.url, ["POST", path], { body }).catch(() => undefined);
      if (!answer) return;
      if (answer.status === 200) acknowledged.push(email);
    }
  });
  await until("some accounts are made", 20_000, () => acknowledged.length >= 30);
  killed.signal("SIGKILL");
  await Promise.all([killed.exited, ...writers]);

  await using again = await startServer(home, { dir });
  const { token } = await signInAsRoot(again);
  const listed = await call(again.url, ["GET", "/api/collections/users/records?perPage=1000"], {
    token,
  });
  const kept = new Set(listed.body.items.map(({ email }: { email: string }) => email));
  expect(acknowledged.filter((email) => !kept.has(email))).toEqual([]);
  expect(attempts).toBeGreaterThan(acknowledged.length);
  expect(await signIn(again.url, acknowledged.at(-1) ?? "")).toHaveProperty("token");
  expect(await again.stop()).toBe(0);
});

async function signInAsRoot({ url }: RunningServer): Promise<{ token: string }> {
  const path = "/api/collections/_superusers/auth-with-password";
  const body = { identity: "root@example.com", password: PASSWORD };
  return (await call(url, ["POST", path], { body })).body;
}

test("SIGTERM ends signalling streams with the event end, and exits 0", async () => {
  const server = await startServer(home, { dir: freshDir() });
  const ada = await signUp(server.url, "Ada");
  const room = await makeRoom(server.url, { token: ada.token });
  using peer = await joinNatively(server.url, room, ada.token);
  const stream = await fetch(`${server.url}${peer.path}/events?token=${peer.participantToken}`);
  expect(stream.headers.get("content-type")).toBe("text/event-stream");
  const text = stream.text();
  server.signal("SIGTERM");
  const events = parseEvents(await text);
  const closing = events.find(({ data }) => data.includes("room_closed"));
  expect(JSON.parse(closing?.data ?? "{}")).toMatchObject({
    type: "room_closed",
    data: { reason: "server_stopping" },
  });
  expect(events.at(-1)).toEqual({ event: "end", data: '{"reason":"server_stopping"}' });
  expect(await server.exited).toBe(0);
});

function parseEvents(text: string): { event: string; data: string }[] {
  return text
    .split("\n\n")
    .filter((block) => /^data:/m.test(block))
    .map((block) => ({
      event: /^event: ?(.*)$/m.exec(block)?.[1] ?? "message",
      data: /^data: ?(.*)$/m.exec(block)?.[1] ?? "",
    }));
}

const ENDINGS: readonly (readonly [NodeJS.Signals, code: number | null])[] = [
  ["SIGTERM", 0],
  ["SIGINT", 0],
  ["SIGKILL", null],
];

test.each(ENDINGS)("after %s no process of it is left", async (signal, code) => {
  const server = await startServer(home, { dir: freshDir() });
  const room = await makeRoom(server.url);
  using _peer = await joinNatively(server.url, room);
  const children = childrenOf(server.pid);
  expect(children.length).toBeGreaterThan(0);
  server.signal(signal);
  const exit = await server.exited;
  if (code !== null) expect(exit).toBe(code);
  await until("the media worker ends", 5_000, () => !children.some(isRunning));
});

test("a data directory is served by one server at a time, and by another after a kill", async () => {
  const dir = freshDir();
  const first = await startServer(home, { dir });
  const second = await run(home, ["serve", "--http", "127.0.0.1:0", "--dir", dir]);
  expect(second.code).toBe(1);
  expect(second.err.trimEnd().split("\n")).toHaveLength(1);
  expect(second.err).toContain(`process ${first.pid}, at ${first.url}`);
  first.signal("SIGKILL");
  await first.exited;
  await using third = await startServer(home, { dir });
  expect(await third.stop()).toBe(0);
});
