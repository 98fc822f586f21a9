/** What one receives: by who speaks, by what one wants, and in which quality. */

import { describe, expect, test } from "bun:test";
import { settle } from "../../src/base/clock.ts";
import { type Json, outcome, sharedRooms, type TestClient } from "./rooms-fixture.ts";

const { fixture, owner, guest } = await sharedRooms();

const camera = { publish: ["audio", "video"] };

/** So many people who send, and a watcher with so many slots for pictures. */
async function meeting(people: number, video: number) {
  const room = await fixture.room(owner);
  const senders: TestClient[] = [];
  for (let index = 0; index < people; index++) {
    const sender = await fixture.enter(room, guest(), camera);
    for (const producer of sender.peer.producers.values()) producer.flow(true);
    senders.push(sender);
  }
  const receive = { audio: people, video };
  const watcher = await fixture.enter(room, guest(), { publish: [], receive });
  await settle();
  return { room, senders, watcher };
}

function producerOf(client: TestClient, kind: "audio" | "video") {
  const producer = [...client.peer.producers.values()].find((each) => each.kind === kind);
  if (!producer) throw new Error(`no ${kind}`);
  return producer;
}

/** The participants in the watcher's picture slots, in the order of joining. */
function pictures(watcher: TestClient, senders: readonly TestClient[]): string {
  const shown = Object.values(watcher.shown()).filter((text) => text.endsWith(" video"));
  const index = (text: string) => senders.findIndex(({ id }) => text.startsWith(id));
  return shown.map(index).sort().join(" ");
}

async function change(client: TestClient, wishes: Record<string, unknown>): Promise<Json> {
  const input = { ...client.place, ...wishes };
  const answer = await fixture.call("rooms.mute", input, await client.self());
  await settle();
  return answer;
}

describe("the speaker", () => {
  test("is told to everybody, once, and to those who come later", async () => {
    const { room, senders, watcher } = await meeting(2, 2);
    const media = fixture.engine.rooms.get(room);
    media?.speak(producerOf(senders[1]!, "audio").id);
    media?.speak(producerOf(senders[1]!, "audio").id);
    for (const client of [...senders, watcher]) {
      expect(client.events("active_speaker").map(({ data }) => data)).toEqual([
        { participant_id: senders[1]?.id },
      ]);
    }
    const late = await fixture.enter(room, guest());
    expect(late.events("active_speaker")).toHaveLength(1);
    await senders[1]?.hangUp();
    const later = await fixture.enter(room, guest());
    expect(later.events("active_speaker")).toEqual([]);
  });

  test("is shown where there are fewer slots than people", async () => {
    const { room, senders, watcher } = await meeting(3, 2);
    expect(pictures(watcher, senders)).toBe("1 2");
    fixture.engine.rooms.get(room)?.speak(producerOf(senders[0]!, "audio").id);
    await settle();
    expect(pictures(watcher, senders)).toBe("0 2");
    fixture.engine.rooms.get(room)?.speak(producerOf(senders[1]!, "audio").id);
    await settle();
    // Who spoke before stays rather than who never did.
    expect(pictures(watcher, senders)).toBe("0 1");
  });
});

describe("a participant", () => {
  test("pins others, who then come before the speaker", async () => {
    const { room, senders, watcher } = await meeting(3, 1);
    await change(watcher, { pinned: [senders[0]?.id] });
    expect(pictures(watcher, senders)).toBe("0");
    fixture.engine.rooms.get(room)?.speak(producerOf(senders[1]!, "audio").id);
    await settle();
    expect(pictures(watcher, senders)).toBe("0");
    await change(watcher, { pinned: [] });
    expect(pictures(watcher, senders)).toBe("1");
  });

  test("receives only of those it names, and of these only what it names", async () => {
    const { senders, watcher } = await meeting(3, 3);
    const shown = () => Object.values(watcher.shown()).sort();
    await change(watcher, {
      subscriptions: [
        { participant_id: senders[0]?.id },
        { participant_id: senders[2]?.id, sources: ["audio"] },
      ],
    });
    const wanted = [
      `${senders[0]?.id} audio`,
      `${senders[0]?.id} video`,
      `${senders[2]?.id} audio`,
    ];
    expect(shown()).toEqual(wanted.sort());
    await change(watcher, { subscriptions: [] });
    expect(shown()).toEqual([]);
    expect(watcher.peer.consumers.size).toBe(0);
    await change(watcher, { subscriptions: null });
    expect(shown()).toHaveLength(6);
  });

  test("chooses layers, of all or of one, for now and for later", async () => {
    const { room, senders, watcher } = await meeting(2, 3);
    await change(watcher, {
      layers: [{ spatial: 0 }, { participant_id: senders[1]?.id, spatial: 1, temporal: 0 }],
    });
    const late = await fixture.enter(room, guest(), camera);
    await settle();
    const layers = () =>
      [...senders, late].map((sender) => {
        const { id } = producerOf(sender, "video");
        return [...watcher.peer.consumers.values()].find((each) => each.producerId === id)?.layers;
      });
    expect(layers()).toEqual([{ spatial: 0 }, { spatial: 1, temporal: 0 }, { spatial: 0 }]);
    await change(watcher, { layers: [] });
    expect(layers()).toEqual(Array(3).fill({ spatial: 2, temporal: 2 }));
  });

  test("is told when the layers it gets change", async () => {
    const { senders, watcher } = await meeting(1, 1);
    const [consumer] = [...watcher.peer.consumers.values()].filter(({ kind }) => kind === "video");
    consumer?.switchLayers({ spatial: 1, temporal: 2 });
    consumer?.switchLayers(undefined);
    const common = { mid: consumer?.mid, participant_id: senders[0]?.id, source: "video" };
    expect(watcher.events("layers_changed").map(({ data }) => data)).toEqual([
      { ...common, spatial: 1, temporal: 2 },
      { ...common, spatial: null, temporal: null },
    ]);
    expect(senders[0]?.events("layers_changed")).toEqual([]);
  });

  const hostile: [what: string, wishes: Record<string, unknown>][] = [
    ["a layer there cannot be", { layers: [{ spatial: 3 }] }],
    ["half a layer", { layers: [{ spatial: 0.5 }] }],
    ["too many pins", { pinned: Array(26).fill("x") }],
    ["a source that is none", { subscriptions: [{ participant_id: "x", sources: ["smell"] }] }],
  ];
  test.each(hostile)("with %s is refused", async (_what, wishes) => {
    const { watcher } = await meeting(1, 1);
    expect(await outcome(change(watcher, wishes))).toBe("400 validation_failed");
  });

  test("chooses for itself only", async () => {
    const { senders } = await meeting(2, 1);
    const input = { ...senders[0]?.place, pinned: [] };
    const call = fixture.call("rooms.mute", input, await senders[1]!.self());
    expect(await outcome(call)).toBe("403 forbidden");
  });
});

test("a muted camera gives its slot to one that sends, and comes back when it is free", async () => {
  const { senders, watcher } = await meeting(2, 1);
  expect(pictures(watcher, senders)).toBe("1");
  await change(senders[1]!, { video: false });
  expect(pictures(watcher, senders)).toBe("0");
  await change(senders[1]!, { video: true });
  expect(pictures(watcher, senders)).toBe("0");
  await senders[0]?.hangUp();
  await settle();
  expect(pictures(watcher, senders)).toBe("1");
});
