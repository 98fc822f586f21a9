/**
 * Bundles the pages and the client library. Everything a page loads lies below `_/`: an operator's
 * own public files can take the place of a page, never of a part of one.
 */

import { cpSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const SOURCES = resolve(import.meta.dir, "../..");
/** Used as published, so that its licence stays with it; for the page of the API document. */
const SWAGGER_UI = "swagger-ui-dist";

/** From → to, below `web/` of the sources and of the folder. */
const BUNDLED: Readonly<Record<string, string>> = {
  "web/app.ts": "web/_/app.js",
  "web/admin.ts": "web/_/admin.js",
  "web/docs.ts": "web/_/docs.js",
  "web/style.css": "web/_/style.css",
  "client/index.ts": "client.js",
};
const COPIED: Readonly<Record<string, string>> = {
  "web/index.html": "web/index.html",
  "web/admin.html": "web/admin.html",
  "web/docs.html": "web/docs.html",
  "web/icon.svg": "web/_/icon.svg",
};
const COPIED_SWAGGER_UI: Readonly<Record<string, string>> = {
  "swagger-ui-bundle.js": "web/_/swagger-ui.js",
  "swagger-ui.css": "web/_/swagger-ui.css",
  LICENSE: "web/_/swagger-ui.LICENSE.txt",
  NOTICE: "web/_/swagger-ui.NOTICE.txt",
};

/**
 * Writes `client.js` (an ES module) and `web/…` into the folder and returns their paths below it.
 * Error: what the bundler found wrong.
 */
export async function bundleWeb(outDir: string): Promise<string[]> {
  mkdirSync(join(outDir, "web/_"), { recursive: true });
  for (const [from, to] of Object.entries(BUNDLED)) {
    await Bun.write(join(outDir, to), await bundle(join(SOURCES, from)));
  }
  const swaggerUi = dirname(Bun.resolveSync(`${SWAGGER_UI}/package.json`, SOURCES));
  for (const [from, to] of Object.entries(COPIED)) cpSync(join(SOURCES, from), join(outDir, to));
  for (const [from, to] of Object.entries(COPIED_SWAGGER_UI)) {
    cpSync(join(swaggerUi, from), join(outDir, to));
  }
  return [BUNDLED, COPIED, COPIED_SWAGGER_UI].flatMap((files) => Object.values(files)).sort();
}

async function bundle(entry: string): Promise<Blob> {
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    format: "esm",
    minify: true,
    sourcemap: "none",
    throw: true,
  });
  const [output] = outputs;
  if (!output || outputs.length > 1) throw new Error(`${entry}: one output expected`);
  return output;
}
