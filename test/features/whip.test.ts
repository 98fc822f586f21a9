/** WHIP and WHEP over HTTP, with a media engine without media. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { settle } from "../../src/base/clock.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";
import { clientOffer, SIMULCAST } from "./client-offers.ts";

let app: AppFixture;
let token: string;
let other: string;
beforeAll(async () => {
  app = await freshApp();
  token = (await app.signUp("Olga")).token;
  other = (await app.signUp("Peter")).token;
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
});

const SDP = { "content-type": "application/sdp" };
const FRAGMENT = { "content-type": "application/trickle-ice-sdpfrag" };
const sending = clientOffer({ direction: "sendonly", video: SIMULCAST });
const playing = clientOffer({ direction: "recvonly" });

async function room(input: Record<string, unknown> = {}): Promise<string> {
  const body = { room_type: "video", ...input };
  return (await app.request("POST", "/api/rooms", { body, token })).body.room_id;
}

interface Wishes {
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly as?: string | undefined;
}

/** With the token as clients of these protocols send it. */
async function send(method: string, path: string, { body, headers = {}, as }: Wishes = {}) {
  const authorization = as === undefined ? {} : { authorization: `Bearer ${as}` };
  const response = await app.raw(
    new Request(`http://localhost${path}`, {
      method,
      headers: { ...headers, ...authorization },
      ...(body === undefined ? {} : { body }),
    }),
  );
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const publish = (id: string, as: string | undefined = token) =>
  send("POST", `/api/whip/${id}`, { body: sending, headers: SDP, as });

async function participants(id: string) {
  const { body } = await app.request("GET", `/api/rooms/${id}/participants`, { token });
  return body.items as { participant_id: string; sources: string[] }[];
}

describe("publishing", () => {
  test("answers 201 with an answer, a resource, an entity tag; the participant is there", async () => {
    const id = await room();
    const { status, headers, text } = await publish(id);
    expect(status).toBe(201);
    expect(headers.get("content-type")).toBe("application/sdp");
    expect(headers.get("etag")).toMatch(/^"\w+"$/);
    expect(text).toContain("a=setup:passive");
    const [present] = await participants(id);
    expect(headers.get("location")).toBe(`/api/whip/${id}/${present?.participant_id}`);
    expect(present?.sources.toSorted()).toEqual(["audio", "video"]);
    expect(headers.get("access-control-expose-headers")).toContain("Location");
  });

  test("shows others what is sent", async () => {
    const id = await room();
    const viewer = await send("POST", `/api/whep/${id}`, {
      body: playing,
      headers: SDP,
      as: other,
    });
    expect(viewer.status).toBe(201);
    await publish(id);
    await settle();
    const peerId = viewer.headers.get("location")?.split("/").at(-1) ?? "";
    expect(Object.keys(app.engine.peer(peerId).shown()).sort()).toEqual(["0", "1"]);
    expect(app.engine.peer(peerId).options).toEqual({
      channel: false,
      payloadTypes: { opus: 111, vp8: 96, h264: 109 },
    });
  });

  test("ends with DELETE, and with the worker", async () => {
    const id = await room();
    const path = (await publish(id)).headers.get("location") ?? "";
    expect((await send("DELETE", path)).status).toBe(401);
    expect((await send("DELETE", path, { as: other })).status).toBe(403);
    expect((await send("DELETE", path, { as: token })).status).toBe(200);
    expect(await participants(id)).toEqual([]);
    expect((await send("DELETE", path, { as: token })).status).toBe(404);
    await publish(id);
    app.engine.killWorker();
    await settle();
    // Nobody can offer anew to a client that offers itself.
    expect(await participants(id)).toEqual([]);
  });
});

describe("ICE", () => {
  const fragment =
    "a=ice-ufrag:wxyz\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n";

  test("candidates of a client are taken, for the session it is in", async () => {
    const { headers } = await publish(await room());
    const path = headers.get("location") ?? "";
    const patch = (match: Record<string, string>, body = "a=mid:0\r\n") =>
      send("PATCH", path, { body, headers: { ...FRAGMENT, ...match }, as: token });
    expect((await patch({ "if-match": headers.get("etag") ?? "" })).status).toBe(204);
    expect((await patch({})).status).toBe(428);
    expect((await patch({ "if-match": '"another"' })).status).toBe(412);
    expect((await patch({ "if-match": "*" }, "hello")).status).toBe(400);
    expect((await patch({ "if-match": "*" })).status).toBe(400);
  });

  test("a restart answers with new credentials and another entity tag", async () => {
    const { headers, text } = await publish(await room());
    const path = headers.get("location") ?? "";
    const match = { ...FRAGMENT, "if-match": "*" };
    const restarted = await send("PATCH", path, { body: fragment, headers: match, as: token });
    expect(restarted.status).toBe(200);
    expect(restarted.headers.get("content-type")).toBe("application/trickle-ice-sdpfrag");
    expect(restarted.headers.get("etag")).not.toBe(headers.get("etag"));
    const ufrag = /^a=ice-ufrag:(.*)$/m;
    expect(ufrag.exec(restarted.text)?.[1]).not.toBe(ufrag.exec(text)?.[1]);
    expect(restarted.text).toContain("a=candidate:");
    const old = { ...FRAGMENT, "if-match": headers.get("etag") ?? "" };
    expect((await send("PATCH", path, { body: fragment, headers: old, as: token })).status).toBe(
      412,
    );
  });
});

const refused: [what: string, method: string, wishes: Wishes, status: number][] = [
  ["without a token", "POST", { body: sending, headers: SDP }, 401],
  ["of another type", "POST", { body: sending, headers: { "content-type": "text/plain" } }, 415],
  ["that is no offer", "POST", { body: "hello", headers: SDP, as: "token" }, 400],
  ["that is empty", "POST", { body: "", headers: SDP, as: "token" }, 400],
  ["too large", "POST", { body: "x".repeat(300_000), headers: SDP, as: "token" }, 413],
  ["to be read", "GET", {}, 405],
  ["to be put", "PUT", { body: sending, headers: SDP }, 405],
];
test.each(refused)("an offer %s is refused", async (_what, method, wishes, status) => {
  const path = `/api/whip/${await room()}`;
  const as = wishes.as === undefined ? undefined : token;
  expect((await send(method, path, { ...wishes, as })).status).toBe(status);
});

test("rooms that one may not enter, and rooms that carry no sound, are refused", async () => {
  const closed = await room({ join_type: "require_approval" });
  expect((await publish(closed, other)).status).toBe(403);
  expect((await publish("nothing")).status).toBe(404);
  expect((await publish(await room({ room_type: "data" }))).status).toBe(403);
  const heard = await publish(await room({ room_type: "audio" }));
  expect(heard.text).toMatch(/^m=video 0 /m);
});
