import { AppError } from "../src/base/errors.ts";
import { EXIT } from "./failure.ts";
import type { Declaration, Invocation } from "./invocation.ts";

export function addConfig({ program, run }: Declaration): void {
  const config = program
    .command("config")
    .description("the configuration: flags over environment over file over defaults");
  config
    .command("check")
    .description("validates the configuration without starting anything")
    .addHelpText("after", "\nExample: server config check --config config/realtime.yaml")
    .action(run(check));
  config
    .command("print")
    .description("prints every value and where it came from; secrets are hidden")
    .option("--defaults", "the defaults instead of what is configured")
    .action(
      run(async (call) => {
        const { printConfig } = await import("../config/print.ts");
        const options = { defaults: call.flags.defaults === true, json: call.output.json };
        call.output.text(printConfig(await call.config(), options));
        return undefined;
      }),
    );
}

async function check(call: Invocation): Promise<number | undefined> {
  const { output } = call;
  try {
    const { file } = await call.config();
    const found = { ok: true, file: file ?? null, problems: [] };
    const from = file ?? "no file, defaults only";
    output.print(found, () => output.line(`The configuration is good (${from}).`));
    return undefined;
  } catch (error) {
    if (!output.json || !(error instanceof AppError)) throw error;
    output.print({ ok: false, file: null, problems: error.data.problems ?? [] }, () => undefined);
    return EXIT.usage;
  }
}
