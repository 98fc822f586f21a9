/** What is to be known about an identity provider. */

import type { ProviderToken } from "../../../../infra/oauth2/client.ts";

/** What a provider answers, as JSON. */
export type Raw = Readonly<Record<string, unknown>>;

export interface MappedUser {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  /** Only one that the provider vouches for, as far as it says so. */
  readonly email: string;
  readonly avatarURL: string;
}

/** Where a user's data is in the answer: paths like `data.0.id`. */
export interface UserPaths {
  readonly id: string;
  readonly name?: string;
  readonly username?: string;
  readonly avatar?: string;
  readonly email?: string;
  /** The address counts only where all of these are true. */
  readonly emailIf?: readonly string[];
  /** Users for whom it is not this value are refused. */
  readonly active?: { readonly path: string; readonly is: string | number | boolean };
}

/** Asked where the user's answer has no address of its own. */
export interface EmailLookup {
  /** Absolute, or appended to the address of the user. */
  readonly url: string;
  /** "" where none is right. */
  readonly pick: (answer: unknown) => string;
}

export interface ProviderDefinition {
  readonly displayName: string;
  /** Default: true. */
  readonly pkce?: boolean;
  readonly scopes: readonly string[];
  /** Absent where only the operator knows them. */
  readonly authURL?: string;
  readonly tokenURL?: string;
  readonly userInfoURL?: string;
  /** Parameters of the address for authorization beside the usual ones. */
  readonly authParameters?: Readonly<Record<string, string>>;
  /** The user is in the id_token: always, or where no address of the user is set. */
  readonly idToken?: {
    readonly use: "always" | "withoutUserInfo";
    readonly issuer?: string;
    readonly jwksURL?: string;
    readonly expires?: boolean;
  };
  /** Headers of the user's request; `clientId` is the operator's. */
  readonly headers?: (clientId: string) => Readonly<Record<string, string>>;
  /** A GraphQL query that stands for the user's request. */
  readonly query?: string;
  readonly user: UserPaths;
  readonly emailLookup?: EmailLookup;
  /** Last touches where paths do not tell all. */
  readonly adjust?: (user: MappedUser, raw: Raw, token: ProviderToken) => Partial<MappedUser>;
}

/** Follows a path into JSON; undefined where it leads nowhere. */
export function at(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Raw)[key];
  }
  return found;
}

export function textAt(value: unknown, path: string | undefined): string {
  const found = path === undefined ? undefined : at(value, path);
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
}

/** Providers write flags as such and as texts. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === "true" || value === "1";
}
