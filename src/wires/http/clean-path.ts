/** Paths with doubled slashes are sent to the address they stand for. */

/**
 * A redirect (307: method and body stay) to the path without its doubled slashes, undefined where
 * there are none. Dot segments are gone before a request comes here: the runtime resolves them.
 */
export function redirectToCleanPath(request: Request): Response | undefined {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  const path = query < 0 ? url.slice(start) : url.slice(start, query);
  if (!path.includes("//")) return undefined;
  const location = path.replaceAll(/\/{2,}/g, "/") + (query < 0 ? "" : url.slice(query));
  const headers = { location };
  if (request.method !== "GET") return new Response(null, { status: 307, headers });
  // The short note that RFC 9110 (section 15.4) wants for people.
  const note = `<a href="${Bun.escapeHTML(location)}">Temporary Redirect</a>.\n\n`;
  const type = "text/html; charset=utf-8";
  return new Response(note, { status: 307, headers: { ...headers, "content-type": type } });
}
