/** Statements that operators write, taken apart as far as their outer structure goes. */

const CLOSING: Readonly<Record<string, string>> = { "'": "'", '"': '"', "`": "`", "[": "]" };

export interface Outline {
  /** The text with comments and everything within quotes blanked, each character by a space. */
  readonly bare: string;
  /** Quotes, comments and parentheses all end, and no parenthesis ends that did not begin. */
  readonly balanced: boolean;
  /** Quoted names, without their quotes. */
  readonly names: readonly { readonly start: number; readonly text: string }[];
  /** The text with its comments alone blanked. */
  readonly plain: string;
}

/** Quoting and comments as SQLite reads them. Offsets stay those of the text. */
export function outline(text: string): Outline {
  const names: { readonly start: number; readonly text: string }[] = [];
  let bare = "";
  let plain = "";
  let depth = 0;
  let balanced = true;
  let at = 0;
  while (at < text.length) {
    const end = skip(text, at);
    if (end > at) {
      if (end > text.length) balanced = false;
      if ('"`['.includes(text.charAt(at))) {
        names.push({ start: at + 1, text: text.slice(at + 1, end - 1) });
      }
      const blank = " ".repeat(Math.min(end, text.length) - at);
      bare += blank;
      plain += "-/".includes(text.charAt(at)) ? blank : text.slice(at, end);
      at = end;
      continue;
    }
    const ch = text.charAt(at++);
    if (ch === "(") depth += 1;
    if (ch === ")") depth -= 1;
    if (depth < 0) balanced = false;
    bare += ch;
    plain += ch;
  }
  return { bare, balanced: balanced && depth === 0, names, plain };
}

/** Where a quoted part or comment that begins at `at` ends; `at` for anything else. */
function skip(text: string, at: number): number {
  if (text.startsWith("--", at)) {
    const end = text.indexOf("\n", at);
    return end < 0 ? text.length : end;
  }
  if (text.startsWith("/*", at)) {
    const end = text.indexOf("*/", at + 2);
    // SQLite lets a comment end with the text; nothing may be put after such a text.
    return end < 0 ? text.length + 1 : end + 2;
  }
  const closing = CLOSING[text.charAt(at)];
  if (closing === undefined) return at;
  let end = text.indexOf(closing, at + 1);
  // A doubled quote stands for itself, but for brackets.
  while (end >= 0 && closing !== "]" && text.charAt(end + 1) === closing) {
    end = text.indexOf(closing, end + 2);
  }
  return end < 0 ? text.length + 1 : end + 1;
}

/** Whether the text is more than one statement, or would become more inside of another. */
export function holdsSeparator(text: string): boolean {
  return outline(text).bare.includes(";");
}

/** `from` as `to` wherever it is a whole word or a quoted name, in any case of its letters. */
export function renameWord(text: string, from: string, to: string): string {
  const { bare, names } = outline(text);
  const words = [...bare.matchAll(new RegExp(`(?<!\\w)${from}(?!\\w)`, "gi"))];
  const quoted = names.filter((name) => name.text.toLowerCase() === from.toLowerCase());
  const starts = [...words.map(({ index }) => index), ...quoted.map(({ start }) => start)];
  let out = text;
  for (const start of starts.sort((a, b) => b - a)) {
    out = out.slice(0, start) + to + out.slice(start + from.length);
  }
  return out;
}

export interface SplitOptions {
  /** Characters that end a part. */
  readonly separators: string;
  /** Whether a part keeps the separator that ended it. */
  readonly keep?: boolean;
}

/**
 * The parts between separators that stand outside quotes and parentheses, empty ones left out;
 * undefined where those do not end. Comments are not known here.
 */
export function splitOutside(text: string, options: SplitOptions): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let quote = "";
  let part = "";
  for (const ch of text) {
    if (quote !== "") {
      if (ch === quote) quote = "";
    } else if (ch === "'" || ch === '"' || ch === "`") quote = ch;
    else if (ch === "(") depth += 1;
    else if (ch === ")" && depth > 0) depth -= 1;
    if (depth === 0 && quote === "" && options.separators.includes(ch)) {
      parts.push(options.keep ? part + ch : part);
      part = "";
    } else part += ch;
  }
  if (depth > 0 || quote !== "") return undefined;
  parts.push(part);
  const trimmed = options.keep ? parts : parts.map((each) => each.trim());
  return trimmed.filter((each) => each !== "");
}
