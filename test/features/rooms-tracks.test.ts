/** Tracks mode: a section for each remote track, up to a bound, and what follows beyond it. */

import { expect, test } from "bun:test";
import { settle } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { type AnswerWishes, type Json, sharedRooms, type TestClient } from "./rooms-fixture.ts";

const { fixture, owner, guest } = await sharedRooms();

const TRACKS = { mode: "tracks", publish: [] };
const camera = { publish: ["audio", "video"] };

interface Section {
  readonly mid: string;
  readonly kind: string;
  readonly direction: string;
  /** The participant it is for; empty: of none. */
  readonly of: string;
}

function sections(sdp: string): Section[] {
  return sdp
    .split(/\r?\n(?=m=)/)
    .slice(1)
    .map((text) => ({
      mid: /^a=mid:(\S+)/m.exec(text)?.[1] ?? "",
      kind: /^m=(\w+)/.exec(text)?.[1] ?? "",
      direction: /^a=(sendonly|recvonly|inactive)/m.exec(text)?.[1] ?? "",
      of: /^a=msid:(\S+)/m.exec(text)?.[1] ?? "",
    }));
}

const remote = (sdp: string) => sections(sdp).filter(({ kind }) => kind !== "application");

/** Lets the server offer what changed, and answers it. Undefined: nothing new was offered. */
async function negotiate(
  client: TestClient,
  wishes: AnswerWishes = {},
): Promise<string | undefined> {
  await fixture.clock.advance(LIMITS.offerDebounceMs);
  const offer: Json = client.events("offer").at(-1)?.data;
  client.clear();
  if (offer) await client.answerOffer(offer, wishes);
  return offer?.sdp;
}

/** What is sent in each section that is in use. */
const sent = (client: TestClient) => Object.values(client.peer.shown()).length;

test("the join's offer has a section for each track that is there, named by its owner", async () => {
  const room = await fixture.room(owner);
  const sender = await fixture.enter(room, guest(), camera);
  const watcher = await fixture.join(room, guest(), TRACKS);
  expect(watcher.joined.mode).toBe("tracks");
  const offered = remote(watcher.joined.sdp.sdp);
  expect(offered.map(({ of }) => of)).toEqual([sender.id, sender.id]);
  expect(offered.map(({ kind }) => kind).sort()).toEqual(["audio", "video"]);
  expect(sent(watcher)).toBe(0);
  await watcher.connect();
  expect(sent(watcher)).toBe(2);
  const shown = Object.values(watcher.shown()).sort();
  expect(shown).toEqual([`${sender.id} audio`, `${sender.id} video`]);
});

test("tracks that come are offered over the channel, and shown once answered", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest(), TRACKS);
  expect(await negotiate(watcher)).toBeUndefined();
  const sender = await fixture.enter(room, guest(), camera);
  expect(sent(watcher)).toBe(0);
  const offered = remote((await negotiate(watcher)) ?? "");
  expect(offered.map(({ of, direction }) => `${of} ${direction}`)).toEqual(
    Array(2).fill(`${sender.id} sendonly`),
  );
  expect(sent(watcher)).toBe(2);
});

test("a section is emptied when its track goes, and then serves the next one", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest(), TRACKS);
  for (let round = 0; round < 10; round++) {
    const sender = await fixture.enter(room, guest(), camera);
    const coming = remote((await negotiate(watcher)) ?? "");
    expect(coming.map(({ of, direction }) => `${of} ${direction}`)).toEqual(
      Array(2).fill(`${sender.id} sendonly`),
    );
    expect(sent(watcher)).toBe(2);
    await sender.hangUp();
    await settle();
    expect(sent(watcher)).toBe(0);
    const going = remote((await negotiate(watcher)) ?? "");
    expect(going.map(({ direction }) => direction)).toEqual(["inactive", "inactive"]);
  }
  expect(watcher.peer.consumers.size).toBe(0);
});

test("one who leaves and one who comes at once get sections of their own", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest(), TRACKS);
  const first = await fixture.enter(room, guest(), camera);
  await negotiate(watcher);
  await first.hangUp();
  const second = await fixture.enter(room, guest(), camera);
  // A section whose msid changed without having been inactive would be no new track to a page.
  const offered = remote((await negotiate(watcher)) ?? "");
  expect(offered.map(({ of }) => of)).toEqual(["", "", second.id, second.id]);
  expect(sent(watcher)).toBe(2);
});

test("a section that the client refuses is not used again", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest(), TRACKS);
  await fixture.enter(room, guest(), { publish: ["audio"] });
  await negotiate(watcher, { refuse: ["1"] });
  expect(sent(watcher)).toBe(0);
  await fixture.enter(room, guest(), { publish: ["audio"] });
  expect(remote((await negotiate(watcher)) ?? "").map(({ direction }) => direction)).toEqual([
    "inactive",
    "sendonly",
  ]);
  expect(sent(watcher)).toBe(1);
});

test("a screen has a section while it is shared, and none while it is held ready", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest(), TRACKS);
  const sender = await fixture.enter(room, guest(), { publish: ["screen"] });
  expect(await negotiate(watcher)).toBeUndefined();
  const [producer] = [...sender.peer.producers.values()];
  producer?.flow(true);
  await settle();
  expect(remote((await negotiate(watcher)) ?? "").map(({ of }) => of)).toEqual([sender.id]);
  const input = { ...sender.place, screen: false };
  await fixture.call("rooms.mute", input, await sender.self());
  const [section] = remote((await negotiate(watcher)) ?? "");
  expect(section?.direction).toBe("inactive");
});

test("who is not wanted has no section", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest(), TRACKS);
  await fixture.enter(room, guest(), camera);
  await negotiate(watcher);
  const input = { ...watcher.place, subscriptions: [] };
  await fixture.call("rooms.mute", input, await watcher.self());
  await settle();
  expect(sent(watcher)).toBe(0);
  expect(remote((await negotiate(watcher)) ?? "").map(({ direction }) => direction)).toEqual([
    "inactive",
    "inactive",
  ]);
});

test("beyond the bound the client is told, and all sections go on as slots", async () => {
  const room = await fixture.room(owner);
  const receive = { audio: 2, video: 17 };
  const watcher = await fixture.enter(room, guest(), { ...TRACKS, receive });
  for (let count = 0; count < LIMITS.remoteTracksMax; count++) {
    await fixture.enter(room, guest(), { publish: ["video"] });
    expect(remote((await negotiate(watcher)) ?? "")).toHaveLength(count + 1);
  }
  await fixture.enter(room, guest(), { publish: ["video"] });
  expect(watcher.events("mode_changed").map(({ data }) => data)).toEqual([
    { mode: "slots", reason: "too_many_tracks" },
  ]);
  const offered = remote((await negotiate(watcher)) ?? "");
  expect(offered.map(({ of }) => of)).toEqual(offered.map(({ mid }) => `slot-${mid}`));
  expect(offered.filter(({ kind }) => kind === "video")).toHaveLength(17);
  expect(offered.filter(({ kind }) => kind === "audio")).toHaveLength(2);
  expect(sent(watcher)).toBe(17);
});

test("a join to a room with more tracks than that begins with slots", async () => {
  const room = await fixture.room(owner);
  for (let count = 0; count <= LIMITS.remoteTracksMax; count++) {
    await fixture.enter(room, guest(), { publish: ["video"] });
  }
  const watcher = await fixture.enter(room, guest(), TRACKS);
  expect(watcher.joined.mode).toBe("slots");
  expect(sent(watcher)).toBe(9);
});

test("after a lost worker everything is offered again, in one offer", async () => {
  const room = await fixture.room(owner);
  const watcher = await fixture.enter(room, guest(), TRACKS);
  const sender = await fixture.enter(room, guest(), camera);
  await negotiate(watcher);
  const [stream, other] = [await watcher.signal(), await sender.signal()];
  fixture.engine.killWorker();
  await settle();
  sender.reconnect();
  await sender.answerOffer(other.ofType("offer").at(-1).data);
  sender.peer.setState("connected");
  sender.peer.openChannel();
  watcher.reconnect();
  await watcher.answerOffer(stream.ofType("offer").at(-1).data);
  watcher.peer.setState("connected");
  watcher.peer.openChannel();
  expect(remote((await negotiate(watcher)) ?? "").map(({ of }) => of)).toEqual([
    sender.id,
    sender.id,
  ]);
  expect(sent(watcher)).toBe(2);
});
