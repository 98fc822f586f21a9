import { expect, test } from "bun:test";
import { fillSlots } from "../../src/features/rooms/runtime/slots.ts";

/** `a1` is audio, `v1` video; a slot is `mid:kind` or `mid:kind=shown`. */
const source = (id: string) => ({
  producerId: id,
  kind: id.startsWith("a") ? ("audio" as const) : ("video" as const),
});

function slot(text: string) {
  const [place = "", showing] = text.split("=");
  const [mid = "", kind] = place.split(":");
  return { mid, kind: kind === "a" ? ("audio" as const) : ("video" as const), showing };
}

const rows: [what: string, slots: string[], sources: string[], changes: string[]][] = [
  ["nothing to show changes nothing", ["1:a", "2:v"], [], []],
  ["each kind goes to its own slots", ["1:a", "2:v"], ["v1", "a1"], ["1=a1", "2=v1"]],
  ["the front of the list is shown first", ["1:v", "2:v"], ["v3", "v2", "v1"], ["1=v3", "2=v2"]],
  ["what is shown stays where it is", ["1:v=v1", "2:v"], ["v2", "v1"], ["2=v2"]],
  ["what is gone makes place", ["1:v=v1", "2:v=v2"], ["v3", "v2"], ["1=v3"]],
  ["what is gone leaves an empty slot", ["1:v=v1", "2:v=v2"], ["v2"], ["1="]],
  ["a full pool shows no more", ["1:v=v1"], ["v3", "v2", "v1"], []],
  ["an empty slot of another kind is no use", ["1:a"], ["v1"], []],
  ["nothing is shown twice", ["1:v=v1", "2:v", "3:v"], ["v1"], []],
  ["no slots, no changes", [], ["a1", "v1"], []],
];

test.each(rows)("%s", (_what, slots, sources, changes) => {
  const filled = fillSlots(slots.map(slot), sources.map(source));
  expect(filled.map(({ mid, producerId }) => `${mid}=${producerId ?? ""}`)).toEqual(changes);
});
