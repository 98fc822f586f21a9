import { describe, expect, test } from "bun:test";
import { decodeEvent, encodeEvent, FRAME_BYTES_MAX } from "../../src/client/frames.ts";
import {
  applyEvent,
  applyList,
  clearShowing,
  EMPTY_ROSTER,
  type Roster,
  type RosterChange,
} from "../../src/client/roster.ts";
import { publishSections } from "../../src/client/sdp.ts";
import {
  asSource,
  ProtocolError,
  type RoomEvent,
  readParticipation,
  readPublished,
  readRoom,
  type Source,
} from "../../src/client/shapes.ts";
import { EventStreamParser } from "../../src/client/signalling.ts";
import { summarise } from "../../src/client/stats.ts";
import { encodeFrame } from "../../src/tools/codec.ts";

const event = (type: string, data: Record<string, unknown>): RoomEvent => ({
  type,
  room_id: "room1",
  data,
  timestamp: 1,
});
const joined = (id: string, name = "") =>
  event("participant_joined", { participant_id: id, user_id: null, name });
const slots = (...list: [mid: string, participant: string | null, source: string][]) =>
  event("slots", {
    slots: list.map(([mid, participant_id, source]) => ({ mid, participant_id, source })),
  });

function run(events: readonly RoomEvent[], from: Roster = EMPTY_ROSTER) {
  let roster = from;
  const changes: RosterChange[] = [];
  for (const next of events) {
    const step = applyEvent(roster, next);
    roster = step.roster;
    changes.push(...step.changes);
  }
  return { roster, changes };
}

const told = (changes: readonly RosterChange[]) =>
  changes.map((change) =>
    "participant" in change
      ? `${change.kind} ${change.participant.id}`
      : `${change.kind} ${change.showing.participantId}/${change.showing.source} in ${change.showing.mid}`,
  );

describe("roster", () => {
  const rows: [behaviour: string, events: RoomEvent[], changes: string[]][] = [
    ["somebody joins", [joined("a", "Ada")], ["joined a"]],
    ["the same join twice is told once", [joined("a", "Ada"), joined("a", "Ada")], ["joined a"]],
    [
      "a name that comes later is a change",
      [joined("a"), joined("a", "Ada")],
      ["joined a", "changed a"],
    ],
    ["an empty name does not erase a known one", [joined("a", "Ada"), joined("a")], ["joined a"]],
    [
      "a slot shows a source",
      [joined("a"), slots(["3", "a", "video"])],
      ["joined a", "shown a/video in 3"],
    ],
    [
      "a slot of somebody unknown introduces him first",
      [slots(["3", "a", "video"])],
      ["joined a", "shown a/video in 3"],
    ],
    [
      "a slot passes from one to another",
      [joined("a"), joined("b"), slots(["3", "a", "video"]), slots(["3", "b", "video"])],
      ["joined a", "joined b", "shown a/video in 3", "hidden a/video in 3", "shown b/video in 3"],
    ],
    [
      "a slot told again changes nothing, one left out stays",
      [
        joined("a"),
        slots(["3", "a", "video"], ["4", null, "video"]),
        slots(["3", "a", "video"]),
        slots(),
      ],
      ["joined a", "shown a/video in 3"],
    ],
    [
      "an emptied slot hides",
      [joined("a"), slots(["3", "a", "screen"]), slots(["3", null, "screen"])],
      ["joined a", "shown a/screen in 3", "hidden a/screen in 3"],
    ],
    [
      "who leaves is hidden everywhere",
      [
        joined("a"),
        slots(["2", "a", "audio"], ["3", "a", "video"]),
        event("participant_left", { participant_id: "a", reason: "left" }),
      ],
      [
        "joined a",
        "shown a/audio in 2",
        "shown a/video in 3",
        "hidden a/audio in 2",
        "hidden a/video in 3",
        "left a",
      ],
    ],
    ["a stranger leaves", [event("participant_left", { participant_id: "x" })], []],
    [
      "sources are kept per participant",
      [
        joined("a"),
        event("track_published", { participant_id: "a", source: "video" }),
        event("track_published", { participant_id: "a", source: "video" }),
      ],
      ["joined a", "changed a"],
    ],
    [
      "who is silent is kept, by source, and told once",
      [
        joined("a"),
        ...["muted", "muted", "unmuted", "unmuted"].map((type) =>
          event(type, { participant_id: "a", source: "audio" }),
        ),
        event("muted", { participant_id: "x", source: "audio" }),
      ],
      ["joined a", "changed a", "changed a"],
    ],
    [
      "an introduction again does not make anybody audible",
      [joined("a"), event("muted", { participant_id: "a", source: "video" }), joined("a")],
      ["joined a", "changed a"],
    ],
    [
      "a role is the user's, on every device",
      [
        ...["a", "b"].map((participant_id) =>
          event("participant_joined", { participant_id, user_id: "u", name: "U", role: "admin" }),
        ),
        joined("c"),
        event("role_changed", { user_id: "u", role: "owner" }),
        event("role_changed", { user_id: "u", role: "owner" }),
      ],
      ["joined a", "joined b", "joined c", "changed a", "changed b"],
    ],
    [
      "other events change nothing",
      [event("chat", { message: "hi" }), event("active_speaker", {})],
      [],
    ],
  ];
  test.each(rows)("%s", (_, events, changes) => {
    expect(told(run(events).changes)).toEqual(changes);
  });

  test("a malformed event is an error and not a half change", () => {
    const { roster } = run([joined("a")]);
    expect(() => applyEvent(roster, event("slots", { slots: "all" }))).toThrow(ProtocolError);
    expect(() => applyEvent(roster, event("participant_left", {}))).toThrow(ProtocolError);
  });

  test("the list adds who is new and dismisses only who is stale", () => {
    const { roster } = run([joined("old"), joined("kept", "Kay"), joined("quick")]);
    const step = applyList(
      roster,
      [
        { id: "kept", userId: null, name: "Kay", role: "participant", muted: [] },
        { id: "new", userId: "u1", name: "Nel", role: "admin", muted: ["audio"] },
      ],
      ["old", "kept"],
    );
    expect(told(step.changes)).toEqual(["left old", "joined new"]);
    expect([...step.roster.participants.keys()]).toEqual(["kept", "quick", "new"]);
    expect(step.roster.participants.get("new")).toMatchObject({ role: "admin", muted: ["audio"] });
  });

  test("a new peer connection shows nothing until slots are told again", () => {
    const { roster } = run([joined("a"), slots(["3", "a", "video"])]);
    const cleared = clearShowing(roster);
    expect(told(cleared.changes)).toEqual(["hidden a/video in 3"]);
    expect(told(applyEvent(cleared.roster, slots(["3", "a", "video"])).changes)).toEqual([
      "shown a/video in 3",
    ]);
  });
});

describe("event stream", () => {
  const rows: [behaviour: string, chunks: string[], events: string[]][] = [
    ["one event", ["data: a\n\n"], ["a"]],
    ["cut anywhere", ["da", "ta: a", "\n", "\nda", "ta:b\n\n"], ["a", "b"]],
    ["CRLF and CR", ["data: a\r\n\r\ndata: b\r\rdata: c\n\n"], ["a", "b", "c"]],
    ["CRLF cut in the middle is one line end", ["data: a\r", "\ndata: b\r", "\n\r\n"], ["a\nb"]],
    ["several data lines", ["data: a\ndata:  b\n\n"], ["a\n b"]],
    ["comments and other fields", [": hello\nid: 4\nretry: 5\ndata: a\n\n:\n\n"], ["a"]],
    [
      "named events are not ours",
      ["event: PB_CONNECT\ndata: a\n\nevent: message\ndata: b\n\n"],
      ["b"],
    ],
    ["an unfinished event is not an event", ["data: a\n"], []],
  ];
  test.each(rows)("%s", (_, chunks, events) => {
    const parser = new EventStreamParser();
    expect(chunks.flatMap((chunk) => parser.push(chunk))).toEqual(events);
  });

  test("a line without end is refused", () => {
    const parser = new EventStreamParser();
    parser.push("data: ");
    expect(() => parser.push("x".repeat(2_000_000))).toThrow(RangeError);
  });
});

describe("frames", () => {
  test("are read back in both codecs, as the server writes them", () => {
    const chat = event("chat", { message: "Zoë 👏", id: "1" });
    const bytes = encodeFrame("msgpack", chat) as Uint8Array<ArrayBuffer>;
    expect(decodeEvent(bytes.slice().buffer)).toEqual(chat);
    expect(decodeEvent(encodeFrame("json", chat) as string)).toEqual(chat);
  });

  test("longer than the server takes is refused before it is sent", () => {
    expect(encodeEvent("chat", { message: "x".repeat(1_000) }).byteLength).toBeGreaterThan(1_000);
    expect(() => encodeEvent("chat", { message: "x".repeat(FRAME_BYTES_MAX) })).toThrow(RangeError);
  });

  test("a frame that is no event is an error", () => {
    expect(() => decodeEvent("[]")).toThrow(ProtocolError);
    expect(() => decodeEvent('{"data":{}}')).toThrow(ProtocolError);
    expect(() => decodeEvent("{")).toThrow(SyntaxError);
  });
});

describe("session description", () => {
  const section = (kind: string, mid: string, direction: string, extra = "") =>
    `m=${kind} 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:${mid}\r\na=${direction}\r\n${extra}`;
  const head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n";
  const camera = section("video", "2", "recvonly", "a=rid:l recv\r\na=simulcast:recv l\r\n");
  const rows: [behaviour: string, offer: string, sections: Record<string, Source>][] = [
    [
      "the channel alone",
      `${head}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n`,
      {},
    ],
    [
      "microphone, camera, screen; slots are not ours to send",
      head +
        section("audio", "1", "recvonly") +
        camera +
        section("video", "3", "recvonly") +
        section("video", "4", "sendonly"),
      { "1": "audio", "2": "video", "3": "screen" },
    ],
    [
      "the simulcast one is the camera wherever it stands",
      head + section("video", "3", "recvonly") + camera,
      { "2": "video", "3": "screen" },
    ],
    [
      "without simulcast the first is the camera",
      head + section("video", "7", "recvonly"),
      { "7": "video" },
    ],
    [
      "LF line ends",
      (head + section("audio", "1", "recvonly")).replaceAll("\r", ""),
      { "1": "audio" },
    ],
  ];
  test.each(rows)("%s", (_, offer, sections) => {
    expect(Object.fromEntries(publishSections(offer))).toEqual(sections);
  });
});

describe("shapes", () => {
  test("a join's answer", () => {
    const answer = {
      participant_id: "p1",
      participant_token: "t1",
      offer_id: "o1",
      sdp: { type: "offer", sdp: "v=0" },
      mode: "slots",
      slots: [],
      ice_servers: [{ urls: ["stun:a"], username: "u", credential: "c" }, { urls: "stun:b" }],
    };
    expect(readParticipation(answer)).toEqual({
      participantId: "p1",
      token: "t1",
      offer: { offerId: "o1", sdp: "v=0", reset: false },
      iceServers: [{ urls: ["stun:a"], username: "u", credential: "c" }, { urls: "stun:b" }],
    });
    expect(() => readParticipation({ ...answer, sdp: undefined })).toThrow("join.sdp");
  });

  test("a room, its optional parts left out", () => {
    const room = readRoom({ room_id: "r", room_type: "audio" });
    expect(room).toMatchObject({ id: "r", type: "audio", name: "", isPublic: true, owner: null });
    expect(() => readRoom({ room_id: "r", room_type: "hologram" })).toThrow(ProtocolError);
  });

  test("sources of a newer server are left out", () => {
    const result = readPublished({
      published: [
        { mid: "1", source: "audio" },
        { mid: "9", source: "depth" },
      ],
      rejected: [{ mid: "2", source: "video", reason: "not_permitted" }],
    });
    expect(result.published).toEqual([{ mid: "1", source: "audio" }]);
    expect(result.rejected).toEqual([{ mid: "2", source: "video", reason: "not_permitted" }]);
    expect(asSource("depth")).toBeUndefined();
  });
});

describe("statistics", () => {
  test("are told by participant and source; what has not arrived yet counts zero", () => {
    const showing = run([slots(["3", "a", "video"], ["4", "a", "audio"])]).roster.showing;
    const report = [
      { type: "inbound-rtp", mid: "3", kind: "video", framesDecoded: 12, packetsReceived: 40 },
      { type: "inbound-rtp", mid: "9", kind: "video", framesDecoded: 1 },
      { type: "outbound-rtp", mid: "1", kind: "video", rid: "h", framesEncoded: 5 },
      { type: "media-source", audioLevel: 0.5 },
      { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.002 },
      { type: "codec" },
    ];
    const stats = summarise(report, { showing, source: () => "video" });
    const brief = stats.received.map((entry) => [
      entry.mid,
      entry.participantId,
      entry.source,
      entry.packets,
    ]);
    expect(brief).toEqual([
      ["3", "a", "video", 40],
      ["9", undefined, undefined, 0],
      ["4", "a", "audio", 0],
    ]);
    expect(stats.sent).toMatchObject([{ source: "video", rid: "h", framesEncoded: 5 }]);
    expect(stats).toMatchObject({ audioLevel: 0.5, roundTripMs: 2, availableBitrate: undefined });
  });
});
