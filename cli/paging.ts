/** Lists are answered in pages; commands show one, and say when there is more. */

import type { Command } from "commander";
import type { Answer } from "./answers.ts";
import { usage } from "./failure.ts";
import type { Invocation } from "./invocation.ts";

const PAGE_ROWS = 100;
const PAGE_ROWS_MAX = 1_000;

export function pageOptions(command: Command): Command {
  return command
    .option("--page <number>", "which page", "1")
    .option("--limit <number>", `rows of a page, at most ${PAGE_ROWS_MAX}`, String(PAGE_ROWS));
}

/** Errors: usage. */
export function readPage(call: Invocation): { readonly page: number; readonly perPage: number } {
  const page = whole(call, "page", Number.MAX_SAFE_INTEGER);
  return { page, perPage: whole(call, "limit", PAGE_ROWS_MAX) };
}

function whole(call: Invocation, name: string, max: number): number {
  const text = call.flag(name) ?? "";
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw usage(`--${name} takes a whole number from 1 to ${max}.`);
  return value;
}

/** On the standard error, so that a pipe gets the rows only. */
export function tellPage(call: Invocation, { page, totalItems, totalPages }: Answer): void {
  if (typeof totalPages !== "number" || totalPages <= 1) return;
  call.note(`page ${page} of ${totalPages}, ${totalItems} in all`);
}
