/**
 * What differs between two runs of one script is replaced by where it was seen first: ids, tokens,
 * times, file name suffixes. Equal values stay equal, so references are still compared.
 */

import type { Json } from "./script.ts";

const DATE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/;
const DATES = /\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d{3}Z/g;
const JWT = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;
const RECORD_ID = /^[a-z0-9]{15}$/;
/** Ids of fields are made from their names, so they are the same everywhere. */
const FIELD_ID = /^[a-z]{3,9}\d{6,10}$/;
/** So are those of collections, and of the built-in jobs. */
const COLLECTION_ID = /^pbc_\d+$|^_pb_|^__pb/;
const FILE_NAME = /^([\w-]*?)_?([a-z0-9]{10}(?:_[a-z0-9]{10})?)(\.[a-z0-9.]+)?$/;
const SUFFIXED = /_[a-z0-9]{10}(?:\.[a-z0-9.]+)?$/;
/** Keys whose values are always made by chance. */
const RANDOM_KEYS = new Set([
  "id",
  "mfaId",
  "otpId",
  "clientId",
  "state",
  "codeVerifier",
  "codeChallenge",
  "fingerprint",
  "secret",
]);
const NEAR_MS = 2 * 24 * 3600 * 1000;
/** A longer text is shown as its length and hash. */
const SHOWN_CHARS_MAX = 500;
const LEARNT_CHARS_MIN = 8;
/** Tokens are made in the second before or after the one that is compared with. */
const LIFE_STEP_SECONDS = 30;

export class Masks {
  readonly #learnt = new Map<string, string>();
  readonly #script: string;
  readonly #now: () => number;

  /** `script` is the text of the whole script: what stands there is not made by the server. */
  constructor(script: string, now: () => number) {
    this.#script = script;
    this.#now = now;
  }

  /** From now on `text` is shown as `<label>`. */
  learn(text: string, label: string): void {
    if (!this.#learnt.has(text)) this.#learnt.set(text, `<${label}>`);
  }

  /** Learns what is new in an answer, which the step of that name got, and masks it. */
  answer(value: Json, step: string): Json {
    this.#study(value, step, "");
    return this.mask(value);
  }

  /** The sentences of answers and mails are each server's own; only that there is one counts. */
  mask(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (isList(value)) return value.map((item) => this.mask(item));
    if (typeof value !== "object" || value === null) return value;
    const isTemplate = "subject" in value && "body" in value;
    const entries = Object.entries(value).map(([key, item]) => {
      const isOwn = (isTemplate || key === "message") && typeof item === "string" && item !== "";
      // A template that the script itself wrote is compared.
      const masked = isOwn && !this.#script.includes(JSON.stringify(item)) ? "<text>" : undefined;
      return [this.text(key), masked ?? this.mask(item)] as const;
    });
    return Object.fromEntries(entries);
  }

  text(given: string): string {
    let text = given;
    for (const [known, label] of this.#learnt) {
      if (text.includes(known)) text = text.replaceAll(known, label);
    }
    text = text.replace(JWT, (token) => this.#token(token));
    text = text.replace(DATES, (date) => this.#date(date));
    if (text.length <= SHOWN_CHARS_MAX) return text;
    return `<${[...text].length} characters ${Bun.hash.crc32(text).toString(36)}>`;
  }

  #study(value: Json, step: string, path: string): void {
    if (isList(value)) {
      for (const [index, item] of value.entries()) this.#study(item, step, `${path}.${index}`);
    } else if (typeof value === "object" && value !== null) {
      // In the order of their names, so that the order in which a server writes keys is no matter.
      for (const key of Object.keys(value).sort()) {
        this.#study(value[key] ?? null, step, `${path}.${key}`);
      }
    } else if (typeof value === "string") {
      this.#studyText(value, step, path.slice(1));
    }
  }

  #studyText(text: string, step: string, path: string): void {
    const isShown = text.startsWith("<") || this.#script.includes(text);
    if (text.length < LEARNT_CHARS_MIN || isShown) return;
    const key = path.slice(path.lastIndexOf(".") + 1);
    const isId = RECORD_ID.test(text) && !FIELD_ID.test(text);
    if (isId || (RANDOM_KEYS.has(key) && !COLLECTION_ID.test(text) && !FIELD_ID.test(text))) {
      this.learn(text, `${step} ${path}`);
    } else if (SUFFIXED.test(text) && !COLLECTION_ID.test(text)) {
      const [, name, suffix, type] = FILE_NAME.exec(text) ?? [];
      // Without a digit it may be a word, but words have no extension.
      if (suffix !== undefined && (/\d/.test(suffix) || type !== undefined)) {
        const short = /^[a-z0-9]{10}_/.test(suffix) ? "_twice" : "";
        this.learn(text, `${name}${short}${type ?? ""} ${step} ${path}`);
      }
    }
  }

  #token(token: string): string {
    try {
      const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
      const life = claims.exp - this.#now() / 1000;
      const exp = Math.round(life / LIFE_STEP_SECONDS) * LIFE_STEP_SECONDS;
      const shown = Object.entries({ ...claims, exp }).sort(([a], [b]) => (a < b ? -1 : 1));
      return `<token ${shown.map(([key, value]) => `${key}=${this.text(String(value))}`).join(" ")}>`;
    } catch {
      return "<not a token>";
    }
  }

  #date(date: string): string {
    if (this.#script.includes(date) || this.#script.includes(date.replace(" ", "T"))) return date;
    const near = Math.abs(Date.parse(date.replace(" ", "T")) - this.#now()) < NEAR_MS;
    return near ? (DATE.test(date) ? "<now>" : "<now T>") : date;
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
