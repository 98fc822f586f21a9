import type { Declaration } from "./invocation.ts";

export function addHooks({ program, run }: Declaration): void {
  const hooks = program.command("hooks").description("hook scripts");
  hooks
    .command("list")
    .description("lists the hook scripts and their state")
    .action(
      run(async ({ output }) => {
        // This version runs no scripts; the command is there so that tools can rely on it.
        output.print([], () => output.line("There are no hook scripts."));
        return undefined;
      }),
    );
}
