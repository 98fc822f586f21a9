/** Names under which uploads are stored: readable, unique, and safe on every file system. */

import { type RandomBelow, randomText } from "./random.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const SUFFIX_CHARS = 10;
const NAME_CHARS_READ = 300;
const BASE_CHARS_MIN = 3;
const BASE_CHARS_MAX = 100;
const EXTENSION_CHARS_MAX = 20;

export interface FileNameOptions {
  readonly random: RandomBelow;
  /** With its dot; stands in where the name has none. */
  readonly sniffedExtension: string;
}

/**
 * `My Photo.tar.gz` becomes `my_photo_<10 random>.tar.gz`. The base is in snake case, padded when
 * it is short; the extension is the last two parts after dots.
 */
export function storedFileName(original: string, options: FileNameOptions): string {
  const name = original.slice(-NAME_CHARS_READ);
  const extension = /(?:\.[^.]*)?\.[^.]*$/.exec(name)?.[0] ?? "";
  const base = baseOf(name.slice(0, name.length - extension.length), options.random);
  const suffix = randomText(options.random, ALPHABET, SUFFIX_CHARS);
  return `${base}_${suffix}${cleanExtension(extension) || options.sniffedExtension}`;
}

function baseOf(name: string, random: RandomBelow): string {
  const base = snakeCase(name);
  if (base.length >= BASE_CHARS_MIN) return base.slice(0, BASE_CHARS_MAX);
  return base + randomText(random, ALPHABET, SUFFIX_CHARS);
}

/** Words of ASCII letters and digits, split before a capital that follows none. */
function snakeCase(text: string): string {
  const words = text.split(/[^a-z0-9]+/i).filter((word) => word !== "");
  const split = words.map((word) => word.replace(/(?<=[^A-Z])(?=[A-Z])/g, "_"));
  return split.join("_").toLowerCase();
}

function cleanExtension(extension: string): string {
  const kept = trimDots(extension.replace(/[^\w.*\-+=#]+/g, ""));
  if (kept === "") return "";
  if (kept.length < EXTENSION_CHARS_MAX) return `.${kept}`;
  return `.${trimDots(kept.slice(-EXTENSION_CHARS_MAX))}`;
}

function trimDots(text: string): string {
  return text.replace(/^\.+/, "").replace(/\.+$/, "");
}
