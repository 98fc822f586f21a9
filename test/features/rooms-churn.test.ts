/** Rooms that come and go: nothing of them is kept in memory, however they end. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import type { UserCaller } from "../../src/core/access.ts";
import { guestAt, type RoomsFixture, roomsFixture, type TestClient } from "./rooms-fixture.ts";

const ROOMS = 20;
/**
 * The collector looks at the stack as it finds it: what was used last, and all that it names, may
 * seem to be in use for some turns of the event loop.
 */
const COLLECTIONS_MAX = 8;
const SPARED_MAX = 3;
const MINUTE_MS = 60_000;

/** What is made for a room, for who is in it, and for each of their connections. */
const CLASSES = [
  "LiveRoom",
  "RoomMedia",
  "Participant",
  "Negotiation",
  "Delivery",
  "Departure",
  "Session",
  "FakeRoom",
  "FakePeer",
  "TestStream",
] as const;

let fixture: RoomsFixture;
let owner: UserCaller;
beforeEach(async () => {
  fixture = await roomsFixture();
  owner = await fixture.person("Olga");
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      /** Those of the first field by their number, then of the others. */
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Live objects by the name of their class. */
function alive(): Record<string, number> {
  Bun.gc(true);
  const heap = JSON.parse(Bun.generateHeapSnapshot("v8")) as Snapshot;
  const { node_fields: fields, node_types } = heap.snapshot.meta;
  const [type, name] = [fields.indexOf("type"), fields.indexOf("name")];
  const object = node_types[0].indexOf("object");
  const counts: Record<string, number> = Object.fromEntries(CLASSES.map((each) => [each, 0]));
  const classes = new Map(CLASSES.map((each) => [heap.strings.indexOf(each), each]));
  for (let at = 0; at < heap.nodes.length; at += fields.length) {
    const known = classes.get(heap.nodes[at + name] ?? -1);
    if (known && heap.nodes[at + type] === object) counts[known] = (counts[known] ?? 0) + 1;
  }
  return counts;
}

type Ending = (room: string, inside: readonly TestClient[]) => Promise<unknown>;

/** In a function of its own, whose variables are gone when the heap is looked at. */
async function comeAndGo(end: Ending): Promise<void> {
  for (let count = 0; count < ROOMS; count++) {
    const room = await fixture.room(owner);
    const first = await fixture.enter(room, owner);
    const second = await fixture.enter(room, guestAt(count));
    await first.signal();
    await first.say("chat", { message: "hello" });
    await second.signal();
    await end(room, [first, second]);
    await fixture.clock.advance(MINUTE_MS);
  }
}

test("what is looked for is there while a room is open", async () => {
  const room = await fixture.room(owner);
  const client = await fixture.enter(room, owner);
  const stream = await client.signal();
  const counts = alive();
  expect(CLASSES.filter((each) => counts[each] === 0)).toEqual([]);
  expect(stream.ended).toBe(false);
});

test.each<[string, Ending]>([
  ["are closed by their owner", (room) => fixture.call("rooms.close", { room_id: room }, owner)],
  [
    "are left by everybody",
    async (_, inside) => {
      for (const client of inside) await client.hangUp();
    },
  ],
  [
    "are left without a word",
    async (_, inside) => {
      for (const { peer } of inside) peer.setState("suspended");
    },
  ],
  [
    "lose their worker and are closed",
    async (room) => {
      fixture.engine.killWorker();
      await fixture.call("rooms.close", { room_id: room }, owner);
    },
  ],
])("rooms that %s leave nothing behind", async (_, end) => {
  const before = alive();
  await comeAndGo(end);
  let kept: readonly string[] = CLASSES;
  for (let tries = 0; tries < COLLECTIONS_MAX && kept.length > 0; tries++) {
    await new Promise((resolve) => setImmediate(resolve));
    const after = alive();
    kept = CLASSES.filter((each) => (after[each] ?? 0) - (before[each] ?? 0) > SPARED_MAX);
  }
  expect(kept).toEqual([]);
  expect(fixture.app.hub.count()).toBe(0);
  expect(fixture.engine.rooms.size).toBe(0);
  expect(fixture.timers).toBe(0);
});
