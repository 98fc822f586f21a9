/** The entry of the executable. */

import "./env.ts";
import { run } from "./program.ts";
import { processTerminal } from "./terminal.ts";

const terminal = processTerminal();
terminal.process.exit(await run(process.argv.slice(2), terminal));
