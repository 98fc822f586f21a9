/**
 * From the text of a filter or a rule to its tree.
 *
 *     expression  term (("&&" | "||") term)*      "&&" binds tighter
 *     term        operand operator operand | "(" expression ")"
 *     operand     identifier | number | text | name "(" [operand {"," operand} [","]] ")"
 *
 * Brackets are counted on a list, not on the stack of calls; a tree is no deeper than it has
 * comparisons, because brackets around one term leave nothing behind.
 */

import { LIMITS } from "../../base/limits.ts";
import type { Comparison, Expression, Junction, Operator, Term } from "./expression.ts";
import { invalidFilter, Lexer, type Token } from "./lexer.ts";

export interface FilterLimits {
  /** UTF-8 bytes of the text. */
  readonly bytesMax: number;
  readonly comparisonsMax: number;
}

/** What a client may send. */
export const CLIENT_FILTER: FilterLimits = {
  bytesMax: LIMITS.filterBytesMax,
  comparisonsMax: LIMITS.filterComparisonsMax,
};

/** What an operator may write down as a rule. */
export const RULE: FilterLimits = {
  bytesMax: LIMITS.ruleBytesMax,
  comparisonsMax: LIMITS.filterComparisonsMax,
};

/** Terms of one bracket: alternatives, each a list of what all must hold. */
type Level = Expression[][];

/** Error: 400 `invalid_filter`, the sentence names the position (characters, from 1). */
export function parseFilter(text: string, limits: FilterLimits): Expression {
  if (text.length > limits.bytesMax || Buffer.byteLength(text) > limits.bytesMax) {
    throw invalidFilter(`The filter is longer than ${limits.bytesMax} bytes.`);
  }
  return new Parser(text, limits).parse();
}

class Parser {
  readonly #lexer: Lexer;
  readonly #limits: FilterLimits;
  #comparisons = 0;

  constructor(text: string, limits: FilterLimits) {
    this.#lexer = new Lexer(text);
    this.#limits = limits;
  }

  parse(): Expression {
    const outer: Level[] = [];
    let level: Level = [[]];
    for (;;) {
      let token = this.#lexer.next();
      while (token.kind === "open") {
        outer.push(level);
        level = [[]];
        if (outer.length > LIMITS.filterDepthMax) {
          throw invalidFilter(`Too many brackets in brackets at position ${token.at}.`);
        }
        token = this.#lexer.next();
      }
      level.at(-1)?.push(this.#comparison(token));
      token = this.#lexer.next();
      while (token.kind === "close") {
        const around = outer.pop();
        if (!around) throw unexpected(token);
        around.at(-1)?.push(finished(level));
        level = around;
        token = this.#lexer.next();
      }
      if (token.kind === "end") {
        if (outer.length > 0) throw invalidFilter(`${outer.length} closing brackets are missing.`);
        return finished(level);
      }
      if (token.kind !== "join") throw unexpected(token, '"&&" or "||"');
      if (token.text === "||") level.push([]);
    }
  }

  #comparison(first: Token): Comparison {
    if (++this.#comparisons > this.#limits.comparisonsMax) {
      throw invalidFilter(`More than ${this.#limits.comparisonsMax} comparisons in one filter.`);
    }
    const left = this.#term(first, 1);
    const sign = this.#lexer.next();
    if (sign.kind !== "operator") throw unexpected(sign, "an operator");
    const any = sign.text.startsWith("?");
    const operator = (any ? sign.text.slice(1) : sign.text) as Operator;
    const right = this.#term(this.#lexer.next(), 1);
    return { kind: "comparison", left, operator, any, right };
  }

  #term(token: Token, depth: number): Term {
    switch (token.kind) {
      case "identifier":
        return { kind: "identifier", name: token.text };
      case "number":
        return { kind: "number", value: Number(token.text) };
      case "text":
        return { kind: "text", value: token.text };
      case "call":
        if (depth > LIMITS.filterCallDepthMax) {
          throw invalidFilter(`Too many functions in functions at position ${token.at}.`);
        }
        return { kind: "call", name: token.text, parameters: this.#parameters(depth) };
      default:
        throw unexpected(token, "a value");
    }
  }

  /** After the opening bracket; takes the closing one. A comma may follow the last parameter. */
  #parameters(depth: number): Term[] {
    const parameters: Term[] = [];
    for (let token = this.#lexer.next(); token.kind !== "close"; token = this.#lexer.next()) {
      parameters.push(this.#term(token, depth + 1));
      const after = this.#lexer.next();
      if (after.kind === "close") break;
      if (after.kind !== "comma") throw unexpected(after, '"," or ")"');
    }
    return parameters;
  }
}

function finished(level: Level): Expression {
  return joined(
    "or",
    level.map((terms) => joined("and", terms)),
  );
}

function joined(kind: Junction["kind"], terms: readonly Expression[]): Expression {
  const [only] = terms;
  return only && terms.length === 1 ? only : { kind, terms };
}

function unexpected(token: Token, wanted?: string) {
  const found =
    token.kind === "end" ? "end of the filter" : JSON.stringify(token.text.slice(0, 50));
  const instead = wanted ? `, expected ${wanted}` : "";
  return invalidFilter(`Unexpected ${found} at position ${token.at}${instead}.`);
}
