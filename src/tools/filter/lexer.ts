/**
 * Words of the filter language. One pass over the text, nothing is looked at twice: hostile input
 * costs no more than its length.
 *
 *     identifier  [A-Za-z@_#][A-Za-z0-9_.:]*   not ending in "." or ":", more than its first sign
 *     number      -?digits[.digits]            no exponent
 *     text        '…' or "…"                   \ before the same quote stands for the quote
 *     comment     // to the end of the line
 */

import { type AppError, fail } from "../../base/errors.ts";

export type TokenKind =
  | "identifier"
  /** A name with the bracket that opens its arguments; no space may stand between them. */
  | "call"
  | "number"
  | "text"
  | "operator"
  | "join"
  | "open"
  | "close"
  | "comma"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a text its content, of a call its name. */
  readonly text: string;
  /** Position of the first character, from 1. */
  readonly at: number;
}

const OPERATORS = new Set(["=", "!=", "<", "<=", ">", ">=", "~", "!~"]);
const IDENTIFIER = /[A-Za-z@_#][A-Za-z0-9_.:]*/y;
const NUMBER = /-?[0-9]*(?:\.[0-9]*)?/y;
const SIGNS = /[=?!<>~]+/y;
const JOINS = /[&|]+/y;
const PUNCTUATION: Readonly<Record<string, TokenKind>> = {
  "(": "open",
  ")": "close",
  ",": "comma",
};

/** 400 `invalid_filter`. The sentence quotes nothing but the caller's own text. */
export function invalidFilter(message: string): AppError {
  return fail.invalid("invalid_filter", message);
}

export class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next word; `end` again and again after the last. Error: 400 `invalid_filter`. */
  next(): Token {
    this.#skip();
    const start = this.#at;
    const first = this.#text[start];
    if (first === undefined) return { kind: "end", text: "", at: start + 1 };
    const punctuation = PUNCTUATION[first];
    if (punctuation) {
      this.#at++;
      return { kind: punctuation, text: first, at: start + 1 };
    }
    if (first === "'" || first === '"') return this.#quoted(first);
    if (/[A-Za-z@_#]/.test(first)) return this.#identifier();
    if (/[-0-9]/.test(first)) return this.#number();
    if (/[=?!<>~]/.test(first)) return this.#operator();
    if (first === "&" || first === "|") return this.#join();
    throw this.#unexpected(start);
  }

  #skip(): void {
    for (;;) {
      const sign = this.#text[this.#at];
      if (sign === " " || sign === "\t" || sign === "\n") this.#at++;
      else if (sign === "/" && this.#text[this.#at + 1] === "/") {
        const end = this.#text.indexOf("\n", this.#at);
        this.#at = end === -1 ? this.#text.length : end + 1;
      } else return;
    }
  }

  #quoted(quote: string): Token {
    const start = this.#at;
    let end = start + 1;
    for (;;) {
      const sign = this.#text[end];
      // Text with NUL could not be told from its beginning in every database.
      if (sign === undefined || sign === "\0") {
        throw invalidFilter(`The text that begins at position ${start + 1} has no end.`);
      }
      if (sign === quote && this.#text[end - 1] !== "\\") break;
      end++;
    }
    this.#at = end + 1;
    const content = this.#text.slice(start + 1, end).replaceAll(`\\${quote}`, quote);
    return { kind: "text", text: content, at: start + 1 };
  }

  #identifier(): Token {
    const start = this.#at;
    const text = this.#take(IDENTIFIER);
    if (/[.:]$|^[@_#]$/.test(text)) {
      throw invalidFilter(`The name at position ${start + 1} is not complete.`);
    }
    const call = this.#text[this.#at] === "(";
    if (call) this.#at++;
    return { kind: call ? "call" : "identifier", text, at: start + 1 };
  }

  #number(): Token {
    const start = this.#at;
    const text = this.#take(NUMBER);
    if (text === "-" || text.endsWith(".")) {
      throw invalidFilter(`The number at position ${start + 1} is not complete.`);
    }
    return { kind: "number", text, at: start + 1 };
  }

  #operator(): Token {
    const start = this.#at;
    const text = this.#take(SIGNS);
    const plain = text.startsWith("?") ? text.slice(1) : text;
    if (!OPERATORS.has(plain)) {
      throw invalidFilter(`There is no operator "${text}" (position ${start + 1}).`);
    }
    return { kind: "operator", text, at: start + 1 };
  }

  #join(): Token {
    const start = this.#at;
    const text = this.#take(JOINS);
    if (text !== "&&" && text !== "||") {
      throw invalidFilter(`There is no operator "${text}" (position ${start + 1}).`);
    }
    return { kind: "join", text, at: start + 1 };
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += text.length;
    return text;
  }

  #unexpected(at: number): AppError {
    const sign = String.fromCodePoint(this.#text.codePointAt(at) ?? 0);
    return invalidFilter(`Unexpected ${JSON.stringify(sign)} at position ${at + 1}.`);
  }
}
