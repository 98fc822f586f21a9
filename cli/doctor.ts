import { EXIT } from "./failure.ts";
import type { Declaration, Invocation } from "./invocation.ts";
import type { Column } from "./output.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it; only where it is not well. */
  readonly hint?: string;
}

export function addDoctor({ program, run }: Declaration): void {
  program
    .command("doctor")
    .description("checks the configuration, the data, the ports and the running server")
    .addHelpText("after", "\nExits 1 when something is not well.")
    .action(run(doctor));
}

async function doctor(call: Invocation): Promise<number> {
  const { examine } = await import("./examine.ts");
  const checks = await examine(call);
  const ok = checks.every((check) => check.ok);
  call.output.print({ ok, checks }, (output) => {
    output.table(checks, COLUMNS, "");
    for (const { name, hint } of checks) if (hint) output.line(`hint for ${name}: ${hint}`);
  });
  return ok ? EXIT.ok : EXIT.failed;
}

const COLUMNS: readonly Column<Finding>[] = [
  { title: "", value: ({ ok }) => (ok ? "ok" : "FAILED") },
  { title: "check", value: ({ name }) => name },
  { title: "detail", value: ({ detail }) => detail },
];
