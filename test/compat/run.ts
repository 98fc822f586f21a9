/**
 * The differential test by hand: `bun test/compat/run.ts MODE [AREA…]`, all areas where none is
 * named. `count` lists the areas; `build` builds the reference; `record` plays on it and writes the
 * transcripts; `check` plays on it again and compares with what is recorded; `ours` plays on this
 * server (the executable that PARVIS_SERVER names, else in this process) and compares with what is
 * recorded; `live` plays on both.
 */

import { type Difference, faults } from "./compare.ts";
import { DIFFERENCES } from "./differences.ts";
import { play } from "./player.ts";
import { Reference, referencePath } from "./reference.ts";
import type { Area } from "./script.ts";
import { AREAS } from "./scripts/index.ts";
import { compiled, inProcess, type Target } from "./target.ts";
import { readTranscript, type Transcript, writeTranscript } from "./transcript.ts";

const MODES = ["count", "build", "record", "check", "ours", "live"];

async function playOn(area: Area, start: () => Promise<Target>): Promise<Transcript> {
  await using target = await start();
  return await play(area, target);
}

function ours(area: Area): Promise<Transcript> {
  return playOn(area, process.env.PARVIS_SERVER ? compiled : inProcess);
}

/** Compares and prints; true when there is nothing to say. */
async function report(area: Area, sides: readonly Promise<Transcript>[]): Promise<boolean> {
  const [expected = [], actual = []] = await Promise.all(sides);
  const lines = faults(expected, actual, allowedIn(area));
  console.log(`${area.name}: ${expected.length} steps, ${lines.length} differences`);
  for (const line of lines) console.log(`  ${line}`);
  return lines.length === 0;
}

function allowedIn(area: Area): readonly Difference[] {
  return DIFFERENCES.filter((difference) => difference.area === area.name);
}

function count(areas: readonly Area[]): void {
  const rows = areas.map(({ name, steps }) => ({ name, n: steps.length }));
  for (const { name, n } of rows) console.log(`${String(n).padStart(5)}  ${name}`);
  console.log(`${String(rows.reduce((sum, { n }) => sum + n, 0)).padStart(5)}  in all`);
}

async function main(mode: string, names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !AREAS.some((area) => area.name === name));
  if (!MODES.includes(mode) || unknown.length > 0) {
    console.log(`Usage: bun test/compat/run.ts ${MODES.join("|")} [AREA…]`);
    return 2;
  }
  const areas = AREAS.filter(({ name }) => names.length === 0 || names.includes(name));
  if (mode === "count") count(areas);
  if (mode === "build") console.log(referencePath());
  if (mode === "count" || mode === "build") return 0;
  using reference = mode === "ours" ? undefined : new Reference();
  let code = 0;
  for (const area of areas) {
    const recorded = async () => readTranscript(area.name);
    const theirs = async () => {
      if (reference === undefined) throw new Error("Only other modes play on the reference.");
      return await playOn(area, () => reference.start());
    };
    if (mode === "record") {
      const transcript = await theirs();
      writeTranscript(area.name, transcript);
      console.log(`${area.name}: ${transcript.length} steps`);
    } else if (mode === "check") {
      const lines = faults(await recorded(), await theirs(), []);
      console.log(`${area.name}: ${lines.length} differences from what is recorded`);
      for (const line of lines) console.log(`  ${line}`);
      if (lines.length > 0) code = 1;
    } else {
      const expected = mode === "live" ? theirs() : recorded();
      if (!(await report(area, [expected, ours(area)]))) code = 1;
    }
  }
  return code;
}

if (import.meta.main) {
  const [mode = "", ...names] = process.argv.slice(2);
  process.exit(await main(mode, names));
}
