/** What keeps the server from starting is said in one line, with the right exit code. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawPort, freshHome, type Home, type RunOptions, run } from "../fixtures/executable.ts";

let home: Home;

beforeAll(() => {
  home = freshHome();
});

afterAll(() => home[Symbol.dispose]());

interface Row {
  readonly name: string;
  readonly code: number;
  readonly says: RegExp;
  /** Makes the trouble in an empty folder; returns the flags and what ends the trouble. */
  prepare(folder: string): Trouble | Promise<Trouble>;
}

interface Trouble {
  readonly args: readonly string[];
  readonly options?: RunOptions;
  end?(): void;
}

const rows: readonly Row[] = [
  {
    name: "an unknown key in the configuration",
    code: 2,
    says: /config\.yaml:3:5\b.*roms.*did you mean.*rooms/i,
    prepare(folder) {
      const path = join(folder, "config.yaml");
      writeFileSync(path, "# mine\nserver:\n    roms:\n      grace: 5s\n");
      return { args: ["--config", path] };
    },
  },
  {
    name: "a configuration file that is not there",
    code: 2,
    says: /missing\.yaml/,
    prepare: (folder) => ({ args: ["--config", join(folder, "missing.yaml")] }),
  },
  {
    name: "an unknown flag",
    code: 2,
    says: /--htpp/,
    prepare: () => ({ args: ["--htpp", "127.0.0.1:0"] }),
  },
  {
    name: "an HTTP port that another program holds",
    code: 1,
    says: /127\.0\.0\.1:\d+ is taken by another program/,
    prepare() {
      const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
      return { args: ["--http", `127.0.0.1:${other.port}`], end: () => void other.stop(true) };
    },
  },
  {
    name: "a media port that another program holds",
    code: 1,
    says: /media port \d+ .*taken/i,
    prepare() {
      const port = drawPort();
      const handlers = { data: () => undefined };
      const other = Bun.listen({ hostname: "0.0.0.0", port, socket: handlers });
      return { args: ["--rtc-port", String(port)], end: () => other.stop(true) };
    },
  },
  {
    name: "a data directory that cannot be made",
    code: 1,
    says: /pb_data.*(cannot|not) .*writ|cannot .*write.*pb_data/i,
    prepare(folder) {
      chmodSync(folder, 0o555);
      return { args: [], options: { asNobody: true } };
    },
  },
  {
    name: "a data directory without the right to write in it",
    code: 1,
    says: /pb_data.*(cannot|not) .*writ|cannot .*write.*pb_data/i,
    prepare(folder) {
      mkdirSync(join(folder, "pb_data"));
      chmodSync(join(folder, "pb_data"), 0o555);
      return { args: [], options: { asNobody: true } };
    },
  },
  {
    name: "a data directory in use that was made read-only",
    code: 1,
    says: /pb_data.*(cannot|not) .*writ|cannot .*write.*pb_data/i,
    async prepare(folder) {
      const dir = join(folder, "pb_data");
      const made = await run(home, ["migrate", "up", "--dir", dir], { asNobody: true });
      expect(made.code).toBe(0);
      for (const file of readdirSync(dir)) chmodSync(join(dir, file), 0o444);
      chmodSync(dir, 0o555);
      return { args: [], options: { asNobody: true } };
    },
  },
  {
    name: "a data directory that is a file",
    code: 1,
    says: /pb_data/,
    prepare(folder) {
      writeFileSync(join(folder, "pb_data"), "");
      return { args: [] };
    },
  },
];

test.each(rows.map((row) => [row.name, row] as const))("%s", async (name, row) => {
  const folder = join(home.path, name.replaceAll(" ", "-"));
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  const { args, options, end } = await row.prepare(folder);
  const usual = ["--http", "127.0.0.1:0", "--rtc-port", String(drawPort())];
  const dir = ["--dir", join(folder, "pb_data")];
  const outcome = await run(home, ["serve", ...usual, ...dir, ...args], options);
  end?.();
  chmodSync(folder, 0o777);
  expect({ code: outcome.code, out: outcome.out }).toEqual({ code: row.code, out: "" });
  expect(outcome.err).toMatch(row.says);
  expect(outcome.err.trimEnd().split("\n"), outcome.err).toHaveLength(1);
});
