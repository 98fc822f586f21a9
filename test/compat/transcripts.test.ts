/**
 * Every landed area is played on this server and answered as the reference answered it when its
 * transcript was recorded, or, where PARVIS_REFERENCE names the reference (or is "build"), as it
 * answers now. PARVIS_SERVER names a compiled executable to play on instead of this process.
 */

import { afterAll, describe, expect, test } from "bun:test";
import { faults } from "./compare.ts";
import { DIFFERENCES } from "./differences.ts";
import { LANDED } from "./landed.ts";
import { play } from "./player.ts";
import { Reference } from "./reference.ts";
import { AREAS } from "./scripts/index.ts";
import { compiled, inProcess } from "./target.ts";
import { fingerprint, readTranscript, type Transcript } from "./transcript.ts";

const AREA_MS = 120_000;
const DIFFERENCES_MAX = 20;

const reference = process.env.PARVIS_REFERENCE ? new Reference() : undefined;
afterAll(() => reference?.[Symbol.dispose]());

const landed = AREAS.filter(({ name }) => LANDED.includes(name));

async function expectedOf(area: (typeof AREAS)[number]): Promise<Transcript> {
  if (reference === undefined) return readTranscript(area.name);
  await using target = await reference.start();
  return await play(area, target);
}

describe("answers are the reference's", () => {
  for (const area of landed) {
    test(
      area.name,
      async () => {
        const expected = await expectedOf(area);
        await using target = await (process.env.PARVIS_SERVER ? compiled() : inProcess());
        const allowed = DIFFERENCES.filter((difference) => difference.area === area.name);
        expect(faults(expected, await play(area, target), allowed)).toEqual([]);
      },
      AREA_MS,
    );
  }
});

test("every area has the transcript of its script", () => {
  const stale = AREAS.filter(({ name, steps }) => {
    const recorded = readTranscript(name).map(({ name: step, step: print }) => `${print} ${step}`);
    return (
      recorded.join("\n") !== steps.map((step) => `${fingerprint(step)} ${step.name}`).join("\n")
    );
  });
  expect(stale.map(({ name }) => name)).toEqual([]);
});

test("the lists of areas and differences name what there is, and stay short", () => {
  const names = AREAS.map(({ name }) => name);
  expect(LANDED.filter((name) => !names.includes(name))).toEqual([]);
  const nameless = DIFFERENCES.flatMap(({ area, calls }) => {
    const steps = AREAS.find(({ name }) => name === area)?.steps.map(({ name }) => name) ?? [];
    return calls.filter((call) => !steps.includes(call));
  });
  expect(nameless).toEqual([]);
  expect(DIFFERENCES.filter(({ reason }) => reason.length < 20)).toEqual([]);
  expect(DIFFERENCES.length).toBeLessThan(DIFFERENCES_MAX);
});
