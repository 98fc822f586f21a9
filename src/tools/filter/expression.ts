/** What a filter or a rule says, as a tree. Nothing in it knows of collections or of SQL. */

/** With NULL on one side only `=` and `!=` give an answer. */
export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~";

/** A path with its modifier, a macro, or one of `null`, `true`, `false`; which, the schema says. */
export interface Identifier {
  readonly kind: "identifier";
  readonly name: string;
}

export interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
}

export interface TextLiteral {
  readonly kind: "text";
  readonly value: string;
}

export interface Call {
  readonly kind: "call";
  readonly name: string;
  readonly parameters: readonly Term[];
}

/** One side of a comparison. */
export type Term = Identifier | NumberLiteral | TextLiteral | Call;

export interface Comparison {
  readonly kind: "comparison";
  readonly left: Term;
  readonly operator: Operator;
  /** Written with `?`: one of several related values is enough. */
  readonly any: boolean;
  readonly right: Term;
}

/** Two or more expressions that all must hold, or of which one must. */
export interface Junction {
  readonly kind: "and" | "or";
  readonly terms: readonly Expression[];
}

export type Expression = Comparison | Junction;
