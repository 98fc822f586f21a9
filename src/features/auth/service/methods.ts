/** How one can sign in to a collection, as its clients ask before they show a form. */

import { createHash } from "node:crypto";
import type { Context } from "../../../core/context.ts";
import type { Accounts } from "./accounts.ts";
import { authorizationUrl, configuredProvider } from "./oauth2/configuration.ts";

export interface ProviderInfo {
  readonly name: string;
  readonly displayName: string;
  readonly state: string;
  /** Ends with `redirect_uri=`: the client appends its own. */
  readonly authURL: string;
  /** The same under its older name. */
  readonly authUrl: string;
  readonly codeVerifier: string;
  readonly codeChallenge: string;
  readonly codeChallengeMethod: "S256" | "";
}

const STATE_CHARS = 30;
/** The least that PKCE allows (RFC 7636, section 4.1). */
const VERIFIER_CHARS = 43;

/** Error: 404 where the name is no auth collection. */
export function authMethods(context: Context, accounts: Accounts, nameOrId: string) {
  const { passwordAuth, oauth2, mfa, otp } = accounts.options(accounts.collection(nameOrId));
  const providers = oauth2.enabled
    ? oauth2.providers.flatMap((given) => {
        const provider = configuredProvider(given);
        return provider ? [providerInfo(context, provider)] : [];
      })
    : [];
  const identityFields = passwordAuth.enabled ? passwordAuth.identityFields : [];
  return {
    password: { identityFields, enabled: passwordAuth.enabled },
    oauth2: { providers, enabled: oauth2.enabled },
    mfa: { enabled: mfa.enabled, duration: mfa.enabled ? mfa.duration : 0 },
    otp: { enabled: otp.enabled, duration: otp.enabled ? otp.duration : 0 },
    // What clients before 0.23 look for.
    authProviders: oauth2.enabled ? providers : null,
    usernamePassword: identityFields.includes("username"),
    emailPassword: identityFields.includes("email"),
  };
}

function providerInfo(
  { ids }: Context,
  provider: NonNullable<ReturnType<typeof configuredProvider>>,
): ProviderInfo {
  const state = ids.secret(STATE_CHARS);
  const codeVerifier = provider.pkce ? ids.secret(VERIFIER_CHARS) : "";
  const codeChallenge = provider.pkce
    ? createHash("sha256").update(codeVerifier).digest("base64url")
    : "";
  const authURL = authorizationUrl(provider, { state, codeChallenge });
  const { name, displayName } = provider;
  return {
    name,
    displayName,
    state,
    authURL,
    authUrl: authURL,
    codeVerifier,
    codeChallenge,
    codeChallengeMethod: provider.pkce ? "S256" : "",
  };
}
