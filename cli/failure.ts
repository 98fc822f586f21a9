/** How a command fails: one line for each fault, and the exit code. */

import { AppError, fail } from "../src/base/errors.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** The command was given something it does not take. Exit code 2. */
export function usage(message: string): AppError {
  return fail.invalid("usage", message);
}

/** Wrong usage and wrong configuration are the caller's to mend: they have a code of their own. */
export function exitCodeOf(thrown: unknown): number {
  if (!(thrown instanceof AppError)) return EXIT.failed;
  return thrown.code === "usage" || thrown.code === "config_invalid" ? EXIT.usage : EXIT.failed;
}

/** Without line breaks and without anything a terminal would act on. */
export function failureLines(thrown: unknown): string[] {
  if (thrown instanceof AppError && thrown.code === "config_invalid") {
    const { problems } = thrown.data;
    if (Array.isArray(problems) && problems.length > 0) return problems.map(String).map(printable);
  }
  return [printable(describe(thrown))];
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof AppError)) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  const fields = Object.entries(thrown.data).flatMap(([field, fault]) => {
    const message = messageOf(fault);
    return message === undefined ? [] : [`${field}: ${message}`];
  });
  if (fields.length === 0) return thrown.message;
  return `${thrown.message.replace(/\.$/, "")}: ${fields.join(" ")}`;
}

function messageOf(fault: unknown): string | undefined {
  if (typeof fault !== "object" || fault === null || !("message" in fault)) return undefined;
  return typeof fault.message === "string" ? fault.message : undefined;
}

/** The stacks of an error and its causes, for `--dev`. */
export function stackOf(thrown: unknown): string {
  const stacks: string[] = [];
  for (let error = thrown; error instanceof Error && stacks.length < 8; error = error.cause) {
    stacks.push(error.stack ?? error.message);
  }
  return stacks.join("\ncaused by: ");
}

/** One line: line breaks and tabs become spaces, other control characters go. */
export function printable(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "")
    .trim();
}
