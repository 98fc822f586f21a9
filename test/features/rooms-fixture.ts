/**
 * A server with rooms on a clock moved by hand and a media engine without media, and clients that
 * answer its offers as a browser does.
 */

import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../config/load.ts";
import type { RoomsConfig } from "../../config/schema.ts";
import { type App, createApp } from "../../src/app.ts";
import { FakeClock, settle } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Caller, GuestCaller, SuperuserCaller, UserCaller } from "../../src/core/access.ts";
import type { DomainEvent } from "../../src/core/context.ts";
import type { WatchOperation } from "../../src/core/operation.ts";
import {
  type EndReason,
  Session,
  type Stream,
  type StreamMessage,
} from "../../src/core/session.ts";
import { Records, type Values } from "../../src/features/records/index.ts";
import { createFakeEngine, type FakeEngine, type FakePeer } from "../../src/infra/media/fake.ts";
import { type Codec, decodeFrame, encodeFrame } from "../../src/tools/codec.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers and events of every shape.
export type Json = any;

const DAY_MS = 86_400_000;

export const GUEST: GuestCaller = { kind: "guest", ip: "192.0.2.1" };

export function guestAt(number: number): GuestCaller {
  return { kind: "guest", ip: `192.0.2.${number}` };
}

export class RoomsFixture implements AsyncDisposable {
  readonly app: App;
  readonly clock: FakeClock;
  readonly engine: FakeEngine;
  /** What the bus told since the start. */
  readonly facts: DomainEvent[] = [];
  readonly #dir: string;
  /** Timers that run as long as the server does. */
  readonly #standing: number;

  constructor(parts: { app: App; clock: FakeClock; engine: FakeEngine; dir: string }) {
    this.app = parts.app;
    this.clock = parts.clock;
    this.engine = parts.engine;
    this.#dir = parts.dir;
    this.#standing = parts.clock.pending;
    for (const topic of ["rooms", "reactions", "notifications"]) {
      this.app.kernel.runtime.bus.subscribe(topic, (fact) => this.facts.push(fact));
    }
  }

  /** A user as the auth wire would find it; signing in is not what these tests are about. */
  async person(name: string): Promise<UserCaller> {
    const record = await this.records.create(this.app.context(), "users", {
      email: `${name.toLowerCase()}@example.com`,
      name,
      tokenKey: name.padEnd(40, "k"),
      password: "hash",
    });
    const expiresAt = this.clock.now() + 7 * DAY_MS;
    const { id } = record;
    const ip = "192.0.2.2";
    const common = { id, name, collection: "users", ip, record };
    return { kind: "user", ...common, expiresAt, refreshable: true };
  }

  root(): SuperuserCaller {
    const expiresAt = this.clock.now() + DAY_MS;
    const common = { id: "root", collection: "_superusers", ip: "192.0.2.3" };
    return { kind: "superuser", ...common, expiresAt, refreshable: true, record: {} };
  }

  get records() {
    return this.app.kernel.registry.service(Records);
  }

  call(name: string, input: unknown, caller: Caller): Promise<Json> {
    return this.app.call(name, input, caller);
  }

  /** A room's id. */
  async room(owner: Caller, input: Record<string, unknown> = {}): Promise<string> {
    const room = await this.call("rooms.create", { room_type: "video", ...input }, owner);
    return room.room_id;
  }

  /** Writes a membership as the routes of memberships would. */
  async member(roomId: string, user: UserCaller, values: Values): Promise<void> {
    const row = { room: roomId, user: user.id, role: "participant", status: "active", ...values };
    await this.records.create(this.app.context(), "roomMembers", row);
  }

  /** Joins without answering. */
  async join(roomId: string, caller: Caller, input: Record<string, unknown> = {}) {
    const joined = await this.call("rooms.join", { room_id: roomId, ...input }, caller);
    return new TestClient(this, roomId, { joined, caller });
  }

  /** Joins and gets through, with the pool of sections offered and answered. */
  async enter(roomId: string, caller: Caller, input: Record<string, unknown> = {}) {
    const client = await this.join(roomId, caller, input);
    await client.connect();
    return client;
  }

  /** Timers beside those that a server without rooms has: what is left over is a leak. */
  get timers(): number {
    return this.clock.pending - this.#standing;
  }

  factsOf(type: string): Json[] {
    return this.facts.filter((fact) => fact.type === type).map((fact) => fact.payload);
  }

  /** Stops, and starts another server on the same data directory. */
  async restart(): Promise<RoomsFixture> {
    await this.app.stop();
    return openFixture(this.#dir, {});
  }

  async [Symbol.asyncDispose]() {
    await this.app.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

export async function roomsFixture(config: Partial<RoomsConfig> = {}): Promise<RoomsFixture> {
  return openFixture(mkdtempSync(join(tmpdir(), "parvis-rooms-")), config);
}

async function openFixture(dir: string, config: Partial<RoomsConfig>): Promise<RoomsFixture> {
  const clock = new FakeClock();
  const engine = createFakeEngine();
  const loaded = loadConfig({ flags: { dir }, env: {}, readFile: () => undefined }).config;
  const { server } = loaded;
  const changed = { ...loaded, server: { ...server, rooms: { ...server.rooms, ...config } } };
  const parts = { version: "0.0.0", clock, ids: fakeIds(clock), log: silentLog(), media: engine };
  const app = await createApp(changed, parts);
  // Longer than the timers of the start, of the log's lines and of its writes, are left.
  await clock.advance(LIMITS.writeWaitMs);
  return new RoomsFixture({ app, clock, engine, dir });
}

/** For the tests of one file together: somebody who makes rooms, and ever new guests. */
export async function sharedRooms() {
  const fixture = await roomsFixture();
  afterAll(() => fixture[Symbol.asyncDispose]());
  const owner = await fixture.person("Olga");
  let guests = 0;
  return { fixture, owner, guest: () => guestAt(++guests) };
}

/** A browser's side of one participation. */
export class TestClient {
  readonly id: string;
  readonly token: string;
  readonly roomId: string;
  readonly joined: Json;
  /** Who joined. */
  readonly caller: Caller;
  readonly #fixture: RoomsFixture;
  /** Of the latest connection: it stays when the server has closed it. */
  #peer: FakePeer;
  codec: Codec = "json";

  constructor(fixture: RoomsFixture, roomId: string, given: { joined: Json; caller: Caller }) {
    this.#fixture = fixture;
    this.roomId = roomId;
    this.joined = given.joined;
    this.caller = given.caller;
    this.id = given.joined.participant_id;
    this.token = given.joined.participant_token;
    this.#peer = fixture.engine.peer(this.id);
  }

  get place() {
    return { room_id: this.roomId, participant_id: this.id };
  }

  get peer(): FakePeer {
    return this.#peer;
  }

  /** The caller behind the participant's own token. Throws once it is void. */
  self(): Promise<Caller> {
    return this.#fixture.app.kernel.authenticate(this.token, { ip: "192.0.2.9" });
  }

  /** After a worker was lost: the connection that replaced the one before. */
  reconnect(): void {
    this.#peer = this.#fixture.engine.peer(this.id);
  }

  async answer(sdp: string, offerId?: string): Promise<Json> {
    const input = { ...this.place, type: "answer", sdp, ...(offerId ? { offer_id: offerId } : {}) };
    return this.#fixture.call("rooms.answer", input, await this.self());
  }

  /** Answers an offer over REST. */
  async answerOffer(
    offer: { readonly offer_id: string; readonly sdp: string },
    wishes: AnswerWishes = {},
  ): Promise<Json> {
    const result = await this.answer(answerTo(offer.sdp, wishes), offer.offer_id);
    await settle();
    return result;
  }

  /** Answers the join's offer, comes up, opens the channel, and answers the pool's offer. */
  async connect(wishes: AnswerWishes = {}): Promise<void> {
    const { offer_id, sdp } = this.joined;
    await this.answerOffer({ offer_id, sdp: sdp.sdp }, wishes);
    await this.open(wishes);
  }

  async open(wishes: AnswerWishes = {}): Promise<void> {
    this.peer.setState("connected");
    this.peer.openChannel();
    await this.#fixture.clock.advance(20);
    const offer = this.events("offer").at(-1)?.data;
    if (offer) await this.answerOffer(offer, wishes);
  }

  /** What came on the channel, all or of one type. */
  events(type?: string): Json[] {
    const all = this.peer.sent.map((frame) => decodeFrame(frame).value as Json);
    return type === undefined ? all : all.filter((event) => event.type === type);
  }

  types(): string[] {
    return this.events().map((event) => event.type);
  }

  /** Forgets what came so far. */
  clear(): void {
    this.peer.sent.length = 0;
  }

  /** Sends a frame on the channel and lets the server run it. */
  async say(type: string, data: unknown): Promise<void> {
    this.peer.receive(encodeFrame(this.codec, { type, data }));
    await settle();
  }

  /** Opens the signalling stream. */
  async signal(caller?: Caller): Promise<TestStream> {
    const { kernel } = this.#fixture.app;
    const operation = kernel.registry.operation("rooms.signal") as WatchOperation;
    const stream = new TestStream();
    const request = { input: () => this.place, stream };
    await kernel.watch(operation, request, {
      caller: caller ?? (await this.self()),
      requestId: "test",
    });
    return stream;
  }

  async hangUp(): Promise<void> {
    await this.#fixture.call("rooms.hangUp", this.place, await this.self());
  }

  /** Who is shown where, by the last word of the server: `{mid: "participant source"}`. */
  shown(): Record<string, string> {
    const slots: Json[] = this.events("slots").at(-1)?.data.slots ?? [];
    return Object.fromEntries(
      slots.flatMap((slot) =>
        slot.participant_id ? [[slot.mid, `${slot.participant_id} ${slot.source}`]] : [],
      ),
    );
  }
}

export class TestStream implements Stream {
  readonly session = new Session({
    id: "test",
    wire: "test",
    caller: GUEST,
    clock: new FakeClock(),
  });
  readonly messages: Json[] = [];
  readonly lastEventId = undefined;
  endReason: EndReason | undefined;
  readonly #listeners: ((reason: EndReason) => void)[] = [];

  get ended(): boolean {
    return this.endReason !== undefined;
  }

  push(message: StreamMessage): void {
    if (!this.ended) this.messages.push(message.data);
  }

  end(reason: EndReason): void {
    if (this.ended) return;
    this.endReason = reason;
    for (const listener of this.#listeners.splice(0)) listener(reason);
  }

  onEnd(listener: (reason: EndReason) => void): void {
    this.#listeners.push(listener);
  }

  ofType(type: string): Json[] {
    return this.messages.filter((message) => message.type === type);
  }
}

export interface AnswerWishes {
  /** Mids the client neither sends nor receives in. */
  readonly mute?: readonly string[];
  /** Mids it refuses for good. */
  readonly refuse?: readonly string[];
}

const FINGERPRINT = Array(32).fill("A1").join(":");

/** What a browser would answer: sends wherever the server receives, receives the rest. */
export function answerTo(offer: string, { mute = [], refuse = [] }: AnswerWishes = {}): string {
  const [, ...sections] = offer.split(/\r?\n(?=m=)/);
  const lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=msid-semantic: WMS *"];
  for (const section of sections) {
    const given = section.trim().split(/\r?\n/);
    const mid = given.find((line) => line.startsWith("a=mid:"))?.slice(6) ?? "";
    const refused = refuse.includes(mid) || / 0 UDP/.test(given[0] ?? "");
    lines.push(refused ? (given[0] ?? "").replace(/ 9 /, " 0 ") : (given[0] ?? ""));
    lines.push("c=IN IP4 0.0.0.0", `a=mid:${mid}`, `a=fingerprint:sha-256 ${FINGERPRINT}`);
    lines.push("a=setup:passive");
    for (const line of given.slice(1)) {
      if (/^a=(rtpmap|fmtp|rtcp-fb|extmap|rtcp-mux|sctp-port)/.test(line)) lines.push(line);
      else if (mute.includes(mid) && /^a=(recvonly|sendonly)$/.test(line)) lines.push("a=inactive");
      else if (line === "a=recvonly") lines.push("a=sendonly");
      else if (line === "a=sendonly") lines.push("a=recvonly");
      else if (line === "a=inactive") lines.push(line);
      else if (mute.includes(mid)) continue;
      else if (line.startsWith("a=rid:")) lines.push(line.replace("recv", "send"));
      else if (line.startsWith("a=simulcast:")) lines.push(line.replace("recv", "send"));
    }
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** The code of what a call was refused with; "ok" when it was not. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (error) {
    if (error instanceof AppError) return `${error.status} ${error.code}`;
    throw error;
  }
}
