import { LIMITS } from "../src/base/limits.ts";
import type { Log } from "../src/base/log.ts";
import { EXIT } from "./failure.ts";
import type { Declaration, Invocation } from "./invocation.ts";
import type { RunningServer } from "./start.ts";
import type { OutputStream } from "./terminal.ts";

export function addServe({ program, run }: Declaration): void {
  program
    .command("serve")
    .description("runs the server")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  server serve\n" +
        "  server serve --http 0.0.0.0:8090 --dir /var/lib/parvis --announced-ip 203.0.113.7\n" +
        "\nSIGINT or SIGTERM: finishes what runs within 10 s and exits 0; a second one exits at" +
        " once.\nThe standard output says where the server is, the log goes to the standard error.",
    )
    .action(run(serve));
}

/** Beyond the grace that requests have: features, workers and the database close in moments. */
const STOP_LIMIT_MS = LIMITS.shutdownGraceMs + 2_000;

/** A start that a signal interrupts has so long to finish, to be stopped in order then. */
const START_LIMIT_MS = 2_000;

/** Serves until a signal comes. */
async function serve(call: Invocation): Promise<number | undefined> {
  const { terminal } = call;
  const loaded = await call.config();
  const lines = new HeldLines(terminal.stderr, call.debug);
  const log = call.log(loaded, (line) => lines.write(line));
  const signal = watchSignals(call);
  terminal.process.onCrash((error) => {
    lines.release();
    log.error("the server failed where nobody was prepared", { error });
    terminal.process.exit(EXIT.failed);
  });
  const [{ startServer }, { describeServer, printBanner }] = await Promise.all([
    import("./start.ts"),
    import("./banner.ts"),
  ]);
  const starting = startServer(call, log);
  const running = await Promise.race([starting, interrupted(call, signal)]);
  lines.release();
  if (running === "interrupted") {
    log.warn("stopped before the start was finished", { signal: await signal });
    return EXIT.ok;
  }
  try {
    printBanner(call, await describeServer(call, running));
  } catch (error) {
    await running.stop();
    throw error;
  }
  log.info(`ready in ${Math.round(call.clock.monotonic())} ms`, { url: running.url });
  const end = await Promise.race([signal, running.restart.then(() => "restart" as const)]);
  log.info("stopping", { signal: end });
  const code = await stop(call, running, log);
  // What is left of this process ends with it, also where it did not stop in time.
  if (end === "restart") terminal.process.restart();
  return code;
}

async function stop(call: Invocation, running: RunningServer, log: Log): Promise<number> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = call.clock.after(STOP_LIMIT_MS, () => resolve("late"));
  const outcome = await Promise.race([running.stop(), late]);
  timer.clear();
  if (outcome === "late") {
    log.error("stopping took too long, giving up", { limitMs: STOP_LIMIT_MS });
    return EXIT.failed;
  }
  log.info("stopped");
  return EXIT.ok;
}

async function interrupted(call: Invocation, signal: Promise<string>): Promise<"interrupted"> {
  await signal;
  const { promise, resolve } = Promise.withResolvers<"interrupted">();
  call.clock.after(START_LIMIT_MS, () => resolve("interrupted"));
  return promise;
}

/** Supervisors signal a process and its group: that is one wish, though it comes twice. */
const SAME_SIGNAL_MS = 100;

/** The first signal; a second one ends the process at once. */
function watchSignals({ terminal, clock }: Invocation): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let firstAt: number | undefined;
  terminal.process.onSignal((signal) => {
    const now = clock.monotonic();
    firstAt ??= now;
    if (now - firstAt > SAME_SIGNAL_MS) terminal.process.exit(EXIT.failed);
    resolve(signal);
  });
  return promise;
}

/** More than a start ever logs. Reached: they and what comes then are written at once. */
const HELD_LINES_MAX = 500;

/**
 * Log lines of the start, kept back until the server is up: where it fails, its one line of error
 * says what counts and does not drown among them.
 */
class HeldLines {
  readonly #stream: OutputStream;
  #held: string[] | undefined;

  constructor(stream: OutputStream, atOnce: boolean) {
    this.#stream = stream;
    this.#held = atOnce ? undefined : [];
  }

  write(line: string): void {
    if (this.#held && this.#held.length >= HELD_LINES_MAX) this.release();
    if (this.#held) this.#held.push(line);
    else this.#stream.write(`${line}\n`);
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) this.#stream.write(`${line}\n`);
  }
}
