/** The command line as a whole: global flags, commands, help, and how failures are told. */

import { Command, CommanderError, Help, Option } from "commander";
import { CONFIG_FLAGS } from "../config/print.ts";
import { addBackup } from "./backup.ts";
import { addConfig } from "./config.ts";
import { addDoctor } from "./doctor.ts";
import { EXIT, exitCodeOf, failureLines, printable, stackOf } from "./failure.ts";
import { addHooks } from "./hooks.ts";
import { type Declaration, Invocation, VERSION, type Work } from "./invocation.ts";
import { addMigrate } from "./migrate.ts";
import { addRooms } from "./rooms.ts";
import { addServe } from "./serve.ts";
import type { Terminal } from "./terminal.ts";
import { addSuperuser, addUsers } from "./users.ts";
import { addVersion } from "./version.ts";

/** Flags of every command, beside those of the configuration. */
const GLOBAL_FLAGS = [
  ["--config <file>", "configuration file; default config/realtime.yaml where there is one"],
  ["--json", "prints JSON, for scripts"],
  ["--url <url>", "talks to the server at this address"],
  ["--token <token>", "superuser token for the server at --url"],
  ["--dev", "log level debug, stacks with errors"],
] as const;

/** How PocketBase spells them. */
const ALIASES = [
  "--publicDir <path>",
  "--hooksDir <path>",
  "--migrationsDir <path>",
  "--encryptionEnv <name>",
] as const;

/** Configuration flags that matter everywhere; the others are shown where a server is started. */
const EVERYWHERE = new Set(["--dir"]);
const SHOWS_CONFIGURATION = new Set(["serve", "config", "doctor"]);

/**
 * Runs one command line (without the program's name) and returns its exit code: 0 done, 1 failed,
 * 2 wrong usage or configuration. Never throws.
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = EXIT.ok;
  let debug = false;
  const work = (task: Work) => async (call: Invocation) => {
    debug = call.debug;
    code = (await task(call)) ?? EXIT.ok;
  };
  try {
    await createProgram(terminal, work).parseAsync([...argv], { from: "user" });
    return code;
  } catch (thrown) {
    // Commander has written its own line, or the help that was asked for.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    for (const line of failureLines(thrown)) terminal.stderr.write(`error: ${line}\n`);
    if (debug) terminal.stderr.write(`${stackOf(thrown)}\n`);
    return exitCodeOf(thrown);
  }
}

function createProgram(
  terminal: Terminal,
  wrap: (work: Work) => (call: Invocation) => Promise<void>,
): Command {
  const program = new Command("server")
    .description("Parvis: accounts, rooms and live media in one executable")
    .version(VERSION, "--version", "prints the version")
    .helpOption("-h, --help", "shows help")
    .helpCommand("help [command]", "shows help for a command")
    .exitOverride();
  configureText(program, terminal);
  addFlags(program);
  const declaration: Declaration = {
    program,
    run: (work) => {
      const start = wrap(work);
      return async (...given) => {
        const command = given.pop() as Command;
        given.pop();
        const args = given.map((value) => (typeof value === "string" ? value : undefined));
        await start(new Invocation(terminal, command.optsWithGlobals(), args));
      };
    },
  };
  for (const add of COMMANDS) add(declaration);
  return program;
}

const COMMANDS = [
  addServe,
  addMigrate,
  addUsers,
  addSuperuser,
  addRooms,
  addBackup,
  addHooks,
  addConfig,
  addDoctor,
  addVersion,
] as const;

function addFlags(program: Command): void {
  for (const [flags, doc] of GLOBAL_FLAGS) program.addOption(new Option(flags, doc));
  for (const { flag, doc } of CONFIG_FLAGS) program.addOption(new Option(flag, phrase(doc)));
  for (const alias of ALIASES) program.addOption(new Option(alias).hideHelp());
}

/** The schema's sentence in the form of the other flags' help. */
function phrase(sentence: string): string {
  const [head = "", ...rest] = sentence.replace(/\.$/, "");
  const isName = rest[0] !== undefined && rest[0] === rest[0].toUpperCase();
  return (isName ? head : head.toLowerCase()) + rest.join("");
}

function configureText(program: Command, terminal: Terminal): void {
  const { stdout, stderr } = terminal;
  program
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(`${printable(text)}\n`),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({
      showGlobalOptions: true,
      // Here and not in visibleOptions, where a mistyped flag is looked up too.
      formatHelp(command, helper) {
        const brief = Object.assign(new Help(), helper, {
          visibleOptions: (one: Command) => helper.visibleOptions(one).filter(isShownEverywhere),
        });
        return Help.prototype.formatHelp.call(helper, command, command.parent ? helper : brief);
      },
      visibleGlobalOptions(command) {
        const all = Help.prototype.visibleGlobalOptions.call(this, command);
        return showsConfiguration(command) ? all : all.filter(isShownEverywhere);
      },
    })
    .addHelpText(
      "after",
      "\nThe flags of the configuration: server serve --help" +
        "\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration",
    );
}

const CONFIGURATION = new Set(CONFIG_FLAGS.map(({ flag }) => flag));

function isShownEverywhere(option: Option): boolean {
  return !CONFIGURATION.has(option.flags) || EVERYWHERE.has(option.long ?? "");
}

function showsConfiguration(command: Command): boolean {
  for (let one: Command | null = command; one; one = one.parent) {
    if (SHOWS_CONFIGURATION.has(one.name())) return true;
  }
  return false;
}
