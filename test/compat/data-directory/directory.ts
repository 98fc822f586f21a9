/** A data directory that the reference filled, packed, with the moment at which that was. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PACKED = join(import.meta.dir, "reference-0.36.8.tar.gz");
const MOMENT = join(import.meta.dir, "moment.json");

export interface Unpacked extends Disposable {
  readonly dir: string;
  /** When it was filled, milliseconds: its dates lie around that. */
  readonly filledAt: number;
}

export function unpack(): Unpacked {
  if (!existsSync(PACKED)) throw new Error(`There is no ${PACKED}: make it with make.ts.`);
  const folder = mkdtempSync(join(tmpdir(), "parvis-inherited-"));
  tar(["-xzf", PACKED, "-C", folder]);
  const { filledAt } = JSON.parse(readFileSync(MOMENT, "utf8")) as { filledAt: number };
  return {
    dir: join(folder, "pb_data"),
    filledAt,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function pack(dir: string, filledAt: number): void {
  mkdirSync(import.meta.dir, { recursive: true });
  // The log of the calls that filled it, and the program's own types, are no part of it.
  const left = ["auxiliary.db*", "types.d.ts"].map((name) => `--exclude=${name}`);
  const place = ["--transform", "s,^\\.,pb_data,", "-C", dir, "."];
  tar([
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    ...left,
    "-czf",
    PACKED,
    ...place,
  ]);
  writeFileSync(MOMENT, `{ "filledAt": ${filledAt} }\n`);
}

function tar(args: readonly string[]): void {
  const done = Bun.spawnSync(["tar", ...args], { stderr: "pipe" });
  if (done.exitCode !== 0) throw new Error(`tar failed: ${done.stderr.toString()}`);
}
