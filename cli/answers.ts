/** Reading what operations answer: a server of another version may leave out what is expected. */

import { assert } from "../src/base/errors.ts";

export type Answer = Readonly<Record<string, unknown>>;

export function asAnswer(value: unknown): Answer {
  assert(typeof value === "object" && value !== null, "the server answered with an object");
  return value as Answer;
}

export function listOf(answer: Answer, field: string): Answer[] {
  const value = answer[field];
  assert(Array.isArray(value), `the server answered with a list of ${field}`);
  return value.map(asAnswer);
}

/** The rows of a page. */
export function itemsOf(page: Answer): Answer[] {
  return listOf(page, "items");
}

export function textOf(answer: Answer, field: string): string {
  const value = answer[field];
  return typeof value === "string" ? value : "";
}
