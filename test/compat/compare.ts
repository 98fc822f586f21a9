/** Compares two transcripts of one script and settles the result against the list of differences. */

import type { Json } from "./script.ts";
import type { Entry, Transcript } from "./transcript.ts";

/** A deliberate difference from the reference. */
export interface Difference {
  readonly area: string;
  /** Names of the steps that show it. */
  readonly calls: readonly string[];
  readonly reason: string;
}

const SHOWN_PER_STEP = 8;
const SHOWN_CHARS = 200;

/**
 * What is wrong, a line each; empty: all answers are the same but those that `allowed` names.
 * An allowed difference that is not there any more is wrong too.
 */
export function faults(
  expected: Transcript,
  actual: Transcript,
  allowed: readonly Difference[],
): string[] {
  const found: string[] = [];
  const differing = new Set<string>();
  for (const [index, entry] of expected.entries()) {
    const lines = stepFaults(entry, actual[index]);
    if (lines.length > 0) differing.add(entry.name);
    const isAllowed = allowed.some(({ calls }) => calls.includes(entry.name));
    if (!isAllowed) found.push(...lines.map((line) => `${entry.name}: ${line}`));
  }
  if (actual.length > expected.length) found.push("the transcript has fewer steps than the script");
  for (const call of allowed.flatMap(({ calls }) => calls)) {
    if (!differing.has(call)) found.push(`${call}: is listed as a difference and is none`);
  }
  return found;
}

function stepFaults(expected: Entry, actual: Entry | undefined): string[] {
  if (actual === undefined || actual.name !== expected.name || actual.step !== expected.step) {
    return ["the script has changed since the transcript was recorded"];
  }
  const lines: string[] = [];
  if (expected.status !== actual.status) {
    lines.push(`status ${actual.status}, the reference's is ${expected.status}`);
  }
  collect({ ...expected.headers }, { ...actual.headers }, { path: "headers", lines });
  collect(expected.body ?? null, actual.body ?? null, { path: "body", lines });
  return lines.length > SHOWN_PER_STEP
    ? [...lines.slice(0, SHOWN_PER_STEP), `and ${lines.length - SHOWN_PER_STEP} more`]
    : lines;
}

function collect(expected: Json, actual: Json, into: { path: string; lines: string[] }): void {
  if (isObject(expected) && isObject(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const path = `${into.path}.${key}`;
      const [theirs, ours] = [expected[key], actual[key]];
      if (theirs === undefined) into.lines.push(`${path} is ${show(ours)}, should not be there`);
      else if (ours === undefined) into.lines.push(`${path} is missing, should be ${show(theirs)}`);
      else collect(theirs, ours, { path, lines: into.lines });
    }
  } else if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length !== actual.length) {
      into.lines.push(`${into.path} is ${show(actual)}, should be ${show(expected)}`);
      return;
    }
    for (const [index, item] of expected.entries()) {
      collect(item, actual[index] ?? null, { path: `${into.path}.${index}`, lines: into.lines });
    }
  } else if (expected !== actual) {
    into.lines.push(`${into.path} is ${show(actual)}, should be ${show(expected)}`);
  }
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
