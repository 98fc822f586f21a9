/** One command being run: its flags, its configuration, what it prints to, and the parts of an app. */

import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import manifest from "../package.json" with { type: "json" };
import { type Clock, realClock } from "../src/base/clock.ts";
import { type Ids, realIds } from "../src/base/ids.ts";
import { createLog, type Log, silentLog } from "../src/base/log.ts";
import { Output } from "./output.ts";
import { type Flags, loadSettings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

export interface Parts {
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** The version of this program and of what it is built on. */
export const VERSION: string = manifest.version;
export const WORKER_VERSION: string = manifest.dependencies.mediasoup;

export class Invocation {
  readonly terminal: Terminal;
  readonly flags: Flags;
  /** Positional arguments; undefined for one that was left out. */
  readonly args: readonly (string | undefined)[];
  readonly output: Output;
  readonly clock: Clock = realClock();
  readonly ids: Ids = realIds(this.clock);
  #loaded: Promise<LoadedConfig> | undefined;

  constructor(terminal: Terminal, flags: Flags, args: readonly (string | undefined)[] = []) {
    this.terminal = terminal;
    this.flags = flags;
    this.args = args;
    const { colors } = this;
    this.output = new Output(terminal.stdout, { json: flags.json === true, colors });
  }

  get colors(): boolean {
    return !this.terminal.env.NO_COLOR && this.terminal.env.TERM !== "dumb";
  }

  /** Whether stacks and the log of what commands do are wanted. */
  get debug(): boolean {
    const level = this.flags.logLevel ?? this.terminal.env.LOG_LEVEL;
    return this.flags.dev === true || level === "debug";
  }

  /** The same command with other flags. */
  with(flags: Flags): Invocation {
    return new Invocation(this.terminal, flags, this.args);
  }

  /** An argument that the command's declaration requires. */
  arg(index: number): string {
    return this.args[index] ?? "";
  }

  /** A flag's text; undefined when it was not given. */
  flag(name: string): string | undefined {
    const value = this.flags[name];
    return typeof value === "string" ? value : undefined;
  }

  /** Errors: ConfigError. */
  config(): Promise<LoadedConfig> {
    this.#loaded ??= loadSettings(this.terminal, this.flags);
    return this.#loaded;
  }

  /** Lines to the standard error: JSON on a pipe, readable ones on a terminal. */
  log(loaded: LoadedConfig, write: (line: string) => void): Log {
    const { level, format } = loaded.config.server.log;
    const { isTerminal } = this.terminal.stderr;
    return createLog({
      level,
      format: format === "auto" ? (isTerminal ? "text" : "json") : format,
      colors: isTerminal && this.colors,
      clock: this.clock,
      write,
    });
  }

  /** For commands that do one thing: silent unless debugging, their failure says what counts. */
  parts(loaded: LoadedConfig): Parts {
    const { stderr } = this.terminal;
    const log = this.debug ? this.log(loaded, (line) => stderr.write(`${line}\n`)) : silentLog();
    return { version: VERSION, clock: this.clock, ids: this.ids, log };
  }

  /** A word on what is done, for people; scripts that asked for JSON are spared. */
  note(text: string): void {
    if (!this.output.json) this.terminal.stderr.write(`${text}\n`);
  }
}

/** A command's work. Returns its exit code where that is not 0. */
export type Work = (call: Invocation) => Promise<number | undefined>;

/** What command files declare themselves with. */
export interface Declaration {
  readonly program: Command;
  /** Commander's action for a command's work. */
  run(work: Work): (...given: unknown[]) => Promise<void>;
}
