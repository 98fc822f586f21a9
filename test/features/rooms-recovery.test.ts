/** A media worker dies: rooms go on with fresh connections, or end with a word. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { settle } from "../../src/base/clock.ts";
import type { UserCaller } from "../../src/core/access.ts";
import {
  GUEST,
  guestAt,
  type Json,
  outcome,
  type RoomsFixture,
  roomsFixture,
  type TestClient,
} from "./rooms-fixture.ts";

let fixture: RoomsFixture;
let owner: UserCaller;
let room: string;
beforeEach(async () => {
  fixture = await roomsFixture();
  owner = await fixture.person("Olga");
  room = await fixture.room(owner, { room_type: "video" });
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

const count = async () => (await fixture.call("rooms.view", { room_id: room }, owner)).participants;

/** Two in a room whose signalling is open, then the worker dies. */
async function pair(): Promise<{ client: TestClient; offers(): Json[] }[]> {
  const clients = [await fixture.enter(room, owner), await fixture.enter(room, GUEST)];
  return Promise.all(
    clients.map(async (client) => {
      const stream = await client.signal();
      return { client, offers: () => stream.ofType("offer") };
    }),
  );
}

async function comeBack(client: TestClient, offer: Json): Promise<void> {
  client.reconnect();
  await client.answerOffer(offer.data);
  await client.open();
}

test("everyone gets a fresh offer on the signalling, and the room works again", async () => {
  const people = await pair();
  const [first, second] = people.map(({ client }) => client);
  await first!.say("chat", { message: "before" });
  const token = second!.token;
  fixture.engine.killWorker();
  await settle();
  for (const { client, offers } of people) {
    const [offer, ...more] = offers();
    expect(more).toEqual([]);
    expect(offer).toMatchObject({ type: "offer", room_id: room, data: { reset: true } });
    expect(client.peer.closed).toBe(true);
    await comeBack(client, offer);
  }
  expect(await count()).toBe(2);
  expect(second!.token).toBe(token);
  await first!.say("chat", { message: "after" });
  expect(second!.events("chat").map(({ data }) => data.message)).toEqual(["after"]);
  // The pool was offered anew and shows both to each other.
  expect(Object.values(first!.shown()).toSorted()).toEqual(
    ["audio", "screen", "video"].map((source) => `${second!.id} ${source}`),
  );
  expect(fixture.factsOf("participant_left")).toEqual([]);
});

test("an offer waits for who has no signalling", async () => {
  const client = await fixture.enter(room, GUEST);
  fixture.engine.killWorker();
  await settle();
  const stream = await client.signal();
  const [offer] = stream.ofType("offer");
  expect(offer.data.reset).toBe(true);
  const again = await client.signal();
  expect(again.ofType("offer")).toEqual([offer]);
  await comeBack(client, offer);
  const later = await client.signal();
  expect(later.messages).toEqual([]);
});

test("who does not answer in time has left", async () => {
  const people = await pair();
  fixture.engine.killWorker();
  await settle();
  await comeBack(people[0]!.client, people[0]!.offers()[0]);
  await fixture.clock.advance(30_000);
  expect(people[0]!.client.events("participant_left")[0].data).toMatchObject({
    participant_id: people[1]!.client.id,
    reason: "timeout",
  });
  expect(await count()).toBe(1);
});

test("an answer to what was offered before the loss is stale", async () => {
  const client = await fixture.join(room, GUEST);
  fixture.engine.killWorker();
  await settle();
  const before = { offer_id: client.joined.offer_id, sdp: client.joined.sdp.sdp };
  expect(await outcome(client.answerOffer(before))).toBe("409 stale_answer");
});

test("without a worker the room waits, tries again, and takes newcomers with it", async () => {
  const people = await pair();
  fixture.engine.killWorker({ stayDown: true });
  await fixture.clock.advance(150);
  const waiting = people[0]!.client;
  const answer = waiting.answer("v=0");
  expect(await outcome(answer)).toBe("503 media_unavailable");
  const join = fixture.call("rooms.join", { room_id: room }, guestAt(5));
  expect(await outcome(join)).toBe("503 media_unavailable");
  fixture.engine.restoreWorker();
  // A newcomer gets the media room made before the next attempt at it.
  const newcomer = await fixture.enter(room, guestAt(6));
  await fixture.clock.advance(1_000);
  for (const { client, offers } of people) {
    expect(offers()).toHaveLength(1);
    await comeBack(client, offers()[0]);
  }
  expect(newcomer.events("offer")).toHaveLength(1);
  expect(await count()).toBe(3);
});

test("a second loss while coming back is one more offer", async () => {
  const [person] = await pair();
  fixture.engine.killWorker();
  // In the middle of making the next room.
  fixture.engine.killWorker();
  await fixture.clock.advance(100);
  fixture.engine.killWorker();
  await fixture.clock.advance(100);
  const offers = person!.offers();
  await comeBack(person!.client, offers.at(-1));
  expect(new Set(offers.map(({ data }) => data.offer_id)).size).toBe(offers.length);
  expect(await count()).toBe(2);
});

test("a worker that never comes back ends the room, not its row", async () => {
  const [person] = await pair();
  const stream = await person!.client.signal();
  fixture.engine.killWorker({ stayDown: true });
  // Those who could not answer for thirty seconds are gone before the attempts are over.
  await fixture.clock.advance(200_000);
  expect(stream.endReason).toBe("finished");
  expect(await count()).toBe(0);
  expect(fixture.timers).toBe(0);
  fixture.engine.restoreWorker();
  await fixture.enter(room, owner);
  expect(await count()).toBe(1);
});

test("a room that closes while it waits for a worker stays closed", async () => {
  await pair();
  fixture.engine.killWorker({ stayDown: true });
  await settle();
  await fixture.call("rooms.close", { room_id: room }, owner);
  fixture.engine.restoreWorker();
  await fixture.clock.advance(60_000);
  expect(fixture.engine.rooms.size).toBe(0);
  expect(fixture.timers).toBe(0);
});
