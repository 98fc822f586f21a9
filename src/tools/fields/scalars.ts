/**
 * How loose input becomes text, numbers, booleans and lists. Clients send JSON, forms and strings
 * of all of these; what cannot be read is the type's zero, never an error.
 */

/** Text of a string, number or boolean; anything else is empty. Halves of surrogates are mended. */
export function toText(input: unknown): string {
  switch (typeof input) {
    case "string":
      return input.isWellFormed() ? input : input.toWellFormed();
    case "number":
      return plainDecimal(input);
    case "boolean":
      return input ? "true" : "false";
    default:
      return "";
  }
}

const DECIMAL = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?$/i;
const HEX_FLOAT = /^([+-]?)0x_?([\da-f]+(?:_[\da-f]+)*)?(?:\.([\da-f]*))?p([+-]?\d{1,5})$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * A number of a number, boolean or numeric text (decimal, exponent, hexadecimal float; no blanks);
 * anything else, and what is out of range, is 0. The texts `inf` and `nan` are read, so that
 * validation can refuse them.
 */
export function toNumber(input: unknown): number {
  if (typeof input === "number") return input === 0 ? 0 : input;
  if (typeof input === "boolean") return input ? 1 : 0;
  if (typeof input !== "string") return 0;
  if (DECIMAL.test(input)) {
    const value = Number(input.replaceAll("_", ""));
    return Number.isFinite(value) && value !== 0 ? value : 0;
  }
  const infinite = INFINITE.exec(input);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  if (/^nan$/i.test(input)) return Number.NaN;
  return hexFloat(input);
}

function hexFloat(input: string): number {
  const match = HEX_FLOAT.exec(input);
  if (!match || `${match[2] ?? ""}${match[3] ?? ""}` === "") return 0;
  const fraction = match[3] ?? "";
  const digits = `${(match[2] ?? "").replaceAll("_", "")}${fraction}`;
  const value = Number.parseInt(digits, 16) * 2 ** (Number(match[4]) - 4 * fraction.length);
  if (!Number.isFinite(value) || value === 0) return 0;
  return match[1] === "-" ? -value : value;
}

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);

/** A boolean of a boolean, a number other than 0, or one of six spellings of true. */
export function toBool(input: unknown): boolean {
  if (typeof input === "boolean") return input;
  if (typeof input === "number") return input !== 0;
  return typeof input === "string" && TRUE.has(input);
}

/**
 * The distinct non-empty texts of a list, of one scalar, or of a string that holds a JSON list.
 * Lists with anything but scalars in them, and objects, are empty.
 */
export function toTexts(input: unknown): string[] {
  if (typeof input === "string") {
    if (input.includes("[")) return distinct(textsOf(toText(input)));
    return input === "" ? [] : [toText(input)];
  }
  if (!Array.isArray(input)) return distinct([toText(input)]);
  const nested = input.some((item) => typeof item === "object" && item !== null);
  return nested ? [] : distinct(input.map(toText));
}

/** A JSON list of other things than strings keeps its strings, and stays as the text it is too. */
function textsOf(input: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(input);
  } catch {
    return [input];
  }
  if (!Array.isArray(parsed)) return [input];
  const texts = parsed.filter((item) => typeof item === "string");
  const pure = parsed.every((item) => typeof item === "string" || item === null);
  return pure ? texts : [...texts, input];
}

function distinct(texts: readonly string[]): string[] {
  const found = new Set(texts);
  found.delete("");
  return [...found];
}

/** A number's shortest decimal text, never with an exponent: 1e21 is written out. */
export function plainDecimal(value: number): string {
  const text = String(value === 0 ? 0 : value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign = "", whole = "", fraction = "", power = "0"] = match;
  const digits = whole + fraction;
  const point = Number(power) + 1;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}`;
}
