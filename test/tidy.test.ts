/** The design as a test: ranks of imports, shape of folders, lengths, banned calls. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const FILES = trackedFiles();
const SOURCES = FILES.filter((file) => /^(src|cli|config)\/.*\.ts$/.test(file));
const FEATURE_ORDER = featureOrder();

/** Tracked files and new ones that git does not ignore, as paths from the root. */
function trackedFiles(): string[] {
  const list = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
  });
  const names = list.stdout.toString().trim().split("\n");
  return names.filter((name) => Bun.file(join(ROOT, name)).size > 0);
}

function text(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function featureOrder(): string[] {
  const index = text("src/features/index.ts");
  const list = index.slice(index.indexOf("return ["));
  return [...list.matchAll(/^\s{4}(\w+)/gm)].map((match) => match[1] ?? "");
}

/** Height in the stack; a file imports only from lower ranks or its own folder. */
function rank(file: string): number {
  if (/^src\/(base|tools)\//.test(file)) return 0;
  if (/^(src\/infra|config)\//.test(file)) return 1;
  if (file.startsWith("src/core/")) return 2;
  if (file.startsWith("src/features/")) return 3;
  if (file.startsWith("src/wires/")) return 4;
  if (file === "src/app.ts") return 5;
  if (file === "src/server.ts") return 6;
  if (file.startsWith("cli/")) return 7;
  return -1;
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const pattern =
    /^(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\("([^"]+)"\)/gm;
  return [...text(file).matchAll(pattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? "";
    const local = specifier.startsWith(".");
    const to = local ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier;
    return { from: file, to, typeOnly: match[1] !== undefined };
  });
}

function folder(file: string): string {
  const parts = file.split("/");
  if (/^src\/(features|infra|wires|tools)\//.test(file)) return parts.slice(0, 3).join("/");
  return parts.slice(0, file.startsWith("src/") ? 2 : 1).join("/");
}

function rankFault({ from, to, typeOnly }: Import): string | undefined {
  if (/^src\/(client|web)\//.test(from)) {
    const own = /^src\/(client|web)\//.test(to) || !to.startsWith("src/");
    return own || typeOnly ? undefined : "the browser's side imports only types of the server";
  }
  if (!/^(src|cli|config)\//.test(to) || folder(from) === folder(to)) return undefined;
  if (/^src\/features\//.test(from) && /^src\/features\//.test(to)) return featureFault(from, to);
  if (from === "src/features/index.ts" && rank(to) === 1) return undefined;
  const up = rank(to) > rank(from) || rank(to) === -1;
  const sideways = rank(to) === rank(from) && rank(from) > 0 && !/^src\/wires\/http\//.test(to);
  const base = /^src\/base\//.test(from) && /^src\/tools\//.test(to);
  const configUp = /^config\//.test(from) && /^src\/infra\//.test(to);
  const sameRank = sideways && !(rank(from) === 1);
  return up || sameRank || base || configUp ? `${from} may not import ${to}` : undefined;
}

function featureFault(from: string, to: string): string | undefined {
  if (from === "src/features/index.ts") return undefined;
  const [mine, theirs] = [from.split("/")[2] ?? "", to.split("/")[2] ?? ""];
  if (basename(to) !== "index.ts") return `features import ${theirs} through its index.ts`;
  return FEATURE_ORDER.indexOf(theirs) < FEATURE_ORDER.indexOf(mine)
    ? undefined
    : `${theirs} is not below ${mine} in features/index.ts`;
}

function faults(check: (file: string) => string | string[] | undefined, files = SOURCES): string[] {
  return files.flatMap((file) => {
    const found = check(file);
    return found === undefined ? [] : [found].flat().map((fault) => `${file}: ${fault}`);
  });
}

test("the scan sees the tree", () => {
  expect(SOURCES.length).toBeGreaterThan(60);
  expect(FEATURE_ORDER).toContain("records");
  expect(importsOf("src/app.ts").length).toBeGreaterThan(10);
});

test("imports point down the ranks", () => {
  expect(faults((file) => importsOf(file).flatMap((entry) => rankFault(entry) ?? []))).toEqual([]);
});

test("each outside thing has one importer", () => {
  const owners: readonly (readonly [RegExp, RegExp])[] = [
    [/^bun:sqlite$/, /^src\/infra\/db\//],
    [/^mediasoup/, /^src\/infra\/media\//],
    [/^node:(fs|child_process|net|dgram|os|http)/, /^(src\/infra|config|cli)\//],
    [/^elysia/, /^src\/(wires|server\.ts)/],
    [/^jose$/, /^src\/features\/auth\//],
    [/^commander$/, /^cli\//],
    [/^yaml$/, /^config\//],
  ];
  const check = (file: string) =>
    importsOf(file).flatMap(({ to }) =>
      owners.flatMap(([name, owner]) => (name.test(to) && !owner.test(file) ? [to] : [])),
    );
  expect(faults(check)).toEqual([]);
});

test("features have the files that features have", () => {
  const allowed =
    /^src\/features\/\w+\/((index|schema|migrations|store|service|operations|events|runtime|http)\.ts|(schema|store|service|operations|runtime)\/([\w-]+\/)?[\w-]+\.ts)$/;
  const features = SOURCES.filter((file) => /^src\/features\/\w+\//.test(file));
  expect(features.filter((file) => !allowed.test(file))).toEqual([]);
});

test("files keep their length, the kernel its size, names their meaning", () => {
  const lines = (file: string) => text(file).split("\n").length - 1;
  const code = FILES.filter((file) => /\.(ts|css|html|sh)$/.test(file));
  expect(code.filter((file) => lines(file) > 500)).toEqual([]);
  const kernel = SOURCES.filter((file) => file.startsWith("src/core/"));
  expect(kernel.reduce((sum, file) => sum + lines(file), 0)).toBeLessThanOrEqual(2000);
  expect(
    FILES.filter((file) => /(^|\/|-)(utils?|helpers?|common|manager|misc)\b/i.test(file)),
  ).toEqual([]);
});

test("lines fit 100 columns", () => {
  const long = (file: string) =>
    text(file)
      .split("\n")
      .flatMap((line, index) => ([...line].length > 100 ? [`line ${index + 1}`] : []));
  const code = FILES.filter((file) => /\.(ts|css|sh|yaml)$/.test(file));
  // A URL or a regular expression cannot be broken; those lines have no space to break at.
  const breakable = (file: string) =>
    long(file).filter((fault) => {
      const line = text(file).split("\n")[Number(fault.slice(5)) - 1] ?? "";
      return / /.test(line.trim().slice(60, 100)) && !/[/^$].*[/^$]|`|"/.test(line);
    });
  expect(faults(breakable, code)).toEqual([]);
});

test("no code reads clock, chance, environment or console where they are parameters", () => {
  const banned =
    /\bDate\.now\(|new Date\(\)|Math\.random|performance\.now|getRandomValues|randomUUID|process\.env|Bun\.env|\bset(Timeout|Interval)\(|\bfetch\(/;
  const exempt =
    /^(cli\/|config\/load|src\/(client|web)\/|src\/base\/(clock|ids)\.ts|src\/infra\/media\/worker|src\/infra\/db\/(writer|reading-thread)|src\/infra\/assets\/(build|bundle))/;
  const check = (file: string) =>
    exempt.test(file)
      ? undefined
      : text(file)
          .split("\n")
          .flatMap((line, index) =>
            banned.test(line) && !/^\s*(\*|\/\/)/.test(line) ? [`line ${index + 1}`] : [],
          );
  expect(faults(check)).toEqual([]);
});

test("nothing is left for later, skipped, or bound to one machine", () => {
  const here = "test/tidy.test.ts";
  const all = FILES.filter(
    (file) => /\.(ts|md|sh|json|yaml|toml|html|css)$/.test(file) && file !== here,
  );
  const pattern =
    /\b(TODO|FIXME|XXX|HACK)\b|\btest\.(skip|only|todo)\b|\bdescribe\.(skip|only)\b|@ts-(ignore|nocheck|expect-error)|registry\.npmjs|deb\.debian\.org|\/work\/|\.\.\/shared|(^|[^.])shared\/(spec|notes)/;
  const check = (file: string) =>
    text(file)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`line ${index + 1}: ${line.trim()}`] : []));
  expect(faults(check, all)).toEqual([]);
});
