import { describe, expect, test } from "bun:test";
import { ApiClient, ApiError, errorOf, memoryTokens, storedTokens } from "../../src/client/api.ts";
import { Backoff } from "../../src/client/backoff.ts";
import type { Environment } from "../../src/client/environment.ts";
import type { PeerEvents, PeerPort } from "../../src/client/link.ts";
import { RoomSession } from "../../src/client/session.ts";

/** A server and timers in the hand of the test. */
class FakeEnvironment implements Environment {
  readonly calls: string[] = [];
  readonly bodies: unknown[] = [];
  readonly timers = new Set<{ ms: number; callback: () => void }>();
  readonly streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  joins = 0;
  /** Answers instead of the usual ones, by `METHOD path-end`, once each. */
  readonly faults = new Map<string, (() => Response)[]>();

  random = () => 0;

  after = (ms: number, callback: () => void) => {
    const timer = { ms, callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  };

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const path = new URL(url).pathname.replace("/api/rooms/r1", "");
    const call = `${init.method ?? "GET"} ${path}`;
    this.calls.push(call);
    this.bodies.push(typeof init.body === "string" ? JSON.parse(init.body) : undefined);
    const fault = this.faults.get(call)?.shift();
    if (fault) return fault();
    if (call === "POST /join") return Response.json(this.#join());
    if (path.endsWith("/events")) return this.#stream(init.signal);
    if (path.endsWith("/answer"))
      return Response.json({ success: true, published: [], rejected: [] });
    if (call === "GET /participants")
      return Response.json({ items: [{ participant_id: `p${this.joins}`, name: "Me" }] });
    if (init.method === "DELETE") return new Response(null, { status: 204 });
    return Response.json({ status: 404, message: "Not found.", data: {} }, { status: 404 });
  };

  fail(call: string, status: number): void {
    const answer = () =>
      Response.json({ status, message: `Refused with ${status}.`, data: {} }, { status });
    this.faults.set(call, [...(this.faults.get(call) ?? []), answer]);
  }

  /** Lets the timer of that length run out. */
  elapse(ms: number): void {
    const timer = [...this.timers].find((candidate) => candidate.ms === ms);
    if (!timer) throw new Error(`no timer of ${ms} ms in ${[...this.timers].map((t) => t.ms)}`);
    this.timers.delete(timer);
    timer.callback();
  }

  say(event: object): void {
    this.streams.at(-1)?.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
  }

  #join() {
    this.joins += 1;
    const sdp = { type: "offer", sdp: `offer${this.joins}` };
    return {
      participant_id: `p${this.joins}`,
      participant_token: "t",
      offer_id: `o${this.joins}`,
      sdp,
      ice_servers: [],
    };
  }

  #stream(signal: AbortSignal | null | undefined): Response {
    return new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.streams.push(controller);
          signal?.addEventListener("abort", () => {
            // The session's own end; a stream that the test closed already has nothing to abort.
            if (this.streams.includes(controller)) controller.error(signal.reason);
          });
        },
      }),
    );
  }
}

class FakePeer implements PeerPort {
  readonly offers: string[] = [];
  readonly sent: Uint8Array[] = [];
  closed = 0;
  readonly events: PeerEvents;

  constructor(events: PeerEvents) {
    this.events = events;
  }

  async answer(offer: string): Promise<string> {
    if (offer === "bad") throw new Error("cannot parse");
    this.offers.push(offer);
    return `answer to ${offer}`;
  }

  send(frame: Uint8Array<ArrayBuffer>): boolean {
    this.sent.push(frame);
    return true;
  }

  confirm(): void {
    this.offers.push("confirmed");
  }

  close(): void {
    this.closed += 1;
  }
}

/** Lets every promise that can go on do so. */
const settle = async () => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
};

function setUp() {
  const environment = new FakeEnvironment();
  const peers: FakePeer[] = [];
  const states: string[] = [];
  const events: string[] = [];
  const session = new RoomSession({
    api: new ApiClient("http://server/", memoryTokens("user"), environment),
    roomId: "r1",
    request: {},
    openPeer: (_, peerEvents) => {
      const peer = new FakePeer(peerEvents);
      peers.push(peer);
      return peer;
    },
    onState: (state, reason) => states.push(reason ? `${state} ${reason}` : state),
    onEvent: (event) => events.push(event.type),
    onChange: () => undefined,
    onNegotiated: () => undefined,
  });
  const peer = () => {
    const last = peers.at(-1);
    if (!last) throw new Error("no peer was opened");
    return last;
  };
  const join = async () => {
    const started = session.start();
    await settle();
    peer().events.onChannel(true);
    await started;
  };
  return { environment, peers, states, events, session, peer, join };
}

describe("session", () => {
  test("joins: offer answered by REST, signalling opened, connected once the channel is open", async () => {
    const { environment, session, states, peer, join } = setUp();
    await join();
    expect(states).toEqual(["connected"]);
    expect(peer().offers).toEqual(["offer1", "confirmed"]);
    expect(environment.calls.sort()).toEqual([
      "GET /participants",
      "GET /participants/p1/events",
      "POST /join",
      "POST /participants/p1/answer",
    ]);
    expect(session.participantId).toBe("p1");
    expect([...session.roster.participants.keys()]).toEqual(["p1"]);
  });

  test("a connection that failed asks for new ICE credentials, at once; a shaky one later", async () => {
    const { environment, peer, join } = setUp();
    await join();
    const restart = "POST /participants/p1/ice-restart";
    const restarts = () => environment.calls.filter((call) => call === restart).length;
    environment.faults.set(restart, [
      () => Response.json({ offer_id: "o9", sdp: { type: "offer", sdp: "offer9" } }),
    ]);
    peer().events.onConnection("disconnected");
    expect(restarts()).toBe(0);
    peer().events.onConnection("connected");
    await settle();
    peer().events.onConnection("failed");
    environment.elapse(0);
    await settle();
    expect(restarts()).toBe(1);
    expect(peer().offers).toContain("offer9");
  });

  test("leaving hangs up once, and nothing is waited for any more", async () => {
    const { environment, session, states, peer, join } = setUp();
    await join();
    await Promise.all([session.leave(), session.leave()]);
    await session.leave();
    expect(environment.calls.filter((call) => call.startsWith("DELETE"))).toHaveLength(1);
    expect(states).toEqual(["connected", "closed left"]);
    expect(peer().closed).toBe(1);
    await settle();
    expect(environment.timers.size).toBe(0);
  });

  test("a refused join is an error with the server's words, and closes", async () => {
    const { environment, session, states } = setUp();
    environment.fail("POST /join", 409);
    const refused = expect(session.start()).rejects.toThrow("Refused with 409.");
    await settle();
    expect(states).toEqual(["closed refused"]);
    await refused;
  });

  test("no media: the join fails after its time and the server is told", async () => {
    const { environment, session, states, peer } = setUp();
    const started = session.start();
    await settle();
    environment.elapse(15_000);
    const refused = expect(started).rejects.toThrow("media port");
    await settle();
    expect(states).toEqual(["closed lost"]);
    expect(peer().closed).toBeGreaterThan(0);
    expect(environment.calls).toContain("DELETE /participants/p1");
    await refused;
  });

  test("left while the join is on its way: the server is told, the join rejects", async () => {
    const { environment, session, states } = setUp();
    const started = session.start();
    await settle();
    await session.leave();
    const refused = expect(started).rejects.toThrow("left before");
    await settle();
    expect(states).toEqual(["closed left"]);
    expect(environment.calls).toContain("DELETE /participants/p1");
    await refused;
  });

  test("an offer over the channel is answered there, the same one only once", async () => {
    const { environment, peer, join } = setUp();
    await join();
    const offer = JSON.stringify({ type: "offer", data: { offer_id: "o9", sdp: "more" } });
    peer().events.onFrame(offer);
    environment.say(JSON.parse(offer));
    await settle();
    expect(peer().offers).toEqual(["offer1", "confirmed", "more"]);
    expect(peer().sent).toHaveLength(1);
    expect(environment.calls.filter((call) => call.endsWith("/answer"))).toHaveLength(1);
  });

  test("a reset offer gets a new peer connection and an answer by REST", async () => {
    const { environment, peers, states, peer, join } = setUp();
    await join();
    environment.say({ type: "offer", data: { offer_id: "o9", sdp: "fresh", reset: true } });
    await settle();
    expect(peers).toHaveLength(2);
    expect(peers[0]?.closed).toBe(1);
    expect(peer().offers).toEqual(["fresh", "confirmed"]);
    // What the old connection still says is not news.
    peers[0]?.events.onConnection("failed");
    peer().events.onChannel(true);
    expect(states).toEqual(["connected", "reconnecting", "connected"]);
    expect(environment.joins).toBe(1);
  });

  test("an answer that a newer offer has overtaken is no loss", async () => {
    const { environment, states, join } = setUp();
    await join();
    environment.fail("POST /participants/p1/answer", 409);
    environment.say({ type: "offer", data: { offer_id: "o9", sdp: "more" } });
    await settle();
    expect(states).toEqual(["connected"]);
  });

  test("a disturbed connection that comes back keeps its participation", async () => {
    const { environment, states, peer, join } = setUp();
    await join();
    peer().events.onConnection("disconnected");
    peer().events.onConnection("failed");
    peer().events.onConnection("connected");
    expect(states).toEqual(["connected", "reconnecting", "connected"]);
    expect([...environment.timers].map(({ ms }) => ms)).not.toContain(6_000);
  });

  test("a lost connection is joined again; who was known and is gone has left", async () => {
    const { environment, session, states, peer, join } = setUp();
    await join();
    peer().events.onConnection("failed");
    environment.elapse(6_000);
    environment.elapse(250);
    await settle();
    peer().events.onChannel(true);
    await settle();
    expect(states).toEqual(["connected", "reconnecting", "connected"]);
    expect(session.participantId).toBe("p2");
    expect(environment.calls.filter((call) => call === "DELETE /participants/p1")).toHaveLength(1);
    expect([...session.roster.participants.keys()]).toEqual(["p2"]);
  });

  test("the server forgot this participation: joined again, and again after a failure", async () => {
    const { environment, states, peer, join } = setUp();
    await join();
    environment.fail("GET /participants/p1/events", 404);
    environment.streams.pop()?.close();
    await settle();
    environment.elapse(250);
    await settle();
    environment.fail("POST /join", 503);
    environment.elapse(250);
    await settle();
    environment.elapse(500);
    await settle();
    peer().events.onChannel(true);
    await settle();
    expect(states).toEqual(["connected", "reconnecting", "connected"]);
    expect(environment.joins).toBe(2);
  });

  test("a refusal while coming back is final", async () => {
    const { environment, states, peer, join } = setUp();
    await join();
    environment.fail("POST /join", 403);
    peer().events.onConnection("failed");
    environment.elapse(6_000);
    environment.elapse(250);
    await settle();
    expect(states).toEqual(["connected", "reconnecting", "closed refused"]);
  });

  test("tries to come back are bounded", async () => {
    const { environment, states, peer, join } = setUp();
    await join();
    for (let tries = 0; tries < 12; tries += 1) environment.fail("POST /join", 503);
    peer().events.onConnection("failed");
    environment.elapse(6_000);
    for (const ms of [250, 500, 1_000, 2_000, 4_000, ...Array(7).fill(7_500)]) {
      environment.elapse(ms);
      await settle();
    }
    expect(states).toEqual(["connected", "reconnecting", "closed lost"]);
  });

  const endings: [behaviour: string, event: object, reason: string][] = [
    ["the room closes", { type: "room_closed", data: { reason: "closed" } }, "closed room_closed"],
    [
      "kicked",
      { type: "participant_left", data: { participant_id: "p1", reason: "kicked" } },
      "closed kicked",
    ],
    [
      "banned",
      { type: "participant_left", data: { participant_id: "p1", reason: "banned" } },
      "closed banned",
    ],
  ];
  test.each(endings)("%s: closed for good", async (_, event, reason) => {
    const { environment, states, peer, join } = setUp();
    await join();
    peer().events.onFrame(JSON.stringify(event));
    await settle();
    expect(states).toEqual(["connected", reason]);
    expect(environment.joins).toBe(1);
  });

  test("a server that stops is waited for", async () => {
    const { environment, states, peer, join } = setUp();
    await join();
    const event = { type: "room_closed", data: { reason: "server_stopping" } };
    peer().events.onFrame(JSON.stringify(event));
    environment.elapse(250);
    await settle();
    peer().events.onChannel(true);
    await settle();
    expect(states).toEqual(["connected", "reconnecting", "connected"]);
    expect(environment.joins).toBe(2);
  });

  test("a chat message that is replayed is told once", async () => {
    const { events, peer, join } = setUp();
    await join();
    const chat = JSON.stringify({ type: "chat", data: { id: "c1", message: "hi" } });
    for (const _ of [1, 2, 3]) peer().events.onFrame(chat);
    peer().events.onFrame(JSON.stringify({ type: "reaction", data: { type: "👏" } }));
    peer().events.onFrame(JSON.stringify({ type: "reaction", data: { type: "👏" } }));
    expect(events).toEqual(["chat", "reaction", "reaction"]);
  });
});

describe("signalling", () => {
  test("silence ends the connection and opens another", async () => {
    const { environment, states, join } = setUp();
    await join();
    environment.elapse(45_000);
    await settle();
    environment.elapse(250);
    await settle();
    expect(environment.streams).toHaveLength(2);
    expect(states).toEqual(["connected"]);
  });
});

describe("API client", () => {
  const rows: [status: number, body: unknown, message: string, code: string][] = [
    [409, { status: 409, message: "Full.", code: "room_full", data: {} }, "Full.", "room_full"],
    [502, undefined, "HTTP status 502.", ""],
    [400, { message: "", data: null }, "HTTP status 400.", ""],
  ];
  test.each(rows)("error of %d %p", (status, body, message, code) => {
    expect(errorOf(status, body)).toMatchObject({ status, message, code, data: {} });
  });

  test("field errors are ready to be shown", () => {
    const data = { email: { code: "x", message: "Must be valid." }, odd: "text" };
    expect(errorOf(400, { message: "No.", data }).fields).toEqual({ email: "Must be valid." });
  });

  test("a server out of reach is status 0", async () => {
    const environment = new FakeEnvironment();
    environment.fetch = () => Promise.reject(new TypeError("failed to fetch"));
    const api = new ApiClient("http://server", memoryTokens(), environment);
    const refused = expect(api.listRooms()).rejects.toMatchObject({
      status: 0,
      code: "unreachable",
    });
    await refused;
  });

  test("a token that is no longer valid is forgotten, one that could not be asked about is kept", async () => {
    const environment = new FakeEnvironment();
    const api = new ApiClient("http://server", memoryTokens("old"), environment);
    const path = "POST /api/collections/users/auth-refresh";
    environment.fail(path, 503);
    const refused = expect(api.currentUser()).rejects.toBeInstanceOf(ApiError);
    await settle();
    expect(api.tokens.get()).toBe("old");
    environment.fail(path, 401);
    expect(await api.currentUser()).toBeUndefined();
    expect(api.tokens.get()).toBeUndefined();
    await refused;
  });

  test("stored tokens survive in what looks like localStorage", () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    storedTokens(storage).set("t");
    expect(storedTokens(storage).get()).toBe("t");
    storedTokens(storage).set(undefined);
    expect(kept.size).toBe(0);
  });
});

describe("back-off", () => {
  test("doubles up to its bound, half of it by chance, and gives up", () => {
    const options = { firstMs: 100, mostMs: 350, tries: 4 };
    const times = (random: number) => {
      const backoff = new Backoff(options, () => random);
      return [1, 2, 3, 4, 5].map(() => backoff.next());
    };
    expect(times(0)).toEqual([50, 100, 175, 175, undefined]);
    expect(times(1)).toEqual([100, 200, 350, 350, undefined]);
  });

  test("starts over after a reset", () => {
    const backoff = new Backoff({ firstMs: 100, mostMs: 1_000, tries: 1 }, () => 1);
    expect([backoff.next(), backoff.next()]).toEqual([100, undefined]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });
});
