/** Kinds of one or several: select, relation, file. Single ones keep the last of what they are given. */

import type { FieldError } from "../../base/errors.ts";
import { sameType } from "../mime.ts";
import { faults } from "./faults.ts";
import {
  FIELD_DEFAULTS,
  type Field,
  isMultiple,
  listOption,
  maxSelect,
  numberOption,
  sizeOption,
} from "./field.ts";
import { type CheckContext, plainKind, type ValueKind } from "./kind.ts";
import { toTexts } from "./scalars.ts";
import { Upload } from "./upload.ts";

/** A stored file, or one that is on its way. */
export type FileValue = string | Upload;

export function selectKind(field: Field): ValueKind {
  const allowed = new Set(listOption(field, "values"));
  const max = maxSelect(field);
  const check = (value: unknown): FieldError | undefined => {
    const chosen = toTexts(value);
    if (chosen.length === 0) return field.required === true ? faults.required() : undefined;
    if (chosen.length > max) return faults.tooManyValues(max);
    const unknown = chosen.find((item) => !allowed.has(item));
    return unknown === undefined ? undefined : faults.invalidValue(unknown);
  };
  return { ...textsKind(field), check };
}

/** Whether the records exist is for the database: see `relationLookups`. */
export function relationKind(field: Field): ValueKind {
  const [min, max] = [numberOption(field, "minSelect"), maxSelect(field)];
  const check = (value: unknown): FieldError | undefined => {
    const { length } = toTexts(value);
    if (length === 0) return field.required === true ? faults.required() : undefined;
    if (length < min) return faults.tooFewValues(min);
    return length > max ? faults.tooManyValues(max) : undefined;
  };
  return { ...textsKind(field), check };
}

function textsKind(field: Field) {
  const multiple = isMultiple(field);
  const cast = (input: unknown) => {
    const texts = toTexts(input);
    return multiple ? texts : (texts.at(-1) ?? "");
  };
  return {
    ...plainKind,
    zero: () => (multiple ? [] : ""),
    cast,
    encode: (value: unknown) => encodeTexts(cast(value)),
    decode: cast,
  };
}

function encodeTexts(value: string | readonly string[]): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

const NAME_BYTES_MAX = 150;
/** Neither hidden nor a path. */
const NAME = /^[^./\\][^/\\]+$/;

export function fileKind(field: Field): ValueKind {
  const multiple = isMultiple(field);
  const cast = (input: unknown): FileValue | readonly FileValue[] => {
    const files = toFiles(input);
    return multiple ? files : (files.at(-1) ?? "");
  };
  const names = (value: unknown) => {
    const files = toFiles(value).map(nameOf);
    return multiple ? files : (files.at(-1) ?? "");
  };
  const rules: UploadRules = {
    bytesMax: sizeOption(field, "maxSize", FIELD_DEFAULTS.fileBytesMax),
    mimeTypes: listOption(field, "mimeTypes"),
  };
  const check = (value: unknown, context: CheckContext): FieldError | undefined => {
    const files = toFiles(value);
    if (files.length === 0) return field.required === true ? faults.required() : undefined;
    const unknown = unknownFiles(files, context.stored);
    if (unknown.length > 0) return faults.unknownFiles(unknown);
    const max = maxSelect(field);
    if (files.length > max) return faults.tooManyFiles(max);
    return firstFault(files, rules);
  };
  return {
    zero: () => (multiple ? [] : ""),
    cast,
    check,
    encode: (value) => encodeTexts(names(value)),
    decode: names,
    publish: names,
    // Uploads are no part of the body that rules see.
    forRules(value) {
      const texts = toFiles(value).filter((file) => typeof file === "string");
      return multiple ? texts : (texts.at(-1) ?? "");
    },
  };
}

export function nameOf(file: FileValue): string {
  return typeof file === "string" ? file : file.name;
}

/** The files of a name, an upload, a list of these, or text with a JSON list; distinct by name. */
export function toFiles(input: unknown): FileValue[] {
  const found = new Map<string, FileValue>();
  for (const file of filesOf(input)) {
    const name = nameOf(file);
    if (!found.has(name)) found.set(name, file);
  }
  return [...found.values()];
}

function filesOf(input: unknown): FileValue[] {
  if (input instanceof Upload) return [input];
  if (!Array.isArray(input)) return toTexts(input);
  return input.flatMap((item: unknown): FileValue[] => {
    if (item instanceof Upload) return [item];
    // Inside a list a string is a name, whatever it looks like.
    const names = toTexts(Array.isArray(item) ? item : [item]);
    return names.length === 1 ? names : [];
  });
}

/** A name may be sent again, but not made up. */
function unknownFiles(files: readonly FileValue[], stored: unknown): string[] {
  const known = new Set(toFiles(stored).map(nameOf));
  const unknown = files
    .filter((file) => typeof file === "string")
    .filter((name) => !known.has(name));
  return unknown.map((name) => name.slice(0, 250));
}

interface UploadRules {
  readonly bytesMax: number;
  readonly mimeTypes: readonly string[];
}

function firstFault(files: readonly FileValue[], rules: UploadRules): FieldError | undefined {
  for (const file of files) {
    if (typeof file === "string") continue;
    const bytes = Buffer.byteLength(file.name);
    if (bytes < 1 || bytes > NAME_BYTES_MAX) return faults.fileName(NAME_BYTES_MAX);
    if (!NAME.test(file.name)) return faults.fileNamePattern();
    if (file.size > rules.bytesMax) return faults.fileSize(file.originalName, rules.bytesMax);
    const { mimeTypes } = rules;
    const typed = mimeTypes.length === 0 || mimeTypes.some((type) => sameType(file.mimeType, type));
    if (!typed) return faults.fileType(file.name, rules.mimeTypes);
  }
  return undefined;
}
