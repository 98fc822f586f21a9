/** A transcript: what a server answered to each step of a script. Committed as JSON Lines. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Json, Step } from "./script.ts";

export interface Entry {
  readonly name: string;
  /** Fingerprint of the step, so that a transcript of another script is noticed. */
  readonly step: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
}

export type Transcript = readonly Entry[];

export function fingerprint(step: Step): string {
  return Bun.hash.crc32(JSON.stringify(step)).toString(36);
}

/** Reads the recorded transcript of an area. Throws when there is none. */
export function readTranscript(area: string): Transcript {
  const path = pathOf(area);
  if (!existsSync(path)) throw new Error(`No transcript of "${area}": record it first.`);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Entry);
}

export function writeTranscript(area: string, transcript: Transcript): void {
  mkdirSync(dirname(pathOf(area)), { recursive: true });
  writeFileSync(pathOf(area), transcript.map((entry) => `${line(entry)}\n`).join(""));
}

/** Keys in order, so that recording again changes only the lines whose answers changed. */
function line(entry: Entry): string {
  const { name, step, status, headers, body } = entry;
  const sorted = body === undefined ? undefined : sortKeys(body);
  const shown = Object.keys(headers ?? {}).length > 0 ? headers : undefined;
  return JSON.stringify({ name, step, status, headers: shown, body: sorted });
}

export function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => sortKeys(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}

function pathOf(area: string): string {
  return join(import.meta.dir, "transcripts", `${area}.jsonl`);
}
