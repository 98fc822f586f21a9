/** Hostile requests are refused with the right status, and nobody else notices. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { freshHome, type Home, type RunningServer, startServer } from "../fixtures/executable.ts";
import { joinNatively } from "../fixtures/native-peer.ts";
import { call, makeRoom, type Person, signUp } from "../fixtures/people.ts";

setDefaultTimeout(30_000);

const MIB = 1024 * 1024;

let home: Home;
let server: RunningServer;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  home = freshHome();
  server = await startServer(home);
  [ada, bob] = await Promise.all([signUp(server.url, "Ada"), signUp(server.url, "Bob")]);
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  home[Symbol.dispose]();
});

test("a body of 10 MB on a signalling route is 413, with and without a length", async () => {
  const room = await makeRoom(server.url, { token: ada.token });
  using peer = await joinNatively(server.url, room, ada.token);
  const sdp = "v".repeat(10 * MIB);
  const routes = ["/api/rooms", `/api/rooms/${room}/join`, `${peer.path}/answer`];
  for (const path of routes) {
    const whole = await call(server.url, ["POST", path], { body: { sdp }, token: ada.token });
    expect([path, whole.status, whole.body.code]).toEqual([path, 413, "body_too_large"]);
    const chunked = await fetch(server.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: ada.token },
      body: inPieces(JSON.stringify({ sdp })),
    });
    expect([path, chunked.status]).toEqual([path, 413]);
  }
  peer.say("still here");
  await peer.hears("chat", ({ data }) => data.message === "still here");
});

function inPieces(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.subarray(sent, sent + 64 * 1024));
      sent += 64 * 1024;
    },
  });
}

/** What a browser never answers. `good` is an answer to the very offer. */
const ANSWERS: readonly (readonly [name: string, spoil: (good: string) => string])[] = [
  ["no SDP at all", () => "hello"],
  ["only the first line", (good) => good.split("\r\n")[0] ?? ""],
  ["cut in the middle", (good) => good.slice(0, Math.floor(good.length / 3))],
  ["no fingerprint", (good) => good.replace(/^a=fingerprint:.*\r\n/gm, "")],
  ["a fingerprint that is none", (good) => good.replace(/^(a=fingerprint:\S+ ).*$/gm, "$1ZZ:ZZ")],
  ["no setup", (good) => good.replace(/^a=setup:.*\r\n/gm, "")],
  ["another section's mid", (good) => good.replace(/^a=mid:0/gm, "a=mid:99")],
  ["a section too many", (good) => `${good}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:77\r\n`],
  ["a thousand sections", (good) => good + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(1_000)],
  ["NUL in a fingerprint", (good) => good.replace(/^(a=fingerprint:\S+ )..:/gm, "$1\0\0:")],
];

test("a malformed answer is 400, and the room works on for the others", async () => {
  const room = await makeRoom(server.url, { token: ada.token });
  using others = await joinNatively(server.url, room, ada.token);
  const worker = server.workerPid();
  const joined = await call(server.url, ["POST", `/api/rooms/${room}/join`], {
    body: {},
    token: bob.token,
  });
  const { participant_id: id, participant_token: token, sdp } = joined.body;
  const path = `/api/rooms/${room}/participants/${id}/answer`;
  for (const [name, spoil] of ANSWERS) {
    const body = { type: "answer", sdp: spoil(answerLike(sdp.sdp)) };
    const refused = await call(server.url, ["POST", path], { body, token });
    expect([name, refused.status, refused.body.code]).toEqual([name, 400, "invalid_sdp"]);
    expect(refused.body.message).not.toContain("\n");
  }
  others.say("all well?");
  await others.hears("chat", ({ data }) => data.message === "all well?");
  using late = await joinNatively(server.url, room);
  late.say("I am new");
  await others.hears("chat", ({ data }) => data.message === "I am new");
  expect(server.workerPid()).toBe(worker);
});

/** The offer turned around, as far as the parser can tell. */
function answerLike(offer: string): string {
  return offer
    .replace(/^a=ice-lite\r\n/m, "")
    .replace(/^a=setup:.*$/gm, "a=setup:passive")
    .replace(/^a=candidate:.*\r\n/gm, "")
    .replace(/^a=(recvonly|sendonly)$/gm, (_, direction) =>
      direction === "recvonly" ? "a=inactive" : "a=recvonly",
    );
}

test("a spoilt answer is refused for the spoiling: unspoilt it is taken", async () => {
  const room = await makeRoom(server.url, { token: bob.token });
  const joined = await call(server.url, ["POST", `/api/rooms/${room}/join`], {
    body: {},
    token: bob.token,
  });
  const { participant_id: id, participant_token: token, sdp } = joined.body;
  const path = `/api/rooms/${room}/participants/${id}/answer`;
  const body = { type: "answer", sdp: answerLike(sdp.sdp) };
  expect((await call(server.url, ["POST", path], { body, token })).body).toMatchObject({
    success: true,
  });
});

const ROUTES: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/api/rooms"],
  ["POST", "/api/rooms"],
  ["GET", "/api/rooms/ROOM"],
  ["DELETE", "/api/rooms/ROOM"],
  ["POST", "/api/rooms/ROOM/join"],
  ["POST", "/api/rooms/ROOM/leave"],
  ["GET", "/api/rooms/ROOM/participants"],
  ["GET", "/api/rooms/ROOM/participants/ID/events"],
  ["POST", "/api/rooms/ROOM/participants/ID/answer"],
  ["DELETE", "/api/rooms/ROOM/participants/ID"],
  ["GET", "/api/rtc/check"],
  ["GET", "/api/system/status"],
];

test("a wrong token is 401 on every route of our own", async () => {
  const room = await makeRoom(server.url, { token: ada.token });
  using peer = await joinNatively(server.url, room, ada.token);
  const forged = `${ada.token.slice(0, -4)}AAAA`;
  const halves = `${peer.participantToken.slice(0, -3)}AAA`;
  for (const [method, pattern] of ROUTES) {
    const path = pattern.replace("ROOM", room).replace("ID", peer.participantId);
    for (const token of ["nonsense", "a.b.c", forged, halves]) {
      const body = method === "POST" ? {} : undefined;
      const refused = await call(server.url, [method, path], { body, token });
      expect([method, path, token, refused.status, refused.body.code]).toEqual([
        method,
        path,
        token,
        401,
        "invalid_token",
      ]);
    }
  }
  peer.say("untouched");
  await peer.hears("chat", ({ data }) => data.message === "untouched");
});
