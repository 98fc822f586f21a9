/**
 * The words the schema is written in. A field says what it holds (its kind), what it is by default
 * and where else it may come from; a group holds fields and groups. The type of the finished
 * configuration is inferred from them, so that a key is written down once.
 */

import { LIMITS } from "../src/base/limits.ts";

/** A value as YAML and JSON write it. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | readonly Plain[]
  | { readonly [key: string]: Plain };

export type Source = "flag" | "env" | "file" | "default";

interface At {
  readonly source: Source;
  /** `config/realtime.yaml:12:5`, `--rtc-port`, `LOG_LEVEL`; empty for a default. */
  readonly where: string;
}

/** What was given for a key, before its kind has looked at it. Flags and environment give text. */
export type Input = ScalarInput | ListInput | MapInput;

export interface ScalarInput extends At {
  readonly type: "scalar";
  readonly value: string | number | boolean | null;
}

export interface ListInput extends At {
  readonly type: "list";
  readonly items: readonly Input[];
}

export interface MapInput extends At {
  readonly type: "map";
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  readonly key: string;
  readonly where: string;
  readonly value: Input;
}

/** The faults found so far, one line each. The first `LIMITS.configProblemsMax` are kept. */
export class Problems {
  readonly #lines: string[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(where: string, message: string): void {
    this.#count++;
    if (this.#lines.length < LIMITS.configProblemsMax) this.#lines.push(`${where}: ${message}`);
  }

  /** As `add`, with the key's path where the place alone does not name it. */
  addFor(at: At, path: string, message: string): void {
    this.add(at.where, at.source === "file" ? `${path}: ${message}` : message);
  }

  /** The kept lines and, where there were more, one that says how many. */
  lines(): readonly string[] {
    const more = this.#count - this.#lines.length;
    return more === 0 ? [...this.#lines] : [...this.#lines, `and ${more} more`];
  }
}

/** Where a value came from, and what it is: for checks between keys and for `config print`. */
export interface Place extends At {
  readonly value: unknown;
}

/** What a kind knows while it reads one value. */
export interface Scope {
  /** `server.rtc.port`, `channels[0].namespace`. */
  readonly path: string;
  /** True: no part of the value may appear in a problem. */
  readonly secret: boolean;
  readonly problems: Problems;
  readonly places: Map<string, Place>;
}

/** One sort of value. */
export interface Kind<T> {
  /** As the README's table calls it: "duration". */
  readonly label: string;
  /** As a problem calls it: "a duration such as 500ms, 30s, 5m, 1h or 2d". */
  readonly expected: string;
  /** Undefined: refused, and the scope's problems say why. */
  read(input: Input, scope: Scope): T | undefined;
  /** Back to what the file would hold. Parts that are secret are hidden. */
  write(value: T): Plain;
  /** The keys of a list of groups, for the table. */
  readonly item?: Group<Shape>;
}

/** default: always there. required: must be given (in list items). optional: may be undefined. */
export type Presence = "default" | "required" | "optional";

/** An environment variable that sets only part of a value, as PORT does. */
export interface EnvPart<T> {
  readonly expected: string;
  /** The value with the part replaced; undefined when the text is refused. */
  apply(text: string, value: T): T | undefined;
}

export interface FieldOptions<T> {
  /** One sentence for the table and `--help`. */
  readonly doc: string;
  readonly env?: string;
  readonly envPart?: EnvPart<T>;
  /** As the command line declares it: `--rtc-port <port>`. */
  readonly flag?: string;
  readonly secret?: true;
}

export interface Field<T, P extends Presence = Presence> extends FieldOptions<T> {
  readonly node: "field";
  readonly kind: Kind<T>;
  readonly presence: P;
  /** As the file would write it; undefined unless presence is "default". */
  readonly default: Plain | undefined;
}

export interface Group<S extends Shape> {
  readonly node: "group";
  readonly keys: S;
}

export type Shape = { readonly [key: string]: Field<unknown> | Group<Shape> };

/** A key that is there whether given or not. */
export function field<T>(
  kind: Kind<T>,
  fallback: Plain,
  options: FieldOptions<T>,
): Field<T, "default"> {
  return { node: "field", kind, presence: "default", default: fallback, ...options };
}

/** A key without a default: undefined when it is not given. */
export function optional<T>(kind: Kind<T>, options: FieldOptions<T>): Field<T, "optional"> {
  return { node: "field", kind, presence: "optional", default: undefined, ...options };
}

/** A key that every item of a list must give. */
export function required<T>(kind: Kind<T>, options: FieldOptions<T>): Field<T, "required"> {
  return { node: "field", kind, presence: "required", default: undefined, ...options };
}

export function group<const S extends Shape>(keys: S): Group<S> {
  return { node: "group", keys };
}

/** `body_max` is `bodyMax` in the code. The types below say the same. */
export function camel(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

type Camel<K extends string> = K extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : K;

/** What a group becomes in the code. */
export type Values<S extends Shape> = {
  readonly [K in keyof S & string as Camel<K>]: S[K] extends Group<infer Inner>
    ? Values<Inner>
    : S[K] extends Field<infer T, infer P>
      ? P extends "optional"
        ? T | undefined
        : T
      : never;
};

/** Text in quotes, cut to 60 characters, with everything that a terminal would act on escaped. */
export function quoted(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  const coded = (char: string) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(cut).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, coded);
}

/** Adds "path: expected …, got …"; without the value where that is secret. */
export function refuse(input: Input, scope: Scope, expected: string): undefined {
  const got = scope.secret ? "" : `, got ${describe(input)}`;
  scope.problems.addFor(input, scope.path, `expected ${expected}${got}`);
  return undefined;
}

function describe(input: Input): string {
  if (input.type === "list") return "a list";
  if (input.type === "map") return "a group of keys";
  if (input.value === null) return "nothing";
  return typeof input.value === "string" ? quoted(input.value) : String(input.value);
}
