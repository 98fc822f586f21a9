/**
 * Pages and files: the operator's `pb_public` first, then what the executable carries. Whatever no
 * route of the API took ends here.
 */

import type { Asset, Assets } from "../../infra/assets/assets.ts";
import type { PublicFiles } from "../../infra/files/public.ts";
import { type Mount, mountFallback, mountRoute } from "../http/mount.ts";
import { notFound } from "../http/respond.ts";

const CSP = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob: mediastream:",
  "font-src 'self' data:",
  "frame-ancestors 'self'",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");

/** Addresses of the embedded pages. */
const PAGES: Readonly<Record<string, string>> = {
  "/": "web/index.html",
  "/client.js": "client.js",
  "/_": "web/admin.html",
  "/_/": "web/admin.html",
  "/api/docs": "web/docs.html",
};

export interface PageSources {
  readonly assets: Assets;
  readonly publicFiles: PublicFiles;
  /** The API document, made once. */
  readonly openApi: () => string;
}

export function mountPages(mount: Mount, sources: PageSources): void {
  const serve = (request: Request) => serveFile(sources, request);
  mountRoute(
    mount,
    { method: "GET", path: "/api/openapi" },
    {
      handler: async () => ({
        status: 200,
        body: sources.openApi(),
        headers: { "content-type": "application/json" },
      }),
    },
  );
  mountFallback(mount, serve);
}

async function serveFile(sources: PageSources, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method !== "GET" && request.method !== "HEAD") return notFound();
  const page = PAGES[pathname];
  const reserved = pathname.startsWith("/api/") || pathname.startsWith("/_");
  if (!reserved) {
    const own = await sources.publicFiles.find(pathname);
    if (own) return own;
  }
  const asset = sources.assets.find(page ?? `web${pathname}`);
  if (asset) return assetResponse(asset, request);
  const fallback = reserved ? undefined : await sources.publicFiles.fallback();
  return fallback ?? notFound();
}

function assetResponse(asset: Asset, request: Request): Response {
  const headers = {
    "content-type": asset.type,
    "cache-control": "no-cache",
    etag: asset.etag,
    ...(asset.type.startsWith("text/html") ? { "content-security-policy": CSP } : {}),
  };
  if (request.headers.get("if-none-match") === asset.etag) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(request.method === "HEAD" ? null : asset.bytes, { headers });
}
