import { type Declaration, VERSION, WORKER_VERSION } from "./invocation.ts";

export function addVersion({ program, run }: Declaration): void {
  program
    .command("version")
    .description("prints the version, and what the executable is built on")
    .action(
      run(async ({ output }) => {
        const versions = {
          version: VERSION,
          bun: Bun.version,
          worker: `mediasoup ${WORKER_VERSION}`,
          platform: `${process.platform}-${process.arch}`,
        };
        output.print(versions, () => output.fields(versions));
        return undefined;
      }),
    );
}
