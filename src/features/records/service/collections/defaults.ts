/** What a collection has by its type: fields and indexes of the system, options of a new one. */

import { isPrimaryKey } from "../../../../tools/fields/primary-key.ts";
import { collectionId, type Field, fields } from "../../schema.ts";
import { type AuthOptions, defaultAuthOptions, NO_AUTH_OPTIONS } from "./auth-options.ts";
import type { Draft } from "./draft.ts";
import { addField, identified } from "./field-options.ts";
import { findUniqueIndex } from "./index-text.ts";

const INDEX_NAME_CHARS_MAX = 64;
const ID_PATTERN = "^[a-z0-9]+$";

export interface NewCollection {
  /** One of the three, else the collection is as a base one. */
  readonly type: string;
  readonly name: string;
  /** "" for the id that is made from type and name. */
  readonly id: string;
}

/** A collection of its type with nothing of its own. `secret` makes one of so many characters. */
export function newDraft(given: NewCollection, secret: (length: number) => string): Draft {
  const { name } = given;
  const type = given.type === "auth" || given.type === "view" ? given.type : "base";
  return withDefaults({
    id: given.id === "" ? collectionId(type, name) : given.id,
    name,
    type,
    system: false,
    fields: [],
    indexes: [],
    listRule: null,
    viewRule: null,
    createRule: null,
    updateRule: null,
    deleteRule: null,
    auth: type === "auth" ? defaultAuthOptions(secret) : NO_AUTH_OPTIONS,
    viewQuery: "",
    created: "",
    updated: "",
  });
}

/** With the fields and indexes that every collection of its type has, where they are missing. */
export function withDefaults(given: Draft): Draft {
  const draft = given.type === "" ? { ...given, type: "base" } : given;
  if (draft.type !== "base" && draft.type !== "auth") return draft;
  const keyed = withKey(draft.fields);
  if (draft.type === "base") return { ...draft, fields: keyed };
  const complete = AUTH_FIELDS.reduce(withAuthField, keyed);
  return {
    ...draft,
    fields: complete,
    indexes: withAuthIndexes(draft),
    auth: withoutMissingFields(draft.auth, complete),
  };
}

function withKey(list: readonly Field[]): Field[] {
  const at = list.findIndex((field) => field.name === "id" && field.type === "text");
  const key = list[at];
  if (!key) return identified([fields.id(), ...list]);
  const pattern = key.pattern === "" ? ID_PATTERN : key.pattern;
  const forced = { system: true, required: true, primaryKey: true, hidden: false };
  return list.with(at, { ...key, ...forced, pattern });
}

interface AuthField {
  readonly field: Field;
  /** What cannot be chosen otherwise. */
  readonly forced: Readonly<Partial<Field>>;
}

const SYSTEM = { system: true };
const SECRET = { system: true, hidden: true, required: true };

const AUTH_FIELDS: readonly AuthField[] = [
  { field: fields.password("password", { min: 8 }), forced: SECRET },
  {
    field: fields.text("tokenKey", {
      ...SECRET,
      autogeneratePattern: "[a-zA-Z0-9]{50}",
      max: 60,
      min: 30,
    }),
    forced: SECRET,
  },
  // Whether an address is shown is each record's own `emailVisibility`.
  {
    field: fields.email("email", { ...SYSTEM, required: true }),
    forced: { system: true, hidden: false },
  },
  { field: fields.bool("emailVisibility", SYSTEM), forced: SYSTEM },
  { field: fields.bool("verified", SYSTEM), forced: SYSTEM },
];

/** Names of the fields that every auth collection has, with their types. */
export const AUTH_FIELD_NAMES = AUTH_FIELDS.map(({ field }) => field);

function withAuthField(list: Field[], { field, forced }: AuthField): Field[] {
  const at = list.findIndex(({ name, type }) => name === field.name && type === field.type);
  const known = list[at];
  // Its id is left to be made, since a field that was renamed may have the usual one.
  return known ? list.with(at, { ...known, ...forced }) : addField(list, { ...field, id: "" });
}

function withAuthIndexes({ id, name, indexes }: Draft): string[] {
  const out = [...indexes];
  const indexName = (field: string) => `idx_${field}_${id}`.slice(0, INDEX_NAME_CHARS_MAX);
  if (!findUniqueIndex(out, "tokenKey")) {
    out.push(`CREATE UNIQUE INDEX \`${indexName("tokenKey")}\` ON \`${name}\` (\`tokenKey\`)`);
  }
  if (!findUniqueIndex(out, "email")) {
    const where = "WHERE `email` != ''";
    out.push(`CREATE UNIQUE INDEX \`${indexName("email")}\` ON \`${name}\` (\`email\`) ${where}`);
  }
  return out;
}

function withoutMissingFields(auth: AuthOptions, list: readonly Field[]): AuthOptions {
  const kept = (name: string) => (list.some((field) => field.name === name) ? name : "");
  const { id, name, username, avatarURL } = auth.oauth2.mappedFields;
  const mappedFields = {
    id: kept(id),
    name: kept(name),
    username: kept(username),
    avatarURL: kept(avatarURL),
  };
  return { ...auth, oauth2: { ...auth.oauth2, mappedFields } };
}

/** Whether the collection has its key. */
export function hasKey(list: readonly Field[]): boolean {
  return list.some((field) => field.name === "id" && isPrimaryKey(field));
}
