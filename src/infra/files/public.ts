/** The operator's own web files (`pb_public`), which win over the embedded page. */

import { realpathSync } from "node:fs";
import { join, normalize, sep } from "node:path";

export interface PublicFiles {
  /** The file at an address, or its folder's index.html. Nothing outside the folder, ever. */
  find(pathname: string): Promise<Response | undefined>;
  /** `index.html` for addresses that a single-page application routes itself. */
  fallback(): Promise<Response | undefined>;
}

export function openPublicFiles(dir: string): PublicFiles {
  const find = async (pathname: string): Promise<Response | undefined> => {
    const path = decode(pathname);
    if (path === undefined) return undefined;
    const wanted = join(dir, normalize(`/${path}`));
    const direct = await fileAt(dir, wanted);
    return direct ?? fileAt(dir, join(wanted, "index.html"));
  };
  return { find, fallback: () => find("/index.html") };
}

function decode(pathname: string): string | undefined {
  try {
    const path = decodeURIComponent(pathname);
    return path.includes("\0") ? undefined : path;
  } catch {
    return undefined;
  }
}

/** A link that leads out of the folder is no file of it; dot files are not served. */
async function fileAt(dir: string, path: string): Promise<Response | undefined> {
  if (path.slice(dir.length).includes(`${sep}.`)) return undefined;
  const file = Bun.file(path);
  if (!(await file.exists())) return undefined;
  const root = realpathSync(dir);
  if (!realpathSync(path).startsWith(root + sep)) return undefined;
  return new Response(file, { headers: { "cache-control": "no-cache" } });
}
