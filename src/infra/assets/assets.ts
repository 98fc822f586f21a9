/**
 * What the executable carries: pages, the client library, the default configuration, the media
 * worker. In development the same files lie in `dist/assets`, made by the build.
 */

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { fail } from "../../base/errors.ts";

export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Media type with charset. */
  readonly type: string;
  /** Quoted, as the header has it. */
  readonly etag: string;
}

export interface Assets {
  /** By path below the assets folder; undefined when there is none. */
  find(path: string): Asset | undefined;
  /**
   * Puts an embedded program or library into the data directory `dir`, named after its hash, and
   * returns its path. Done once: a file that is there and has the right hash is used as it is.
   * Those of other versions stay: a server may run on them, beside a command of this version.
   * Errors: 503 `asset_missing`, `data_dir_unwritable`.
   */
  unpack(path: string, dir: string): string;
}

/** In the data directory: what had to be put on disk to be run. */
const RUNTIME_DIR = ".runtime";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  yaml: "text/yaml; charset=utf-8",
  woff2: "font/woff2",
};

/** `root` is the folder of the assets, inside the executable or on disk. */
export function openAssets(root: string): Assets {
  const cache = new Map<string, Asset>();
  const read = (path: string): Uint8Array<ArrayBuffer> | undefined => {
    const clean = normalize(`/${path}`).slice(1);
    const file = join(root, clean);
    return clean !== "" && !clean.endsWith("/") && existsSync(file)
      ? new Uint8Array(readFileSync(file))
      : undefined;
  };
  return {
    find(path) {
      const known = cache.get(path);
      if (known) return known;
      const extension = path.slice(path.lastIndexOf(".") + 1);
      const type = TYPES[extension];
      const bytes = type ? read(path) : undefined;
      if (!type || !bytes) return undefined;
      const asset: Asset = { bytes, type, etag: `"${hash(bytes)}"` };
      // Only files that exist are kept, so the cache is no larger than the executable's assets.
      cache.set(path, asset);
      return asset;
    },
    unpack(path, dir) {
      const bytes = read(path);
      if (!bytes) throw fail.unavailable("asset_missing", `This build carries no ${path}.`);
      return unpackTo(join(dir, RUNTIME_DIR), path.replaceAll("/", "-"), bytes);
    },
  };
}

function unpackTo(dir: string, name: string, bytes: Uint8Array): string {
  const target = join(dir, `${name}-${hash(bytes)}`);
  if (existsSync(target) && hash(readFileSync(target)) === hash(bytes)) return target;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const partial = `${target}.${process.pid}`;
    writeFileSync(partial, bytes, { mode: 0o700 });
    chmodSync(partial, 0o700);
    renameSync(partial, target);
  } catch (cause) {
    throw fail.unavailable("data_dir_unwritable", `Cannot write ${target}.`, { cause });
  }
  return target;
}

function hash(bytes: Uint8Array): string {
  return Bun.hash(bytes).toString(36);
}
