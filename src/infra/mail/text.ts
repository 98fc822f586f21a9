/** The readable text of a mail's HTML: addresses of links stay, layout becomes line breaks. */

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  apos: "'",
  gt: ">",
  lt: "<",
  nbsp: " ",
  quot: '"',
};

export function htmlToText(html: string): string {
  const body = /<body[^>]*>([\s\S]*)<\/body>/i.exec(html)?.[1] ?? html;
  return decode(
    body
      .replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, "")
      .replace(/[ \t\r\n]+/g, " ")
      .replace(/<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)<\/a>/gi, (_, href: string, inner: string) => {
        const shown = inner.replace(/<[^>]*>/g, "").trim();
        return shown === "" || shown === href ? href : `${shown} (${href})`;
      })
      .replace(/<br\s*\/?>/gi, "\n")
      .replace(/<\/(p|div|h[1-6]|li|tr|ul|ol|table)>/gi, "\n\n")
      .replace(/<[^>]*>/g, ""),
  )
    .replace(/[ \t]*\n[ \t]*/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/** Text as it stands in HTML, in an attribute's value too. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,6})|(\w{2,6}));/g, (whole, code?: string, name?: string) => {
    if (code) return Number(code) <= 0x10ffff ? String.fromCodePoint(Number(code)) : whole;
    return (name && Object.hasOwn(NAMED, name) && NAMED[name]) || whole;
  });
}
