/** Who is shown in which slot. */

import { expect, test } from "bun:test";
import { fillSlots } from "../../src/features/rooms/runtime/slots.ts";
import { Stage } from "../../src/features/rooms/runtime/stage.ts";

/**
 * `a1` is the microphone of participant 1, `v1` the camera, `s1` the screen; `v1*` is one that sends.
 * Listed oldest first.
 */
function stageOf(sources: readonly string[], speakers: readonly string[]): Stage {
  const stage = new Stage();
  for (const text of sources) {
    const [letter = "", participantId = ""] = text;
    const source = letter === "a" ? "audio" : letter === "v" ? "video" : "screen";
    const kind = letter === "a" ? ("audio" as const) : ("video" as const);
    const remote = { producerId: text.slice(0, 2), kind, source, participantId } as const;
    stage.add(remote, { flowing: text.endsWith("*"), muted: false });
  }
  for (const speaker of speakers) stage.speak(speaker);
  return stage;
}

/** A slot is `mid:kind` or `mid:kind=shown`. */
function slot(text: string) {
  const [place = "", showing] = text.split("=");
  const [mid = "", kind] = place.split(":");
  return { mid, kind: kind === "a" ? ("audio" as const) : ("video" as const), showing };
}

interface Row {
  readonly slots: readonly string[];
  readonly sources: readonly string[];
  readonly speakers?: readonly string[];
  readonly pinned?: readonly string[];
  readonly unwanted?: readonly string[];
  readonly changes: readonly string[];
}

const rows: [what: string, row: Row][] = [
  ["nothing to show changes nothing", { slots: ["1:a", "2:v"], sources: [], changes: [] }],
  [
    "each kind goes to its own slots",
    { slots: ["1:a", "2:v"], sources: ["v1", "a1"], changes: ["1=a1", "2=v1"] },
  ],
  [
    "the newest is shown first",
    { slots: ["1:v", "2:v"], sources: ["v1", "v2", "v3"], changes: ["1=v3", "2=v2"] },
  ],
  [
    "what is shown stays where it is",
    { slots: ["1:v=v1", "2:v"], sources: ["v1", "v2"], changes: ["2=v2"] },
  ],
  [
    "what is gone makes place",
    { slots: ["1:v=v1", "2:v=v2"], sources: ["v2", "v3"], changes: ["1=v3"] },
  ],
  [
    "what is gone leaves an empty slot",
    { slots: ["1:v=v1", "2:v=v2"], sources: ["v2"], changes: ["1="] },
  ],
  [
    "a full pool stays as it is when others come",
    { slots: ["1:v=v1"], sources: ["v1*", "v2*", "v3*"], changes: [] },
  ],
  ["an empty slot of another kind is no use", { slots: ["1:a"], sources: ["v1"], changes: [] }],
  ["nothing is shown twice", { slots: ["1:v=v1", "2:v", "3:v"], sources: ["v1"], changes: [] }],
  ["no slots, no changes", { slots: [], sources: ["a1", "v1"], changes: [] }],
  [
    "the speaker takes the place of the oldest",
    {
      slots: ["1:v=v1", "2:v=v2"],
      sources: ["v1*", "v2*", "v3*"],
      speakers: ["3"],
      changes: ["1=v3"],
    },
  ],
  [
    "who spoke before stays rather than who never did",
    {
      slots: ["1:v=v1", "2:v=v2"],
      sources: ["v1*", "v2*", "v3*"],
      speakers: ["1", "3"],
      changes: ["2=v3"],
    },
  ],
  [
    "a speaker who is shown already changes nothing",
    { slots: ["1:v=v1", "2:v=v2"], sources: ["v1*", "v2*", "v3*"], speakers: ["1"], changes: [] },
  ],
  [
    "a speaker is heard in place of who is silent",
    { slots: ["1:a=a1"], sources: ["a1*", "a2*"], speakers: ["2"], changes: ["1=a2"] },
  ],
  [
    "a speaker without a picture that moves takes nobody's place",
    { slots: ["1:v=v1"], sources: ["v1*", "v2"], speakers: ["2"], changes: [] },
  ],
  [
    "a shared screen comes before the speaker",
    {
      slots: ["1:v=v1"],
      sources: ["v1*", "v2*", "s3*"],
      speakers: ["2"],
      changes: ["1=s3"],
    },
  ],
  [
    "a screen held ready comes after every camera",
    { slots: ["1:v", "2:v"], sources: ["v1", "v2", "s3"], changes: ["1=v2", "2=v1"] },
  ],
  [
    "who sends takes the place of who does not",
    { slots: ["1:v=v1", "2:v=v2"], sources: ["v1", "v2*", "v3*"], changes: ["1=v3"] },
  ],
  [
    "who is pinned comes before all others",
    {
      slots: ["1:v=v2"],
      sources: ["v1*", "v2*", "s3*"],
      speakers: ["2"],
      pinned: ["1"],
      changes: ["1=v1"],
    },
  ],
  [
    "what is not wanted is taken away, and not shown again",
    { slots: ["1:v=v1", "2:v"], sources: ["v1*", "v2*"], unwanted: ["v1"], changes: ["1=v2"] },
  ],
];

test.each(rows)(
  "%s",
  (_what, { slots, sources, speakers = [], pinned = [], unwanted = [], changes }) => {
    const { ranking } = stageOf(sources, speakers);
    const wants = ({ producerId }: { producerId: string }) => !unwanted.includes(producerId);
    const filled = fillSlots(slots.map(slot), ranking, { wants, pinned });
    expect(filled.map(({ mid, source }) => `${mid}=${source?.producerId ?? ""}`)).toEqual([
      ...changes,
    ]);
  },
);

test("the order follows who comes, mutes, stops, and leaves", () => {
  const stage = stageOf(["v1*", "v2*", "s2", "a1*"], ["2"]);
  const order = () => stage.ranking.order.map(({ producerId }) => producerId).join(" ");
  expect(order()).toBe("v2 a1 v1 s2");
  expect(stage.setMuted("2", "video", true)).toBe(true);
  expect(stage.setMuted("2", "video", true)).toBe(false);
  expect(order()).toBe("a1 v1 v2 s2");
  expect(stage.setFlowing("s2", true)).toBe(true);
  expect(order()).toBe("s2 a1 v1 v2");
  expect(stage.speak("2")).toBe(false);
  expect(stage.leave("2")).toBe(true);
  expect(order()).toBe("a1 v1");
  expect(stage.speaker).toBeUndefined();
  expect(stage.leave("2")).toBe(false);
});
