/** File types of text. */

import type { MimeType } from "./signatures.ts";

const PLAIN: MimeType = { mime: "text/plain", extension: ".txt" };

/** Tags with which a document begins that has no declaration. */
const HTML =
  /^\s*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[\s>]/i;

const RULES: readonly (readonly [RegExp, MimeType])[] = [
  [/^#!.*\b(?:sh|bash|zsh)\b/, { mime: "text/x-shellscript", extension: ".sh" }],
  [/^<\?php/, { mime: "text/x-php", extension: ".php" }],
  [
    /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->)[\s\S])*-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg[\s/>]/,
    { mime: "image/svg+xml", extension: ".svg" },
  ],
  [/^\s*<\?xml\s/, { mime: "text/xml", extension: ".xml" }],
  [HTML, { mime: "text/html", extension: ".html" }],
  [/^BEGIN:VCARD\r?\n/i, { mime: "text/vcard", extension: ".vcf" }],
  [/^BEGIN:VCALENDAR\r?\n/i, { mime: "text/calendar", extension: ".ics" }],
  [/^WEBVTT(?:\s|$)/, { mime: "text/vtt", extension: ".vtt" }],
];

/** The type of a text by its beginning; `isWhole` when there is no more of it. */
export function sniffText(head: string, isWhole: boolean): MimeType {
  const text = head.replace(/^\ufeff/, "");
  const rule = RULES.find(([pattern]) => pattern.test(text));
  if (rule) return rule[1];
  if (isJson(text, isWhole)) return { mime: "application/json", extension: ".json" };
  if (isTable(text, ",", isWhole)) return { mime: "text/csv", extension: ".csv" };
  if (isTable(text, "\t", isWhole)) {
    return { mime: "text/tab-separated-values", extension: ".tsv" };
  }
  return PLAIN;
}

function isJson(text: string, isWhole: boolean): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  if (!isWhole) return /^\s*(?:\{\s*"[^"]*"\s*:|\[\s*(?:[[{"\d-]|true|false|null))/.test(text);
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Two lines or more with the same number of cells, at least two. A cut last line does not count. */
function isTable(text: string, separator: string, isWhole: boolean): boolean {
  const lines = text.replace(/"[^"]*"/g, "").split(/\r?\n/);
  const full = (isWhole ? lines : lines.slice(0, -1)).filter((line) => line !== "");
  const cells = full.map((line) => line.split(separator).length);
  const [first = 0] = cells;
  return full.length > 1 && first > 1 && cells.every((count) => count === first);
}
