/** The kinds of single values, and lists of them. Each reads YAML's types and plain text. */

import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
  type Rate,
} from "../src/tools/units.ts";
import type { Input, Kind, Plain, Scope } from "./language.ts";
import { refuse } from "./language.ts";

interface ScalarKind<T> {
  readonly label: string;
  readonly expected: string;
  /** `isText`: from a flag or the environment, where numbers and switches come as text. */
  parse(value: string | number | boolean, isText: boolean): T | undefined;
  write(value: T): Plain;
  /** A refused value is not shown: it may hold a password. */
  readonly hidden?: true;
}

function scalar<T>(spec: ScalarKind<T>): Kind<T> {
  return {
    label: spec.label,
    expected: spec.expected,
    write: spec.write,
    read(input: Input, scope: Scope): T | undefined {
      const given = input.type === "scalar" ? input.value : null;
      const isText = input.source === "flag" || input.source === "env";
      const value = given === null ? undefined : spec.parse(given, isText);
      if (value !== undefined) return value;
      return refuse(input, spec.hidden ? { ...scope, secret: true } : scope, spec.expected);
    },
  };
}

/** A kind whose YAML form is text. */
export function textual<T>(spec: {
  readonly label: string;
  readonly expected: string;
  readonly parse: (text: string) => T | undefined;
  readonly write: (value: T) => Plain;
  readonly hidden?: true;
}): Kind<T> {
  return scalar({
    ...spec,
    parse: (value) => (typeof value === "string" ? spec.parse(value) : undefined),
  });
}

/** Text that `accept` agrees to. Numbers are refused: YAML has changed them (007, 1e5) already. */
export function matching(
  label: string,
  expected: string,
  accept: (text: string) => boolean,
): Kind<string> {
  const parse = (text: string) => (accept(text) ? text : undefined);
  return textual({ label, expected, parse, write: (value) => value });
}

export function toggle(): Kind<boolean> {
  const words: Record<string, boolean> = { true: true, false: false, "1": true, "0": false };
  return scalar({
    label: "true or false",
    expected: "true or false",
    parse: (value, isText) =>
      isText && typeof value === "string" && Object.hasOwn(words, value)
        ? words[value]
        : typeof value === "boolean"
          ? value
          : undefined,
    write: (value) => value,
  });
}

/** A whole number; `min` and `max` belong to it. */
export function whole(min: number, max: number): Kind<number> {
  return scalar({
    label: `number, ${min} to ${max}`,
    expected: `a whole number from ${min} to ${max}`,
    parse(value, isText) {
      const text = isText && typeof value === "string" && /^\d{1,15}$/.test(value);
      const number = text ? Number(value) : value;
      if (typeof number !== "number" || !Number.isSafeInteger(number)) return undefined;
      return number >= min && number <= max ? number : undefined;
    },
    write: (value) => value,
  });
}

export function choice<const V extends string>(...values: readonly V[]): Kind<V> {
  return textual({
    label: values.join(", "),
    expected: `one of ${values.join(", ")}`,
    parse: (text) => values.find((value) => value === text),
    write: (value) => value,
  });
}

/** Text of at most `charsMax` characters (UTF-16), without control characters. */
export function text(charsMax: number, least: 0 | 1 = 1): Kind<string> {
  const size = least === 0 ? `at most ${charsMax}` : `1 to ${charsMax}`;
  return matching(
    "text",
    `text of ${size} characters (numbers in quotes)`,
    (value) => value.length >= least && value.length <= charsMax && !/\p{Cc}/u.test(value),
  );
}

/** A secret of `min` to `max` characters, and none of `refused`. */
export function secretText(
  min: number,
  max: number,
  refused: readonly string[] = [],
): Kind<string> {
  const size = min === max ? `exactly ${min}` : `${min} to ${max}`;
  const not = refused.map((word) => ` other than ${word}`).join("");
  return matching(
    "text",
    `text of ${size} characters${not} (numbers in quotes)`,
    (value) => value.length >= min && value.length <= max && !refused.includes(value),
  );
}

/** A word that starts with a letter; `extra`: what it may have beside letters and digits. */
export function word(extra: string): Kind<string> {
  const form = new RegExp(`^[A-Za-z][A-Za-z0-9${extra.replace(/[-.\\\]^]/g, "\\$&")}]{0,63}$`);
  const marks = [...extra].join(" ");
  return matching("name", `a name of letters, digits and ${marks} (at most 64)`, (value) =>
    form.test(value),
  );
}

/** Milliseconds in the code. */
export function duration(minMs: number, maxMs: number): Kind<number> {
  const span = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return textual({
    label: `duration, ${span}`,
    expected: `a duration from ${span} (ms, s, m, h, d)`,
    parse(value) {
      const ms = parseDuration(value);
      return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
    },
    write: formatDuration,
  });
}

/** Bytes in the code. */
export function size(minBytes: number, maxBytes: number): Kind<number> {
  const span = `${formatSize(minBytes)} to ${formatSize(maxBytes)}`;
  return textual({
    label: `size, ${span}`,
    expected: `a size from ${span} (B, KB, KiB, MB, MiB, GB, GiB)`,
    parse(value) {
      const bytes = parseSize(value);
      return bytes !== undefined && bytes >= minBytes && bytes <= maxBytes ? bytes : undefined;
    },
    write: formatSize,
  });
}

export function rate(): Kind<Rate> {
  return textual({
    label: "rate",
    expected: "a rate such as 20/s, 600/m or 1000/h",
    parse: parseRate,
    write: formatRate,
  });
}

/** A channel pattern: no spaces or control characters, no empty segment between its colons. */
export function channelPattern(): Kind<string> {
  const expected = 'a channel name of 1 to 200 characters such as "chat:*"';
  return matching("pattern", expected, (value) => {
    return /^[^\s\p{Cc}]{1,200}$/u.test(value) && value.split(":").every((part) => part !== "");
  });
}

/** A list; one value alone is a list of one, and in flags and environment commas divide. */
export function listOf<T>(kind: Kind<T>, itemsMax: number): Kind<readonly T[]> {
  const expected = `a list of at most ${itemsMax}`;
  return {
    label: `list: ${kind.label}`,
    expected,
    write: (values) => values.map((value) => kind.write(value)),
    read(input, scope) {
      const items = asItems(input);
      if (!items || items.length > itemsMax) return refuse(input, scope, expected);
      const values: T[] = [];
      items.forEach((item, index) => {
        const value = kind.read(item, { ...scope, path: `${scope.path}[${index}]` });
        if (value !== undefined) values.push(value);
      });
      return values.length === items.length ? values : undefined;
    },
  };
}

function asItems(input: Input): readonly Input[] | undefined {
  if (input.type === "list") return input.items;
  if (input.type === "map" || input.value === null) return undefined;
  const { source, value } = input;
  if (typeof value !== "string" || source === "file" || source === "default") return [input];
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => ({ ...input, value: part }));
}

/** `all`, `none`, or a list of names. */
export function allNoneOr(
  names: Kind<readonly string[]>,
): Kind<"all" | "none" | readonly string[]> {
  return {
    label: `all, none or ${names.label}`,
    expected: "all, none or a list of names",
    write: (value) => (typeof value === "string" ? value : names.write(value)),
    read(input, scope) {
      const single = input.type === "scalar" ? input.value : undefined;
      if (single === "all" || single === "none") return single;
      if (input.type === "map" || single === null) return refuse(input, scope, this.expected);
      return names.read(input, scope);
    },
  };
}
