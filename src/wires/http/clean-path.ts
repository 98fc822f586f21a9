/** Paths with doubled slashes are sent to the address they stand for. */

import { splitAddress } from "./call.ts";

/**
 * A redirect (307: method and body stay) to the path without its doubled slashes, undefined where
 * there are none. Dot segments are gone before a request comes here: the runtime resolves them.
 */
export function redirectToCleanPath(request: Request): Response | undefined {
  const { pathname, search } = splitAddress(request.url);
  if (!pathname.includes("//")) return undefined;
  const location = pathname.replaceAll(/\/{2,}/g, "/") + search;
  const headers = { location };
  if (request.method !== "GET") return new Response(null, { status: 307, headers });
  // The short note that RFC 9110 (section 15.4) wants for people.
  const note = `<a href="${Bun.escapeHTML(location)}">Temporary Redirect</a>.\n\n`;
  const type = "text/html; charset=utf-8";
  return new Response(note, { status: 307, headers: { ...headers, "content-type": type } });
}
