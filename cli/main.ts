/** The entry of the executable. */

import "./env.ts";
import { run } from "./program.ts";
import { processTerminal } from "./terminal.ts";

const terminal = processTerminal();
// The clock's timers keep no process alive, and the runtime spins while it waits for a command that
// has nothing else to wait for.
setInterval(() => undefined, 2 ** 30);
terminal.process.exit(await run(process.argv.slice(2), terminal));
