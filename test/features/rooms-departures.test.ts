/** How participations end, said or unsaid, and that nothing stays behind. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { UserCaller } from "../../src/core/access.ts";
import {
  GUEST,
  guestAt,
  outcome,
  type RoomsFixture,
  roomsFixture,
  type TestClient,
} from "./rooms-fixture.ts";

let fixture: RoomsFixture;
let owner: UserCaller;
let user: UserCaller;
let room: string;
beforeEach(async () => {
  fixture = await roomsFixture();
  owner = await fixture.person("Olga");
  user = await fixture.person("Ute");
  room = await fixture.room(owner, { room_type: "video" });
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

const present = async () => {
  const { items } = await fixture.call("rooms.participants", { room_id: room }, owner);
  return items.map((item: { participant_id: string }) => item.participant_id);
};

const reasonOf = (witness: TestClient) => witness.events("participant_left")[0]?.data.reason;

function nothingIsLeft() {
  expect(fixture.engine.rooms.size).toBe(0);
  expect(fixture.app.hub.count()).toBe(0);
  // The database has one of its own for a while after each write.
  expect(fixture.timers).toBeLessThanOrEqual(1);
}

describe("a connection that is lost", () => {
  test("has ten seconds to come back", async () => {
    const witness = await fixture.enter(room, owner);
    const client = await fixture.enter(room, user);
    client.peer.setState("suspended");
    await fixture.clock.advance(9_999);
    expect(await present()).toEqual([witness.id, client.id]);
    client.peer.setState("connected");
    await fixture.clock.advance(60_000);
    expect(await present()).toEqual([witness.id, client.id]);
    client.peer.setState("suspended");
    await fixture.clock.advance(10_000);
    expect(await present()).toEqual([witness.id]);
    expect(reasonOf(witness)).toBe("connection_lost");
  });

  test("has two seconds where the signalling ended too, before or after", async () => {
    for (const endsFirst of [true, false]) {
      const client = await fixture.enter(room, user);
      const stream = await client.signal();
      if (endsFirst) stream.end("client_gone");
      client.peer.setState("suspended");
      if (!endsFirst) {
        await fixture.clock.advance(3_000);
        stream.end("client_gone");
      }
      await fixture.clock.advance(1_999);
      expect(client.peer.closed).toBe(false);
      await fixture.clock.advance(1);
      expect(client.peer.closed).toBe(true);
    }
  });

  test("has its ten seconds again when the signalling comes back", async () => {
    const client = await fixture.enter(room, user);
    const stream = await client.signal();
    client.peer.setState("suspended");
    stream.end("client_gone");
    await fixture.clock.advance(1_000);
    await client.signal();
    await fixture.clock.advance(8_999);
    expect(client.peer.closed).toBe(false);
    await fixture.clock.advance(1);
    expect(client.peer.closed).toBe(true);
  });

  test("waits as long as the configuration says", async () => {
    await using patient = await roomsFixture({ grace: 60_000 });
    const person = await patient.person("Pat");
    const place = await patient.room(person, { room_type: "data" });
    const client = await patient.enter(place, person);
    client.peer.setState("suspended");
    await patient.clock.advance(59_999);
    expect(client.peer.closed).toBe(false);
    await patient.clock.advance(1);
    expect(client.peer.closed).toBe(true);
  });
});

test("a signalling stream that breaks while media flows removes nobody", async () => {
  const client = await fixture.enter(room, user);
  const stream = await client.signal();
  stream.end("client_gone");
  await fixture.clock.advance(3_600_000);
  expect(client.peer.closed).toBe(false);
});

test("a closed connection is gone at once", async () => {
  const witness = await fixture.enter(room, owner);
  const client = await fixture.enter(room, user);
  client.peer.setState("closed");
  expect(await present()).toEqual([witness.id]);
  expect(reasonOf(witness)).toBe("left");
});

describe("who does not come through", () => {
  test("never answered: gone after thirty seconds", async () => {
    const witness = await fixture.enter(room, owner);
    await fixture.join(room, user);
    await fixture.clock.advance(29_999);
    expect(await present()).toHaveLength(2);
    await fixture.clock.advance(1);
    expect(await present()).toEqual([witness.id]);
    expect(reasonOf(witness)).toBe("timeout");
  });

  test("answered, but never connected: thirty seconds more", async () => {
    const client = await fixture.join(room, user);
    await fixture.clock.advance(20_000);
    await client.answerOffer({ offer_id: "1", sdp: client.joined.sdp.sdp });
    await fixture.clock.advance(29_999);
    expect(await present()).toEqual([client.id]);
    await fixture.clock.advance(1);
    expect(await present()).toEqual([]);
    nothingIsLeft();
  });
});

describe("the last word to who leaves", () => {
  test("kicked: says so on the channel and the stream, and ends both", async () => {
    const witness = await fixture.enter(room, owner);
    const client = await fixture.enter(room, user);
    const stream = await client.signal();
    client.clear();
    await fixture.call("rooms.hangUp", client.place, owner);
    const data = { participant_id: client.id, user_id: user.id, reason: "kicked" };
    expect(client.events("participant_left").map((event) => event.data)).toEqual([data]);
    expect(stream.ofType("participant_left").map((event) => event.data)).toEqual([data]);
    expect(stream.endReason).toBe("finished");
    expect(witness.events("participant_left").map((event) => event.data)).toEqual([data]);
    expect(fixture.factsOf("participant_left")).toEqual([{ room_id: room, ...data }]);
    expect(await outcome(client.self())).toBe("401 invalid_token");
  });

  test("a closed room: everyone hears why, once", async () => {
    const clients = [await fixture.enter(room, owner), await fixture.enter(room, GUEST)];
    const unheard = await fixture.join(room, user);
    const stream = await unheard.signal();
    for (const client of clients) client.clear();
    await fixture.call("rooms.close", { room_id: room }, owner);
    for (const client of clients) {
      expect(client.events()).toMatchObject([{ type: "room_closed", data: { reason: "closed" } }]);
      expect(client.peer.closed).toBe(true);
    }
    expect(stream.messages.map(({ type }) => type)).toEqual(["room_closed"]);
    expect(fixture.factsOf("room_closed")).toEqual([{ room_id: room, reason: "closed" }]);
    nothingIsLeft();
  });

  test("a deleted room likewise, with its memberships", async () => {
    const client = await fixture.enter(room, user);
    await fixture.records.delete(fixture.app.context(), "rooms", room);
    expect(client.events("room_closed")[0].data.reason).toBe("deleted");
    expect(await fixture.records.count(fixture.app.context(), "roomMembers", { room })).toBe(0);
    nothingIsLeft();
  });

  test("a server that stops says so", async () => {
    const client = await fixture.enter(room, user);
    const stream = await client.signal();
    await fixture.app.stop();
    expect(client.events("room_closed")[0].data.reason).toBe("server_stopping");
    expect(stream.ofType("room_closed")).toHaveLength(1);
    expect(stream.endReason).toBe("server_stopping");
    expect(fixture.engine.rooms.size).toBe(0);
    expect(fixture.clock.pending).toBe(0);
  });
});

describe("the right to be there", () => {
  test("ends with the token that joined", async () => {
    const witness = await fixture.enter(room, owner);
    const soon = { ...user, expiresAt: fixture.clock.now() + 60_000 };
    const client = await fixture.enter(room, soon);
    await fixture.clock.advance(60_000);
    expect(client.peer.closed).toBe(true);
    expect(reasonOf(witness)).toBe("token_expired");
  });

  test("lasts as long as a fresh token says", async () => {
    const soon = { ...user, expiresAt: fixture.clock.now() + 60_000 };
    const client = await fixture.enter(room, soon);
    await client.signal({ ...soon, expiresAt: fixture.clock.now() + 120_000 });
    // An older token shortens nothing.
    await client.signal(soon);
    await fixture.clock.advance(119_999);
    expect(client.peer.closed).toBe(false);
    await fixture.clock.advance(1);
    expect(client.peer.closed).toBe(true);
  });

  test("ends with the user's tokens, on every device", async () => {
    const witness = await fixture.enter(room, owner);
    const devices = [await fixture.enter(room, user), await fixture.enter(room, user)];
    fixture.app.hub.revoke({ collection: "users", id: user.id });
    expect(devices.map(({ peer }) => peer.closed)).toEqual([true, true]);
    expect(reasonOf(witness)).toBe("token_revoked");
  });

  test.each(["banned", "expired", "gone"])("ends with a membership that is %s", async (status) => {
    const witness = await fixture.enter(room, owner);
    const client = await fixture.enter(room, user);
    const context = fixture.app.context();
    const row = await fixture.records.find(context, "roomMembers", { room, user: user.id });
    const target = { collection: "roomMembers", id: row!.id };
    if (status === "gone") await fixture.records.delete(context, "roomMembers", row!.id);
    else await fixture.records.update(context, target, { status });
    expect(client.peer.closed).toBe(true);
    expect(reasonOf(witness)).toBe(status === "banned" ? "banned" : "membership_ended");
  });

  test("stays when a membership changes in other ways", async () => {
    const client = await fixture.enter(room, user);
    const context = fixture.app.context();
    const row = await fixture.records.find(context, "roomMembers", { room, user: user.id });
    const target = { collection: "roomMembers", id: row!.id };
    await fixture.records.update(context, target, { role: "admin" });
    expect(client.peer.closed).toBe(false);
  });
});

test("two devices of a user leave one by one", async () => {
  const devices = [await fixture.enter(room, user), await fixture.enter(room, user)];
  await devices[0]!.hangUp();
  expect(await present()).toEqual([devices[1]!.id]);
  expect(devices[1]!.events("participant_left")[0].data.participant_id).toBe(devices[0]!.id);
});

test("fifty rounds of joins and leaves leave nothing behind", async () => {
  for (let round = 0; round < 50; round++) {
    await fixture.clock.advance(10_000);
    const clients = [
      await fixture.enter(room, user),
      await fixture.enter(room, guestAt(round)),
      await fixture.join(room, guestAt(round + 100)),
    ];
    const stream = await clients[0]!.signal();
    await clients[0]!.hangUp();
    expect(stream.ended).toBe(true);
    if (round % 2) clients[1]!.peer.setState("closed");
    else await clients[1]!.hangUp();
    await fixture.call("rooms.hangUp", clients[2]!.place, owner);
    await fixture.clock.advance(0);
    nothingIsLeft();
  }
  await fixture.clock.advance(10_000);
  expect(fixture.timers).toBe(0);
});

test("a client that leaves in the middle of an answer leaves nothing behind", async () => {
  const client = await fixture.join(room, user);
  const answer = client.answerOffer({ offer_id: "1", sdp: client.joined.sdp.sdp });
  await Promise.resolve();
  await client.hangUp();
  expect(await outcome(answer)).toMatch(/^409 (peer_closed|room_closed)$/);
  await fixture.clock.advance(0);
  nothingIsLeft();
});
