/** A collection while it is being written: with its options by type, not yet known to be right. */

import type { CollectionType, Field, Rules } from "../../schema.ts";
import type { StoredCollection } from "../../store/collection-rows.ts";
import {
  type AuthOptions,
  NO_AUTH_OPTIONS,
  publicAuthOptions,
  readAuthOptions,
} from "./auth-options.ts";
import { identified, readFields, withKnownIds } from "./field-options.ts";
import { type Json, own, readFlag, readRule, readText, readTextList } from "./reading.ts";

export interface Draft extends Rules {
  readonly id: string;
  readonly name: string;
  /** What a client sent may be none of the three types. */
  readonly type: string;
  readonly system: boolean;
  readonly fields: readonly Field[];
  readonly indexes: readonly string[];
  /** Counts in auth collections only. */
  readonly auth: AuthOptions;
  /** Counts in views only. */
  readonly viewQuery: string;
  /** Stored dates; "" before it is stored. */
  readonly created: string;
  readonly updated: string;
}

export function toDraft(stored: StoredCollection): Draft {
  const { options, ...rest } = stored;
  return {
    ...rest,
    auth: stored.type === "auth" ? readAuthOptions(options, NO_AUTH_OPTIONS) : NO_AUTH_OPTIONS,
    viewQuery: stored.type === "view" ? readText(own(options, "viewQuery"), "") : "",
  };
}

/** A draft that has been checked as its row. */
export function toStored({ auth, viewQuery, ...rest }: Draft): StoredCollection {
  const type = rest.type as CollectionType;
  const options = type === "auth" ? { ...auth } : type === "view" ? { viewQuery } : {};
  return { ...rest, type, options };
}

/** What clients get: options beside the rest, no secrets. */
export function publicCollection({ auth, viewQuery, ...rest }: Draft): Json {
  switch (rest.type) {
    case "auth":
      return { ...rest, ...publicAuthOptions(auth) };
    case "view":
      return { ...rest, viewQuery };
    default:
      return rest;
  }
}

/**
 * What a client sent over what is there. Lists are replaced as a whole; fields keep their ids.
 * Error: 400 `invalid_body` for a value of a wrong type.
 */
export function mergeBody(draft: Draft, body: Json): Draft {
  const text = (key: "id" | "name" | "type" | "viewQuery") => readText(own(body, key), draft[key]);
  const rule = (key: keyof Rules) => readRule(own(body, key), draft[key]);
  const fields = own(body, "fields");
  return {
    ...draft,
    id: text("id"),
    name: text("name"),
    type: text("type"),
    system: readFlag(own(body, "system"), draft.system),
    listRule: rule("listRule"),
    viewRule: rule("viewRule"),
    createRule: rule("createRule"),
    updateRule: rule("updateRule"),
    deleteRule: rule("deleteRule"),
    fields:
      fields === undefined
        ? draft.fields
        : identified(withKnownIds(readFields(fields), draft.fields)),
    indexes: readTextList(own(body, "indexes"), draft.indexes),
    auth: readAuthOptions(body, draft.auth),
    viewQuery: text("viewQuery"),
  };
}
