/** `GET /metrics`: who may read it, and what the server does to its figures. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { PeerTraffic } from "../../src/features/rooms/runtime/room-metrics.ts";
import type { MediaPeer, PeerStats } from "../../src/infra/media/engine.ts";
import { type Family, readExposition, sampleOf } from "../fixtures/exposition.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";
import { Listener, Stage } from "./realtime-fixture.ts";
import { GUEST, type RoomsFixture, roomsFixture } from "./rooms-fixture.ts";

const SCRAPE = "scrape.this.please-0123456789";
const REQUESTS = "parvis_http_requests_total";
const TOOK = "parvis_http_request_duration_seconds";

const withToken = () => freshApp({}, { METRICS_TOKEN: SCRAPE });

async function scrape(app: AppFixture): Promise<ReadonlyMap<string, Family>> {
  const answer = await app.request("GET", "/metrics", { token: `Bearer ${SCRAPE}` });
  expect(answer.status).toBe(200);
  return readExposition(answer.body);
}

describe("who may read", () => {
  let app: AppFixture;
  let bare: AppFixture;
  const tokens: Record<string, string | undefined> = { nobody: undefined };
  beforeAll(async () => {
    app = await withToken();
    bare = await freshApp();
    tokens.user = (await app.signUp("Ann")).token;
    tokens.superuser = await app.superuser();
    tokens.scraper = SCRAPE;
    tokens["scraper with Bearer"] = `Bearer ${SCRAPE}`;
    tokens["almost the scraper"] = `${SCRAPE.slice(0, -1)}x`;
    tokens["the beginning of it"] = SCRAPE.slice(0, -1);
    tokens["one of its length in other bytes"] = `${SCRAPE.slice(0, -1)}é`;
    tokens["a token of no form"] = "what";
  });
  afterAll(async () => {
    for (const each of [app, bare]) await each[Symbol.asyncDispose]();
  });

  const rows: readonly (readonly [who: string, status: number, code?: string])[] = [
    ["nobody", 401, "unauthenticated"],
    ["user", 403, "forbidden"],
    ["superuser", 200],
    ["scraper", 200],
    ["scraper with Bearer", 200],
    ["almost the scraper", 401, "invalid_token"],
    ["the beginning of it", 401, "invalid_token"],
    ["one of its length in other bytes", 401, "invalid_token"],
    ["a token of no form", 401, "invalid_token"],
  ];
  for (const [who, status, code] of rows) {
    test(`${who}: ${status}`, async () => {
      const answer = await app.request("GET", "/metrics", { token: tokens[who] });
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      if (status !== 200) return;
      expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(readExposition(answer.body).size).toBeGreaterThan(20);
    });
  }

  test("the token opens nothing else: its bearer is a guest everywhere", async () => {
    const paths = ["/api/system/status", "/api/collections", "/api/settings", "/api/rtc/stats"];
    for (const path of paths) {
      const as = async (token?: string) => (await app.request("GET", path, { token })).status;
      expect([path, await as(SCRAPE)]).toEqual([path, await as()]);
      expect(await as(tokens.superuser)).toBe(200);
    }
  });

  test("without a configured token there is none, not even an empty one", async () => {
    for (const token of [SCRAPE, "Bearer ", "undefined"]) {
      expect((await bare.request("GET", "/metrics", { token })).status).toBe(401);
    }
  });

  test("a token that could be guessed is refused at the start, and not shown", async () => {
    const short = "fifteen-letters";
    const start = freshApp({}, { METRICS_TOKEN: short });
    await expect(start).rejects.toThrow("16 to 512 characters");
    await expect(start).rejects.not.toThrow(short);
  });

  test("the API document names it, and that it needs a token", async () => {
    const { body } = await app.request("GET", "/api/openapi");
    const { get } = body.paths["/metrics"];
    expect(Object.keys(get.responses["200"].content)).toEqual(["text/plain"]);
    expect(get.security).toEqual([{ token: [] }]);
  });
});

describe("requests", () => {
  test("count by the pattern of their route and by status, whatever the path was", async () => {
    await using app = await withToken();
    const list = "/api/collections/users/records";
    const calls: readonly (readonly [method: string, path: string, body?: object])[] = [
      ["GET", list],
      ["GET", `${list}?page=2`],
      ["GET", `${list}/nobody`],
      ["GET", `${list}/somebody`],
      ["POST", list, {}],
      ["GET", "/api/collections/nothing/records"],
      ["GET", "/api/system/status"],
      ["HEAD", "/api/health"],
      ["GET", "/api/nothing/here"],
      ["GET", "/nothing/there"],
      ["OPTIONS", "/api/health"],
      ["PROPFIND", "/api/health"],
    ];
    for (const [method, path, body] of calls) await app.request(method, path, { body });
    const samples = (await scrape(app)).get(REQUESTS)?.samples ?? [];
    const counted = samples.map(({ labels: { method, route, status }, value }) =>
      [method, route, status, value].join(" "),
    );
    expect(counted.sort()).toEqual([
      "GET /api/collections/:collection/records 200 2",
      "GET /api/collections/:collection/records 404 1",
      "GET /api/collections/:collection/records/:id 404 2",
      "GET /api/system/status 401 1",
      "GET unmatched 404 2",
      "HEAD /api/health 200 1",
      "OPTIONS unmatched 204 1",
      "POST /api/collections/:collection/records 400 1",
      "other unmatched 404 1",
    ]);
  });

  test("take the time that the clock says", async () => {
    await using app = await withToken();
    const { hooks } = app.app.kernel.runtime;
    hooks.bind("request:health.live", async (_, next) => {
      await app.clock.advance(300);
      await next();
    });
    await app.request("GET", "/api/health");
    const read = await scrape(app);
    const place = { method: "GET", route: "/api/health" };
    expect(sampleOf(read, `${TOOK}_sum`, place)).toBe(0.3);
    expect(sampleOf(read, `${TOOK}_bucket`, { ...place, le: "0.25" })).toBe(0);
    expect(sampleOf(read, `${TOOK}_bucket`, { ...place, le: "0.5" })).toBe(1);
  });

  test("a scrape stays out of the request log, a refused one does not", async () => {
    await using app = await withToken();
    await scrape(app);
    await app.request("GET", "/metrics");
    await app.clock.advance(LIMITS.writeWaitMs);
    const { body } = await app.request("GET", "/api/logs", { token: await app.superuser() });
    const logged = body.items.filter((item: { data: { url?: string } }) => {
      return item.data.url === "/metrics";
    });
    expect(logged.map(({ data }: { data: { status: number } }) => data.status)).toEqual([401]);
  });
});

describe("connections", () => {
  const WIRE = { wire: "records-realtime" };
  const ended = (reason: string) => ({ ...WIRE, reason });

  test("go up and down, and their messages count", async () => {
    await using app = await withToken();
    const stage = await Stage.on(app);
    await stage.collection("posts", [{ name: "title", type: "text" }]);
    expect(sampleOf(await scrape(app), "parvis_connections", WIRE)).toBe(0);
    const listeners = [await Listener.open(app), await Listener.open(app)];
    await listeners[0]?.subscribe(["posts/*"]);
    let read = await scrape(app);
    expect(sampleOf(read, "parvis_connections", WIRE)).toBe(2);
    const before = sampleOf(read, "parvis_messages_delivered_total", WIRE);
    for (let n = 0; n < 3; n++) await stage.create("posts", { title: "x" });
    await listeners[0]?.take();
    listeners[0]?.close();
    read = await scrape(app);
    expect(sampleOf(read, "parvis_connections", WIRE)).toBe(1);
    expect(sampleOf(read, "parvis_connections_ended_total", ended("client_gone"))).toBe(1);
    expect(sampleOf(read, "parvis_messages_delivered_total", WIRE)).toBe(before + 3);
    listeners[1]?.close();
    expect(sampleOf(await scrape(app), "parvis_connections", WIRE)).toBe(0);
  });

  test("that end because nobody reads are counted as that", async () => {
    await using app = await withToken();
    const stage = await Stage.on(app);
    await stage.collection("posts", [{ name: "title", type: "text" }]);
    const slow = await Listener.open(app, { reads: false });
    await slow.subscribe(["posts/*"]);
    const name = "parvis_connections_ended_total";
    expect(sampleOf(await scrape(app), name, ended("slow_consumer"))).toBe(0);
    const title = "x".repeat(4_900);
    for (let n = 0; n < LIMITS.outboxBytesMax / 4_900 + 20; n++) {
      await stage.create("posts", { title });
    }
    const read = await scrape(app);
    expect(sampleOf(read, name, ended("slow_consumer"))).toBe(1);
    expect(sampleOf(read, "parvis_connections", WIRE)).toBe(0);
  });
});

test("writes and reads of the database count, and what was undone", async () => {
  await using app = await withToken();
  const { db } = app.app.kernel.runtime;
  const count = (read: ReadonlyMap<string, Family>, outcome: string) =>
    sampleOf(read, "parvis_database_writes_total", { outcome });
  const before = await scrape(app);
  await db.write((tx) => tx.run("DELETE FROM `_params` WHERE id = 'none'"));
  await expect(db.write(() => Promise.reject(new Error("no")))).rejects.toThrow();
  await db.get("SELECT 1 AS one");
  const after = await scrape(app);
  expect(count(after, "committed") - count(before, "committed")).toBe(1);
  expect(count(after, "undone") - count(before, "undone")).toBe(1);
  const more = (name: string) => sampleOf(after, name) - sampleOf(before, name);
  expect(more("parvis_database_read_seconds_count")).toBeGreaterThan(0);
  expect(more("parvis_database_transaction_seconds_count")).toBe(2);
  expect(more("parvis_database_write_wait_seconds_count")).toBe(2);
});

describe("rooms", () => {
  let fixture: RoomsFixture;
  beforeAll(async () => {
    fixture = await roomsFixture();
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  const read = async () => {
    // Bytes are asked for once in a while only.
    await fixture.clock.advance(LIMITS.statsAgeMs);
    return readExposition(await metricsText(fixture));
  };

  test("people, media, messages and worker deaths are seen", async () => {
    const empty = await read();
    for (const name of ["parvis_rooms", "parvis_room_participants", "parvis_media_transports"]) {
      expect([name, sampleOf(empty, name)]).toEqual([name, 0]);
    }
    const owner = await fixture.person("Olga");
    const room = await fixture.room(owner, { room_type: "data" });
    const first = await fixture.enter(room, owner);
    const second = await fixture.enter(room, GUEST);
    const wire = { wire: "room" };
    const before = sampleOf(await read(), "parvis_messages_delivered_total", wire);
    await first.say("chat", { message: "hello" });
    Object.assign(first.peer, { receivedBytes: 100, sentBytes: 20 });
    let now = await read();
    expect(sampleOf(now, "parvis_rooms")).toBe(1);
    expect(sampleOf(now, "parvis_room_participants")).toBe(2);
    expect(sampleOf(now, "parvis_media_transports")).toBe(2);
    expect(sampleOf(now, "parvis_connections", wire)).toBe(2);
    expect(sampleOf(now, "parvis_messages_delivered_total", wire)).toBe(before + 2);
    expect(sampleOf(now, "parvis_media_bytes_total", { direction: "received" })).toBe(100);
    Object.assign(first.peer, { receivedBytes: 150 });
    Object.assign(second.peer, { receivedBytes: 7 });
    now = await read();
    expect(sampleOf(now, "parvis_media_bytes_total", { direction: "received" })).toBe(157);
    await second.hangUp();
    await first.hangUp();
    now = await read();
    expect(sampleOf(now, "parvis_rooms")).toBe(0);
    expect(sampleOf(now, "parvis_connections", wire)).toBe(0);
    // What a connection carried stays counted when it is gone.
    expect(sampleOf(now, "parvis_media_bytes_total", { direction: "received" })).toBe(157);
    expect(sampleOf(now, "parvis_media_bytes_total", { direction: "sent" })).toBe(20);
    expect(sampleOf(now, "parvis_media_workers_up")).toBe(1);
    fixture.engine.killWorker({ stayDown: true });
    now = await read();
    expect(sampleOf(now, "parvis_media_workers_up")).toBe(0);
    expect(sampleOf(now, "parvis_media_worker_restarts_total")).toBe(1);
  });

  test("connections are asked in turn, a bounded number at a scrape", async () => {
    const most = LIMITS.metricsPeersMax;
    const asked: number[] = [];
    const peers = Array.from({ length: most + 10 }, (_, index) =>
      peerThat(async () => {
        asked.push(index);
        return { receivedBytes: 1, sentBytes: 2 };
      }),
    );
    const clock = new FakeClock();
    const traffic = new PeerTraffic(clock, () => peers);
    const received = async () => (await traffic.read())[0]?.value;
    expect(await received()).toBe(most);
    expect(await received()).toBe(most);
    expect(asked.splice(0).length).toBe(most);
    await clock.advance(LIMITS.statsAgeMs);
    expect(await received()).toBe(most + 10);
    expect(asked.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, index) => most + index));
  });

  test("a worker that does not answer holds a scrape up for a bounded time", async () => {
    const clock = new FakeClock();
    const answer = Promise.withResolvers<{ receivedBytes: number; sentBytes: number }>();
    const quick = peerThat(async () => ({ receivedBytes: 5, sentBytes: 0 }));
    const traffic = new PeerTraffic(clock, () => [quick, peerThat(() => answer.promise)]);
    const read = traffic.read();
    await clock.advance(LIMITS.metricsAskMs - 1);
    expect(Bun.peek.status(read)).toBe("pending");
    await clock.advance(1);
    expect((await read)[0]?.value).toBe(5);
    answer.resolve({ receivedBytes: 7, sentBytes: 0 });
    expect((await traffic.read())[0]?.value).toBe(12);
    expect(clock.pending).toBe(0);
  });
});

function peerThat(tell: () => Promise<Partial<PeerStats>>): MediaPeer {
  return { stats: tell } as unknown as MediaPeer;
}

async function metricsText(fixture: RoomsFixture): Promise<string> {
  const answer = (await fixture.app.call("system.metrics", {})) as { readonly text: string };
  return answer.text;
}
