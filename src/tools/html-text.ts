/** The readable text of HTML, for excerpts: one pass over the markup, no document is built. */

/** Elements whose content is no reading matter. */
const SKIPPED = new Set(
  "head style script iframe embed applet object svg img picture dialog template button form"
    .split(" ")
    .concat("textarea input select option title".split(" ")),
);
/** Elements whose content is not markup: only their own end tag ends them. */
const RAW = new Set(["style", "script", "iframe", "textarea", "title"]);
/** Elements that never have content. */
const VOID = new Set(
  "area base br col embed hr img input link meta param source track wbr".split(" "),
);
/** Elements inside a line: their edges are no gap between words. */
const INLINE = new Set(
  "a abbr acronym b bdo big br button cite code em i label q small span strong strike sub sup time".split(
    " ",
  ),
);

interface Tag {
  readonly name: string;
  readonly closes: boolean;
  /** Index after the tag. */
  readonly end: number;
}

/**
 * The text of an HTML fragment with blanks collapsed, cut to `max` code points; `ellipsis` adds
 * three dots where it was cut. Reads no more of the markup than that takes.
 */
export function htmlExcerpt(html: string, max: number, ellipsis: boolean): string {
  // Two more than asked for: trimming takes at most a blank, and one more tells that it was cut.
  const text = new Gatherer(html, max + 2).read().trim();
  const points = [...text];
  if (points.length <= max) return text;
  return points.slice(0, max).join("").trim() + (ellipsis ? "..." : "");
}

class Gatherer {
  readonly #html: string;
  readonly #enough: number;
  #text = "";
  #count = 0;
  /** The skipped element being in, and how many of its name are open. */
  #skipped = "";
  #depth = 0;

  constructor(html: string, enough: number) {
    this.#html = html;
    this.#enough = enough;
  }

  read(): string {
    let at = 0;
    while (at < this.#html.length && this.#count <= this.#enough) {
      const open = this.#html.indexOf("<", at);
      const end = open < 0 ? this.#html.length : open;
      if (this.#skipped === "") this.#write(this.#html.slice(at, end));
      at = open < 0 ? end : this.#markup(open);
    }
    return this.#text;
  }

  /** Reads what begins with `<`; returns the index after it. */
  #markup(at: number): number {
    const html = this.#html;
    if (html.startsWith("<!--", at)) return after(html, "-->", at + 4);
    if (/[!?]/.test(html[at + 1] ?? "")) return after(html, ">", at + 2);
    const tag = readTag(html, at);
    if (!tag) {
      if (this.#skipped === "") this.#write("<");
      return at + 1;
    }
    if (this.#skipped !== "") this.#inside(tag);
    else if (SKIPPED.has(tag.name)) {
      if (tag.closes || VOID.has(tag.name)) return tag.end;
      if (RAW.has(tag.name)) return afterRaw(html, tag);
      this.#skipped = tag.name;
      this.#depth = 1;
    } else if (!INLINE.has(tag.name)) this.#gap();
    return tag.end;
  }

  #inside(tag: Tag): void {
    if (tag.name !== this.#skipped) return;
    this.#depth += tag.closes ? -1 : 1;
    if (this.#depth === 0) this.#skipped = "";
  }

  #gap(): void {
    if (!this.#text.endsWith(" ")) this.#add(" ");
  }

  /** No more of a long text is looked at than may be needed: blanks apart, a reference is a few. */
  #write(raw: string): void {
    for (const [piece] of raw.matchAll(/[\t\n\f\r ]+|[^\t\n\f\r &]{1,64}|&[a-z\d#]{0,32};?/giu)) {
      if (this.#count > this.#enough) return;
      if (/^[\t\n\f\r ]/.test(piece)) this.#gap();
      else this.#add(piece.startsWith("&") ? decodeReference(piece) : piece);
    }
  }

  #add(text: string): void {
    this.#text += text;
    for (const _ of text) this.#count++;
  }
}

/** Undefined for a `<` that begins no tag. An unfinished tag reaches to the end. */
function readTag(html: string, at: number): Tag | undefined {
  const head = /^<(\/?)([a-z][a-z\d-]{0,63})/i.exec(html.slice(at, at + 67));
  if (!head) return undefined;
  let end = at + head[0].length;
  let quote = "";
  for (; end < html.length; end++) {
    const ch = html[end] ?? "";
    if (quote !== "") quote = ch === quote ? "" : quote;
    else if (ch === '"' || ch === "'") quote = ch;
    else if (ch === ">") break;
  }
  return { name: (head[2] ?? "").toLowerCase(), closes: head[1] === "/", end: end + 1 };
}

function after(html: string, mark: string, from: number): number {
  const found = html.indexOf(mark, from);
  return found < 0 ? html.length : found + mark.length;
}

function afterRaw(html: string, tag: Tag): number {
  const close = new RegExp(`</${tag.name}[\\s/>]`, "gi");
  close.lastIndex = tag.end;
  const found = close.exec(html);
  return found ? after(html, ">", found.index) : html.length;
}

/** The named references that texts are full of; others stay as they are written. */
const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  apos: "'",
  bull: "•",
  cent: "¢",
  copy: "©",
  deg: "°",
  euro: "€",
  gt: ">",
  hellip: "…",
  laquo: "«",
  ldquo: "“",
  lsquo: "‘",
  lt: "<",
  mdash: "—",
  middot: "·",
  nbsp: "\u00a0",
  ndash: "–",
  para: "¶",
  pound: "£",
  quot: '"',
  raquo: "»",
  rdquo: "”",
  reg: "®",
  rsquo: "’",
  sect: "§",
  shy: "\u00ad",
  times: "×",
  trade: "™",
  yen: "¥",
};

function decodeReference(text: string): string {
  const match = /^&(?:#x([\da-f]{1,6})|#(\d{1,7})|([a-z]{2,8}));?$/i.exec(text);
  if (!match) return text;
  const name = match[3];
  if (name) return text.endsWith(";") && Object.hasOwn(NAMED, name) ? (NAMED[name] ?? text) : text;
  const code = match[1] ? Number.parseInt(match[1], 16) : Number(match[2]);
  const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return valid ? String.fromCodePoint(code) : "\ufffd";
}
