/** The parts of install.sh that decide: options, what is skipped, and the sum of the checks. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const script = resolve(import.meta.dir, "../../install.sh");
const place = mkdtempSync(join(tmpdir(), "parvis-install-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

interface Outcome {
  status: number;
  out: string;
  err: string;
}

function run(command: string[]): Outcome {
  const done = Bun.spawnSync(command, { env: { ...process.env, XDG_CACHE_HOME: place } });
  return { status: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

/** Runs shell lines with the script's functions loaded; later definitions replace them. */
function withFunctions(...lines: string[]): Outcome {
  return run(["bash", "-c", [`source "${script}"`, ...lines].join("\n")]);
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split("\n").at(-1);
}

describe("options", () => {
  test("--help prints the usage and succeeds", () => {
    const { status, out, err } = run([script, "--help"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toContain("usage: ./install.sh");
  });

  test("an unknown option is named on stderr with the usage, exit code 2", () => {
    const { status, out, err } = run([script, "--sevre"]);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toStartWith("install.sh: unknown option: --sevre\n");
    expect(err).toContain("usage: ./install.sh");
  });
});

const summary = "\n 3 pass\n 2 fail\nRan 5 tests across 2 files. [7.00ms]\n";
const clean = "\n 5 pass\n 0 fail\nRan 5 tests across 2 files. [7.00ms]\n";

function report(tests: number, failures: number, skipped: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="${tests}" assertions="9" failures="${failures}" skipped="${skipped}" time="0.007">
  <testsuite name="a" tests="7" failures="7" skipped="7">
    <testcase name="&lt;testsuites failures=&quot;4&quot;&gt;" />
  </testsuite>
</testsuites>`;
}

const runs: [
  name: string,
  junit: string | undefined,
  printed: string,
  status: number,
  sum: string,
][] = [
  ["all passed", report(5, 0, 0), clean, 0, "5 0 0"],
  ["skipped ones are counted apart", report(7, 0, 2), clean, 0, "5 0 2"],
  ["failures", report(5, 2, 0), summary, 1, "3 2 0"],
  ["a file that does not load is only in the summary", report(3, 0, 0), summary, 1, "3 2 0"],
  ["no report: no file loaded", undefined, summary, 1, "0 2 0"],
  ["a stray exit(0) before the end", undefined, "bun test v1\n(pass) x\n", 0, "0 1 0"],
  ["a crash after some failures", undefined, " 1 fail\n", 132, "0 2 0"],
  ["no file matches the filter", undefined, "did not match any test files\n", 1, "0 1 0"],
  ["a bad status without a failure", report(5, 0, 0), clean, 1, "5 1 0"],
];

describe("a test run in the sum", () => {
  test.each(runs)("%s", (_name, junit, printed, status, sum) => {
    const dir = mkdtempSync(join(place, "run-"));
    const file = join(dir, "junit.xml");
    const { out } = withFunctions(
      "prepare",
      ...(junit === undefined ? [] : [`cat > "${file}" <<'XML'\n${junit}\nXML`]),
      `cat > "${dir}/printed" <<'TEXT'\n${printed}\nTEXT`,
      `add_tests "${file}" "${dir}/printed" ${status}`,
      'echo "$passed $failed $skipped"',
    );
    expect(out).toBe(`${sum}\n`);
  });
});

describe("--test", () => {
  const bun = (lint: number, junit: string) => `
    install_all() { :; }
    ensure_browsers() { :; }
    bun() {
      case "$*" in
        "run lint") return ${lint} ;;
        "run types") ;;
        test*) printf '%s' '${junit}' > "$scratch/tests.xml"; printf '%s' '${clean}' ;;
      esac
    }`;

  test("lint and types count as one check each, the sum is the last line", () => {
    const { status, out } = withFunctions(bun(0, report(5, 0, 0)), "main --test");
    expect({ status, sum: lastLine(out) }).toEqual({ status: 0, sum: "7 passed, 0 failed" });
  });

  test("a failed check fails the run and is named", () => {
    const { status, out, err } = withFunctions(bun(1, report(6, 0, 1)), "main --test");
    expect({ status, sum: lastLine(out) }).toEqual({
      status: 1,
      sum: "6 passed, 1 failed, 1 skipped",
    });
    expect(err).toContain("FAILED: format and lint");
  });

  test("a set-up that fails ends with a sum too", () => {
    const { status, out, err } = withFunctions(
      'install_all() { die "Bun cannot be fetched"; }',
      "main --test",
    );
    expect({ status, out }).toEqual({ status: 1, out: "0 passed, 1 failed\n" });
    expect(err).toContain("install.sh: Bun cannot be fetched");
  });
});

const machines: [system: string, machine: string, libc: string, name: string][] = [
  ["Linux", "aarch64", "GNU libc", "@oven/bun-linux-aarch64"],
  ["Linux", "aarch64", "musl libc", "@oven/bun-linux-aarch64-musl"],
  ["Darwin", "arm64", "", "@oven/bun-darwin-aarch64"],
  ["Darwin", "x86_64", "", "@oven/bun-darwin-x64"],
];

test.each(machines)("Bun's package on %s %s (%s) is %s", (system, machine, libc, name) => {
  const { out } = withFunctions(
    `uname() { case "$1" in -s) echo ${system} ;; -m) echo ${machine} ;; esac; }`,
    `ldd() { echo "${libc}"; return 1; }`,
    "bun_package",
  );
  expect(out).toBe(`${name}\n`);
});

describe("the executable", () => {
  const steps: [name: string, change: string, built: boolean][] = [
    ["is built the first time", "", true],
    ["is not built again", "", false],
    ["is built after a change of a source file", "echo 2 > src/a.ts", true],
    ["is not built after a mere touch", "touch src/a.ts", false],
    ["is built after a new file", "echo > config/b.yaml", true],
    ["is built when it was replaced", "sleep 0.02; echo other > server", true],
    ["is built when it is gone", "rm server", true],
    ["is built for another media worker", "echo new > worker", true],
  ];
  const dir = join(place, "tree");
  for (const folder of ["src", "cli", "config"]) mkdirSync(join(dir, folder), { recursive: true });

  test("follows its inputs", () => {
    const { out } = withFunctions(
      `prepare; root="${dir}"; cd "$root"; PARVIS_MEDIA_WORKER="$root/worker"`,
      'echo \'{ "engines": { "bun": "1.2.3" } }\' > package.json',
      "touch worker bun.lock src/a.ts",
      'bun() { echo built > "$root/server"; chmod +x "$root/server"; }',
      ...steps.map(
        ([, change]) => `${change || ":"}
         case "$(ensure_server 2>&1)" in *"nothing changed"*) echo false ;; *) echo true ;; esac`,
      ),
    );
    const seen = out.trim().split("\n");
    expect(steps.map(([name], index) => `${name}: ${seen[index]}`)).toEqual(
      steps.map(([name, , built]) => `${name}: ${built}`),
    );
  });
});
