/**
 * Builds `./server`: bundles the pages and the client library, lays out what the executable carries
 * in dist/assets, and compiles. `bun src/infra/assets/build.ts [--assets-only]`.
 *
 * PARVIS_MEDIA_WORKER names the media worker to embed; unset: the newest one that `install.sh` left
 * in the cache. An executable without one starts only with `rtc.enabled: false`.
 */

import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { bundleWeb } from "./bundle.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const DIST = join(ROOT, "dist");
const ASSETS = join(DIST, "assets");

async function layOutAssets(worker: string | undefined): Promise<void> {
  rmSync(ASSETS, { recursive: true, force: true });
  mkdirSync(ASSETS, { recursive: true });
  await bundleWeb(ASSETS);
  mkdirSync(join(ASSETS, "config"), { recursive: true });
  cpSync(join(ROOT, "config/realtime.yaml"), join(ASSETS, "config/realtime.yaml"));
  copyFileSync(bcryptAddon(), join(ASSETS, "bcrypt.node"));
  if (worker) copyFileSync(worker, join(ASSETS, "mediasoup-worker"));
}

async function compile(outfile: string): Promise<void> {
  const partial = `${outfile}.${process.pid}`;
  const child = Bun.spawn(
    [
      process.execPath,
      "build",
      "--compile",
      "--production",
      "--bytecode",
      // Bytecode defaults to CommonJS, which bakes this machine's paths in.
      "--format=esm",
      "--sourcemap",
      // A `.env` or bunfig.toml where the operator stands must not run code in the server.
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      `--asset=${ASSETS}`,
      join(ROOT, "cli/main.ts"),
      "--outfile",
      partial,
    ],
    { cwd: ROOT, stdout: "pipe", stderr: "pipe" },
  );
  const [output, failure] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) {
    rmSync(partial, { force: true });
    throw new Error(`bun build failed:\n${output}${failure}`);
  }
  // The map is inside the executable; the compiler leaves a copy beside it.
  rmSync(`${partial}.map`, { force: true });
  renameSync(partial, outfile);
}

/** The one of the package's addons that is for this machine, as the package itself chooses it. */
function bcryptAddon(): string {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("bcrypt/package.json");
  const choice: unknown = createRequire(manifest)("node-gyp-build");
  return (choice as { path(folder: string): string }).path(dirname(manifest));
}

function cachedWorker(): string | undefined {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "parvis/media-worker");
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .map((version) => join(folder, version, "mediasoup-worker"))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

async function main(): Promise<void> {
  const worker = process.env.PARVIS_MEDIA_WORKER || cachedWorker();
  if (worker && !existsSync(worker)) throw new Error(`no media worker at ${worker}`);
  await layOutAssets(worker);
  if (process.argv.includes("--assets-only")) return;
  const outfile = join(ROOT, "server");
  await compile(outfile);
  const megabytes = Math.round(statSync(outfile).size / 1e6);
  const carries = worker ? "with its media worker" : "WITHOUT a media worker";
  process.stdout.write(`built ${outfile}: ${megabytes} MB, ${carries}\n`);
}

await main();
