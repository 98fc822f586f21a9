/** A provider as a collection has it: what is known of it, under the operator's own settings. */

import type { Provider } from "../../../records/index.ts";
import type { ProviderDefinition } from "./definition.ts";
import { providerDefinition } from "./providers.ts";

export interface ConfiguredProvider {
  readonly name: string;
  readonly displayName: string;
  readonly definition: ProviderDefinition;
  readonly pkce: boolean;
  readonly clientId: string;
  readonly clientSecret: string;
  /** "" where neither the operator nor we know it. */
  readonly authURL: string;
  readonly tokenURL: string;
  readonly userInfoURL: string;
  /** Operators' keys for OpenID Connect: `jwksURL`, `issuers`. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Undefined for a provider that this server does not know. */
export function configuredProvider(given: Provider): ConfiguredProvider | undefined {
  const definition = providerDefinition(given.name);
  if (!definition) return undefined;
  return {
    name: given.name,
    displayName: given.displayName || definition.displayName || given.name,
    definition,
    pkce: given.pkce ?? definition.pkce ?? true,
    clientId: given.clientId,
    clientSecret: given.clientSecret,
    authURL: given.authURL || (definition.authURL ?? ""),
    tokenURL: given.tokenURL || (definition.tokenURL ?? ""),
    userInfoURL: given.userInfoURL || (definition.userInfoURL ?? ""),
    extra: given.extra ?? {},
  };
}

/**
 * Where the user agrees (RFC 6749, section 4.1.1), with PKCE where there is a challenge (RFC 7636,
 * section 4.3). It ends with `redirect_uri=`, to which the client appends its own.
 */
export function authorizationUrl(
  { authURL, clientId, definition }: ConfiguredProvider,
  { state, codeChallenge }: { readonly state: string; readonly codeChallenge: string },
): string {
  const parameters = new URLSearchParams({
    client_id: clientId,
    response_type: "code",
    ...(definition.scopes.length > 0 ? { scope: definition.scopes.join(" ") } : {}),
    state,
    ...(codeChallenge ? { code_challenge: codeChallenge, code_challenge_method: "S256" } : {}),
    ...definition.authParameters,
  });
  parameters.sort();
  return `${authURL}${authURL.includes("?") ? "&" : "?"}${parameters}&redirect_uri=`;
}
