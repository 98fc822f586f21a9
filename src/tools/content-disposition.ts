/** The Content-Disposition header of a download (RFC 6266). */

/**
 * A plain name goes out bare. Any other is sent twice: quoted, with `_` for what old clients do not
 * understand, and as RFC 8187 has it.
 */
export function contentDisposition(kind: "inline" | "attachment", name: string): string {
  if (/^[\w.*\-+=#!$%&'^`|~]+$/.test(name)) return `${kind}; filename=${name}`;
  const simple = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const exact = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, escapeMark);
  return `${kind}; filename="${simple}"; filename*=UTF-8''${exact}`;
}

function escapeMark(mark: string): string {
  return `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;
}
