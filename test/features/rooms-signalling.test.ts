/** Offers, answers, and what is shown where. */

import { describe, expect, test } from "bun:test";
import { settle } from "../../src/base/clock.ts";
import { answerTo, type Json, outcome, sharedRooms, type TestClient } from "./rooms-fixture.ts";

const { fixture, owner, guest } = await sharedRooms();

const videoRoom = () => fixture.room(owner, { room_type: "video" });
const offerOf = (client: TestClient) => ({
  offer_id: client.joined.offer_id,
  sdp: client.joined.sdp.sdp,
});

describe("an answer", () => {
  test("says what is published and what is not, and why", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    const wishes = { mute: ["2"], refuse: ["3"] };
    expect(await client.answerOffer(offerOf(client), wishes)).toEqual({
      success: true,
      published: [{ mid: "1", source: "audio" }],
      rejected: [
        { mid: "2", source: "video", reason: "not_sending" },
        { mid: "3", source: "screen", reason: "refused" },
      ],
    });
    expect([...client.peer.producers.values()].map(({ kind }) => kind)).toEqual(["audio"]);
    expect(client.peer.dtls?.role).toBe("server");
  });

  test("needs no offer id: there is one offer at a time", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    expect(await client.answer(answerTo(client.joined.sdp.sdp))).toMatchObject({ success: true });
  });

  const hostile: [what: string, spoil: (sdp: string) => string][] = [
    ["no session description", () => "hello"],
    ["no sections", () => "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"],
    ["another fingerprint's length", (sdp) => sdp.replaceAll("A1:A1", "A1")],
    ["a section too many", (sdp) => `${sdp}m=audio 9 UDP/TLS/RTP/SAVPF 100\r\na=mid:9\r\n`],
    ["swapped sections", (sdp) => sdp.replace("a=mid:1\r", "a=mid:2\r")],
  ];
  test.each(hostile)("with %s is 400, and the offer waits for a better one", async (_, spoil) => {
    const client = await fixture.join(await videoRoom(), guest());
    const sdp = answerTo(client.joined.sdp.sdp);
    expect(await outcome(client.answer(spoil(sdp), "1"))).toBe("400 invalid_sdp");
    expect(client.peer.producers.size).toBe(0);
    expect(await outcome(client.answer(sdp, "1"))).toBe("ok");
  });

  test("beyond the size of any real one is refused by its field", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    const huge = "x".repeat(200 * 1024 + 1);
    expect(await outcome(client.answer(huge))).toBe("400 validation_failed");
  });

  test("is taken once, and only for the offer that waits", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    const sdp = answerTo(client.joined.sdp.sdp);
    expect(await outcome(client.answer(sdp, "2"))).toBe("409 stale_answer");
    const twice = await Promise.all([client.answer(sdp), client.answer(sdp)].map(outcome));
    expect(twice.toSorted()).toEqual(["409 stale_answer", "ok"]);
    expect(await outcome(client.answer(sdp, "1"))).toBe("409 stale_answer");
    expect(client.peer.producers.size).toBe(3);
  });

  test("may come as a frame of the channel, and is never forwarded", async () => {
    const room = await videoRoom();
    const client = await fixture.join(room, guest());
    const other = await fixture.enter(room, guest());
    await client.answerOffer(offerOf(client));
    client.peer.openChannel();
    await fixture.clock.advance(20);
    const offer = client.events("offer")[0].data;
    other.clear();
    client.clear();
    await client.say("answer", { offer_id: offer.offer_id, sdp: answerTo(offer.sdp) });
    expect(client.types()).not.toContain("error");
    expect(other.types()).toEqual([]);
    await client.say("answer", { offer_id: offer.offer_id, sdp: answerTo(offer.sdp) });
    expect(client.events("error")[0].data.code).toBe("stale_answer");
  });
});

describe("the pool of sections", () => {
  test("follows over the channel as soon as it is open, in one offer", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    await client.answerOffer(offerOf(client));
    client.peer.openChannel();
    expect(client.events("offer")).toEqual([]);
    await fixture.clock.advance(20);
    const [offer, ...more] = client.events("offer");
    expect(more).toEqual([]);
    expect(offer.data).toMatchObject({ offer_id: "2" });
    const before: string = client.joined.sdp.sdp;
    const origin = (sdp: string) => /^o=- (\d+) (\d+)/m.exec(sdp)?.slice(1);
    expect(origin(offer.data.sdp)).toEqual([origin(before)?.[0] ?? "", "2"]);
    // 1 channel, 3 of its own, 4 for sound, 9 for pictures.
    expect(offer.data.sdp.match(/^m=/gm)).toHaveLength(17);
    expect(before.match(/^m=/gm)).toHaveLength(6);
  });

  test("waits until the offer before it is answered", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    client.peer.openChannel();
    await fixture.clock.advance(1_000);
    expect(client.events("offer")).toEqual([]);
    await client.answerOffer(offerOf(client));
    await fixture.clock.advance(20);
    expect(client.events("offer")).toHaveLength(1);
  });

  test("is what the client asked for", async () => {
    const receive = { audio: 2, video: 1 };
    const client = await fixture.join(await videoRoom(), guest(), { receive });
    await client.connect();
    const sdp: string = client.events("offer")[0].data.sdp;
    expect(sdp.match(/^a=sendonly/gm)).toHaveLength(3);
    const small = await fixture.enter(await videoRoom(), guest(), {
      receive: { audio: 1, video: 1 },
    });
    expect(small.events("offer")).toEqual([]);
  });

  test("keeps a section refused that was refused", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    await client.connect({ refuse: ["3"] });
    const sdp: string = client.events("offer")[0].data.sdp;
    const third = sdp.split(/^(?=m=)/m)[4] ?? "";
    expect(third).toStartWith("m=video 0 ");
    expect(third).toContain("a=mid:3");
    expect(sdp).not.toMatch(/^a=group:BUNDLE.* 3\b/m);
  });
});

describe("slots", () => {
  test("show everyone to everyone else, and say who is where", async () => {
    const room = await fixture.room(owner, { room_type: "audio" });
    const clients: TestClient[] = [];
    for (let i = 0; i < 4; i++) clients.push(await fixture.enter(room, guest()));
    for (const client of clients) {
      const others = clients.filter((other) => other !== client).map(({ id }) => `${id} audio`);
      expect(Object.values(client.shown()).toSorted()).toEqual(others.toSorted());
      const producers = clients.flatMap((other) =>
        other === client ? [] : [...other.peer.producers.keys()],
      );
      expect(Object.values(client.peer.shown()).toSorted()).toEqual(producers.toSorted());
    }
  });

  test("change without an offer", async () => {
    const room = await videoRoom();
    const viewer = await fixture.enter(room, guest());
    const first = await fixture.enter(room, guest());
    const before = viewer.events("offer").length;
    await first.hangUp();
    await settle();
    expect(viewer.shown()).toEqual({});
    const second = await fixture.enter(room, guest());
    expect(Object.values(viewer.shown()).toSorted()).toEqual(
      [`${second.id} audio`, `${second.id} screen`, `${second.id} video`].toSorted(),
    );
    expect(viewer.events("offer")).toHaveLength(before);
  });

  test("show cameras before screens, and never more than there are", async () => {
    const room = await videoRoom();
    const receive = { audio: 1, video: 2 };
    const viewer = await fixture.enter(room, guest(), { publish: [], receive });
    const people = [
      await fixture.enter(room, guest()),
      await fixture.enter(room, guest()),
      await fixture.enter(room, guest()),
    ];
    // The first to come took the slots, the screen the one that no camera was there for yet.
    const [first] = people;
    expect(Object.values(viewer.shown()).toSorted()).toEqual(
      [`${first!.id} audio`, `${first!.id} screen`, `${first!.id} video`].toSorted(),
    );
    await first!.hangUp();
    await settle();
    expect(Object.values(viewer.shown()).toSorted()).toEqual(
      [`${people[2]!.id} audio`, `${people[2]!.id} video`, `${people[1]!.id} video`].toSorted(),
    );
  });

  test("skip what the client cannot decode", async () => {
    const room = await videoRoom();
    const viewer = await fixture.join(room, guest());
    viewer.peer.openChannel();
    await viewer.answerOffer(offerOf(viewer));
    viewer.peer.acceptCodecs(["audio/opus"]);
    const speaker = await fixture.enter(room, guest());
    await settle();
    expect(Object.values(viewer.shown())).toEqual([`${speaker.id} audio`]);
  });

  test("are empty where the client receives nothing", async () => {
    const room = await videoRoom();
    await fixture.enter(room, guest());
    const deaf = await fixture.join(room, guest());
    await deaf.connect({ mute: ["4", "5", ...Array.from({ length: 20 }, (_, i) => `${i + 6}`)] });
    expect(deaf.peer.consumers.size).toBe(0);
    expect(deaf.shown()).toEqual({});
  });

  test("tell when somebody stops sending", async () => {
    const room = await videoRoom();
    const viewer = await fixture.enter(room, guest());
    const sender = await fixture.join(room, guest());
    await sender.answerOffer(offerOf(sender));
    sender.peer.openChannel();
    await fixture.clock.advance(20);
    viewer.clear();
    await sender.answerOffer(sender.events("offer")[0].data, { mute: ["2"] });
    expect(viewer.events("track_unpublished").map(({ data }) => data)).toEqual([
      { participant_id: sender.id, source: "video" },
    ]);
    expect(Object.values(viewer.shown()).toSorted()).toEqual(
      [`${sender.id} audio`, `${sender.id} screen`].toSorted(),
    );
    const { items } = await fixture.call("rooms.participants", { room_id: room }, owner);
    expect(items[1].sources).toEqual(["audio", "screen"]);
  });
});

describe("the signalling stream", () => {
  test("carries the room's events while the channel is down, and no longer", async () => {
    const room = await fixture.room(owner, { room_type: "data" });
    const client = await fixture.join(room, guest());
    const stream = await client.signal();
    expect(stream.messages).toEqual([]);
    const other = await fixture.enter(room, guest());
    expect(stream.messages.map(({ type }) => type)).toEqual(["participant_joined"]);
    expect(stream.messages[0]).toMatchObject({
      room_id: room,
      data: { participant_id: other.id },
    });
    await client.connect();
    await other.say("chat", { message: "hi" });
    expect(stream.messages).toHaveLength(1);
    expect(client.events("chat")).toHaveLength(1);
  });

  test("is one: another takes its place", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    const first = await client.signal();
    const second = await client.signal();
    expect(first.endReason).toBe("replaced");
    await client.hangUp();
    expect(second.ofType("participant_left")[0].data.reason).toBe("left");
    expect(second.endReason).toBe("finished");
  });

  test("a newcomer is told who is there and what they send, then the slots", async () => {
    const room = await videoRoom();
    const first = await fixture.enter(room, guest());
    const second = await fixture.enter(room, guest(), { publish: ["audio"] });
    const told = second.events().slice(0, 4) as Json[];
    expect(told.map(({ type, data }) => [type, data.participant_id, data.source])).toEqual([
      ["participant_joined", first.id, undefined],
      ["track_published", first.id, "audio"],
      ["track_published", first.id, "video"],
      ["track_published", first.id, "screen"],
    ]);
    expect(second.types()[4]).toBe("slots");
  });
});

describe("an ICE restart", () => {
  const restart = async (client: TestClient) =>
    fixture.call("rooms.iceRestart", client.place, await client.self());
  const credentials = (sdp: string) =>
    [...sdp.matchAll(/^a=ice-(?:ufrag|pwd):(.*)$/gm)].map(([, value]) => value?.trim());

  test("answers with an offer of new credentials and the same sections", async () => {
    const client = await fixture.enter(await videoRoom(), guest());
    const before: string = client.events("offer").at(-1).data.sdp;
    const { offer_id, sdp, ice_servers } = await restart(client);
    expect(sdp.type).toBe("offer");
    expect(ice_servers).toEqual([]);
    expect(sdp.sdp.match(/^a=mid:.*$/gm)).toEqual(before.match(/^a=mid:.*$/gm));
    expect(new Set(credentials(sdp.sdp)).size).toBe(2);
    expect(credentials(sdp.sdp)[0]).not.toBe(credentials(before)[0]);
    expect(await client.answerOffer({ offer_id, sdp: sdp.sdp })).toMatchObject({ rejected: [] });
    // The producers stay: it is the same connection.
    expect(client.peer.producers.size).toBe(3);
  });

  test("voids the offer that is outstanding, and carries what it would have brought", async () => {
    const client = await fixture.join(await videoRoom(), guest());
    await client.answerOffer(offerOf(client));
    client.peer.openChannel();
    const { offer_id, sdp } = await restart(client);
    await fixture.clock.advance(20);
    // The pool of sections came along.
    expect(sdp.sdp.match(/^m=/gm)).toHaveLength(17);
    expect(client.events("offer")).toEqual([]);
    const again = await restart(client);
    const late = client.answer(answerTo(sdp.sdp), offer_id);
    expect(await outcome(late)).toBe("409 stale_answer");
    expect(await outcome(client.answer(answerTo(again.sdp.sdp), again.offer_id))).toBe("ok");
  });

  test("is for oneself, and needs a worker", async () => {
    const client = await fixture.enter(await videoRoom(), guest());
    const other = await fixture.enter(await videoRoom(), guest());
    const call = fixture.call("rooms.iceRestart", client.place, await other.self());
    expect(await outcome(call)).toBe("403 forbidden");
    const guestCall = fixture.call("rooms.iceRestart", client.place, guest());
    expect(await outcome(guestCall)).toBe("401 unauthenticated");
    fixture.engine.killWorker({ stayDown: true });
    expect(await outcome(restart(client))).toBe("503 media_unavailable");
    fixture.engine.restoreWorker();
  });
});
