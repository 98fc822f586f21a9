/** Checks of an auth collection's options. */

import { isUrl } from "../../../../tools/fields/addresses.ts";
import type { Field } from "../../schema.ts";
import {
  type AuthOptions,
  type MailTemplate,
  type Provider,
  TEMPLATE_KEYS,
  TOKEN_KEYS,
  type TokenOptions,
} from "./auth-options.ts";
import { lengthBetween, limits, required } from "./checks.ts";
import { collect, collectItems, type FaultMap, type Faults, fault, firstOf } from "./faults.ts";
import { findUniqueIndex } from "./index-text.ts";
import { isProvider } from "./providers.ts";

/** Seconds: three years. */
const TOKEN_SECONDS_MAX = 94_670_856;
const SIGN_IN_SECONDS = { min: 10, max: 86_400 };
const OTP_DIGITS_MIN = 4;
const SECRET_CHARS = { min: 30, max: 255 };

export type CheckRule = (rule: string | null, stored: string | null) => Faults | undefined;

export interface AuthCheck {
  readonly collection: { readonly fields: readonly Field[]; readonly indexes: readonly string[] };
  readonly options: AuthOptions;
  /** Undefined for a new collection. */
  readonly stored: AuthOptions | undefined;
  readonly checkRule: CheckRule;
}

/** What contradicts something else is looked at once each option by itself is right. */
export function checkAuthOptions(check: AuthCheck): FaultMap | undefined {
  return (
    checkEach(check) ?? checkMfa(check) ?? checkIdentityFields(check.collection, check.options)
  );
}

function checkEach({ options, stored, checkRule }: AuthCheck): FaultMap | undefined {
  const { authRule, manageRule, passwordAuth, oauth2, mfa, otp, authAlert } = options;
  const tokens = TOKEN_KEYS.map((key) => [key, checkToken(options[key])] as const);
  const templates = TEMPLATE_KEYS.map((key) => [key, checkTemplate(options[key])] as const);
  return collect({
    authRule: checkRule(authRule, stored ? stored.authRule : authRule),
    manageRule: firstOf(
      () => (manageRule === "" ? fault("validation_nil_or_not_empty_required") : undefined),
      () => checkRule(manageRule, stored ? stored.manageRule : manageRule),
    ),
    authAlert: collect({ emailTemplate: checkTemplate(authAlert.emailTemplate) }),
    passwordAuth: passwordAuth.enabled
      ? collect({ identityFields: required(passwordAuth.identityFields) })
      : undefined,
    oauth2: oauth2.enabled ? collect({ providers: checkProviders(oauth2.providers) }) : undefined,
    mfa: mfa.enabled ? collect({ duration: checkDuration(mfa.duration) }) : undefined,
    otp: collect({
      duration: otp.enabled ? checkDuration(otp.duration) : undefined,
      length: otp.enabled
        ? firstOf(
            () => required(otp.length),
            () => limits(otp.length, { min: OTP_DIGITS_MIN }),
          )
        : undefined,
      emailTemplate: checkTemplate(otp.emailTemplate),
    }),
    ...Object.fromEntries([...tokens, ...templates]),
  });
}

function checkDuration(seconds: number): Faults | undefined {
  return firstOf(
    () => required(seconds),
    () => limits(seconds, SIGN_IN_SECONDS),
  );
}

function checkToken({ secret, duration }: TokenOptions): Faults | undefined {
  return collect({
    secret: firstOf(
      () => required(secret),
      () => lengthBetween(secret, SECRET_CHARS),
    ),
    duration: firstOf(
      () => required(duration),
      () => limits(duration, { min: SIGN_IN_SECONDS.min, max: TOKEN_SECONDS_MAX }),
    ),
  });
}

function checkTemplate({ subject, body }: MailTemplate): Faults | undefined {
  return collect({ subject: required(subject), body: required(body) });
}

function checkProviders(providers: readonly Provider[]): Faults | undefined {
  const invalid = collectItems(providers, ({ name, clientId, clientSecret, ...urls }) =>
    collect({
      name: firstOf(
        () => required(name),
        () => (isProvider(name) ? undefined : fault("validation_missing_provider", { name })),
      ),
      clientId: required(clientId),
      clientSecret: required(clientSecret),
      authURL: checkUrl(urls.authURL),
      tokenURL: checkUrl(urls.tokenURL),
      userInfoURL: checkUrl(urls.userInfoURL),
    }),
  );
  if (invalid) return invalid;
  return collectItems(providers, ({ name }, index) =>
    providers.findIndex((other) => other.name === name) < index
      ? { name: fault("validation_duplicated_provider", { name }) }
      : undefined,
  );
}

function checkUrl(url: string): Faults | undefined {
  return url === "" || isUrl(url) ? undefined : fault("validation_is_url");
}

function checkMfa({ options, stored, checkRule }: AuthCheck): FaultMap | undefined {
  const { mfa, passwordAuth, oauth2, otp } = options;
  if (!mfa.enabled) return undefined;
  const ways = [passwordAuth, oauth2, otp].filter(({ enabled }) => enabled).length;
  if (ways < 2) return { mfa: { enabled: fault("validation_mfa_not_enough_auths") } };
  if (mfa.rule === "") return undefined;
  const rule = checkRule(mfa.rule, stored ? stored.mfa.rule : mfa.rule);
  return rule ? { mfa: { rule } } : undefined;
}

function checkIdentityFields(
  { fields, indexes }: AuthCheck["collection"],
  { passwordAuth }: AuthOptions,
): FaultMap | undefined {
  if (!passwordAuth.enabled) return undefined;
  for (const fieldName of passwordAuth.identityFields) {
    const known = fields.some(({ name }) => name === fieldName);
    if (known && findUniqueIndex(indexes, fieldName)) continue;
    const code = known ? "validation_missing_unique_constraint" : "validation_missing_field";
    return { passwordAuth: { identityFields: fault(code, { fieldName }) } };
  }
  return undefined;
}
