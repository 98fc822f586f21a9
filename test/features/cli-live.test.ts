/** Commands that need a running server: who is in a room, out with them, do the ports answer. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AppFixture, freshApp } from "./app-fixture.ts";
import { onTerminal } from "./cli-fixture.ts";

let fixture: AppFixture;
let server: Bun.Server<undefined>;
let reach: readonly string[];
let roomId: string;
let ann: { readonly id: string; readonly token: string };

beforeAll(async () => {
  fixture = await freshApp();
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => fixture.raw(request) });
  const token = await fixture.superuser();
  reach = ["--url", `http://127.0.0.1:${server.port}`, "--token", token, "--json"];
  ann = await fixture.signUp("ann");
  const made = await live(["create", "Lobby"]);
  roomId = made.room_id;
});

afterAll(async () => {
  await server.stop(true);
  await fixture[Symbol.asyncDispose]();
});

async function live(argv: readonly string[], code = 0) {
  const outcome = await onTerminal(["rooms", ...argv, ...reach], { cwd: fixture.dir });
  expect({ stderr: outcome.stderr, code: outcome.code }).toEqual({ stderr: "", code });
  return JSON.parse(outcome.stdout);
}

async function join(token?: string): Promise<string> {
  const answer = await fixture.request("POST", `/api/rooms/${roomId}/join`, { token, body: {} });
  expect(answer.status).toBe(200);
  return answer.body.participant_id;
}

async function inside(): Promise<string[]> {
  const page = await live(["participants", roomId]);
  return page.items.map((one: { participant_id: string }) => one.participant_id);
}

test("members lists who belongs, ban shuts one out, stats counts who is left", async () => {
  const bob = await fixture.signUp("bob");
  const [first, stays] = [await join(bob.token), await join()];
  const listed = await live(["members", roomId]);
  expect(listed.items).toMatchObject([{ user_id: bob.id, role: "participant", name: "bob" }]);
  expect(await inside()).toEqual([first, stays]);
  expect(await live(["stats", roomId])).toMatchObject({ participants: 2, guests: 1 });
  const banned = await live(["ban", roomId, "bob@example.com"]);
  expect(banned).toMatchObject({ member_id: listed.items[0].member_id, status: "banned" });
  expect(await inside()).toEqual([stays]);
  const shut = await live(["members", roomId, "--status", "banned"]);
  expect(shut.items).toMatchObject([{ user_id: bob.id, status: "banned" }]);
  expect((await live(["members", roomId])).items).toEqual([]);
  await live(["kick", roomId, stays]);
  const outcome = await onTerminal(["rooms", "ban", roomId, ann.id, ...reach], {
    cwd: fixture.dir,
  });
  expect(outcome.code).not.toBe(0);
  expect(outcome.stderr).toContain(`${ann.id} does not belong to the room ${roomId}.`);
});

test("kick removes all devices of a user, or one participant, and nobody else", async () => {
  const [first, second, guest, other] = [
    await join(ann.token),
    await join(ann.token),
    await join(),
    await join(),
  ];
  expect(await inside()).toEqual([first, second, guest, other]);
  expect(await live(["kick", roomId, ann.id])).toEqual({ kicked: [first, second] });
  expect(await inside()).toEqual([guest, other]);
  expect(await live(["kick", roomId, guest])).toEqual({ kicked: [guest] });
  expect(await inside()).toEqual([other]);
  const back = await join(ann.token);
  expect(await live(["kick", roomId, "ann@example.com"])).toEqual({ kicked: [back] });
});

const faults: readonly [string, () => readonly string[], string][] = [
  ["somebody who is not there", () => ["kick", roomId, ann.id], "is not in the room"],
  ["an unknown address", () => ["kick", roomId, "no@example.com"], "There is no user no@"],
  ["a room that is not there", () => ["kick", "nowhere", ann.id], "There is no room nowhere."],
  ["participants of no room", () => ["participants", "nowhere"], "There is no room nowhere."],
];
for (const [name, argv, message] of faults) {
  test(`${name}: exit 1 and one line`, async () => {
    const outcome = await onTerminal(["rooms", ...argv(), ...reach], { cwd: fixture.dir });
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(outcome.stderr).toContain(message);
  });
}

test("check fails when a media port does not answer", async () => {
  const state = await live(["check"]);
  expect(state).toMatchObject({ enabled: true, candidates: [{ ok: true }] });
  const engine = fixture.engine;
  const answering = engine.check.bind(engine);
  const silent = {
    address: "192.0.2.1",
    port: 20_000,
    protocol: "udp",
    ok: false,
    reason: "silent",
  };
  engine.check = async () => [...(await answering()), { ...silent, protocol: "udp" }];
  expect((await live(["check"], 1)).candidates.at(-1)).toMatchObject({ reason: "silent" });
  engine.check = answering;
});
