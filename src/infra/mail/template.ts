/** Mails from the texts that operators write, with placeholders like `{APP_NAME}`. */

import { escapeHtml } from "./text.ts";

export interface MailTemplate {
  readonly subject: string;
  /** HTML. */
  readonly body: string;
}

/** Texts by placeholder without its braces: `APP_NAME`, `RECORD:name`. */
export type Placeholders = ReadonlyMap<string, string>;

export interface FilledTemplate {
  readonly subject: string;
  /** A whole HTML document. */
  readonly html: string;
}

const PLACEHOLDER = /\{([A-Z_]+(?::\w+)?)\}/g;

/**
 * Fills a template in one pass, so that a value which looks like a placeholder stays text. Values
 * are escaped in the body; unknown placeholders stay as they are.
 */
export function fillTemplate(template: MailTemplate, values: Placeholders): FilledTemplate {
  const fill = (text: string, show: (value: string) => string) =>
    text.replace(PLACEHOLDER, (whole, name: string) => {
      const value = values.get(name);
      return value === undefined ? whole : show(value);
    });
  const subject = fill(template.subject, (value) => value)
    .replace(/\s+/g, " ")
    .trim();
  return { subject, html: layout(fill(template.body, escapeHtml)) };
}

function layout(content: string): string {
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { margin: 0; padding: 24px; font: 15px/1.5 sans-serif; color: #1d2330; background: #fff; }
main { max-width: 560px; margin: 0 auto; overflow-wrap: anywhere; }
a { color: #2a5bd7; }
</style>
</head>
<body><main>${content}</main></body>
</html>
`;
}
