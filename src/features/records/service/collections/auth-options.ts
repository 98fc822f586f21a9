/** What only auth collections have: ways to sign in, tokens, mails. */

import {
  asObject,
  type Json,
  malformed,
  own,
  type Read,
  readFlag,
  readMap,
  readOptionalFlag,
  readRule,
  readText,
  readTextList,
  readWhole,
  struct,
} from "./reading.ts";

export interface MailTemplate {
  readonly subject: string;
  readonly body: string;
}

/** `secret` signs, together with the record's own key; it is never shown. */
export interface TokenOptions {
  readonly secret: string;
  /** Seconds. */
  readonly duration: number;
}

export interface Provider {
  /** PKCE on or off; null leaves it to the provider. */
  readonly pkce: boolean | null;
  readonly name: string;
  readonly clientId: string;
  /** Never shown. */
  readonly clientSecret: string;
  readonly authURL: string;
  readonly tokenURL: string;
  readonly userInfoURL: string;
  readonly displayName: string;
  readonly extra: Json | null;
}

/** Fields that take a new account's data from the provider; "" for none. */
export interface MappedFields {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly avatarURL: string;
}

export interface AuthOptions {
  readonly authRule: string | null;
  readonly manageRule: string | null;
  readonly authAlert: { readonly enabled: boolean; readonly emailTemplate: MailTemplate };
  readonly oauth2: {
    readonly providers: readonly Provider[];
    readonly mappedFields: MappedFields;
    readonly enabled: boolean;
  };
  readonly passwordAuth: {
    readonly enabled: boolean;
    readonly identityFields: readonly string[];
  };
  readonly mfa: {
    readonly enabled: boolean;
    /** Seconds. */
    readonly duration: number;
    readonly rule: string;
  };
  readonly otp: {
    readonly enabled: boolean;
    /** Seconds. */
    readonly duration: number;
    /** Digits. */
    readonly length: number;
    readonly emailTemplate: MailTemplate;
  };
  readonly authToken: TokenOptions;
  readonly passwordResetToken: TokenOptions;
  readonly emailChangeToken: TokenOptions;
  readonly verificationToken: TokenOptions;
  readonly fileToken: TokenOptions;
  readonly verificationTemplate: MailTemplate;
  readonly resetPasswordTemplate: MailTemplate;
  readonly confirmEmailChangeTemplate: MailTemplate;
}

export const TOKEN_KEYS = [
  "authToken",
  "passwordResetToken",
  "emailChangeToken",
  "verificationToken",
  "fileToken",
] as const;

export const TEMPLATE_KEYS = [
  "verificationTemplate",
  "resetPasswordTemplate",
  "confirmEmailChangeTemplate",
] as const;

const readTemplate = struct<MailTemplate>({ subject: readText, body: readText });
const readToken = struct<TokenOptions>({ secret: readText, duration: readWhole });

const readProvider = struct<Provider>({
  pkce: readOptionalFlag,
  name: readText,
  clientId: readText,
  clientSecret: readText,
  authURL: readText,
  tokenURL: readText,
  userInfoURL: readText,
  displayName: readText,
  extra: readMap,
});

const NO_PROVIDER: Provider = {
  pkce: null,
  name: "",
  clientId: "",
  clientSecret: "",
  authURL: "",
  tokenURL: "",
  userInfoURL: "",
  displayName: "",
  extra: null,
};

/** The list is replaced, each over the one of its name: a secret that is left out is kept. */
const readProviders: Read<readonly Provider[]> = (given, current) => {
  if (given === undefined) return current;
  if (given === null) return [];
  if (!Array.isArray(given)) throw malformed();
  return given.map((each) => {
    const name = readText(own(asObject(each), "name"), "");
    const known = current.find((provider) => provider.name === name);
    return readProvider(each, known ?? NO_PROVIDER);
  });
};

/** Merges what a client sent over what is there. Error: 400 `invalid_body`. */
export const readAuthOptions = struct<AuthOptions>({
  authRule: readRule,
  manageRule: readRule,
  authAlert: struct({ enabled: readFlag, emailTemplate: readTemplate }),
  oauth2: struct<AuthOptions["oauth2"]>({
    providers: readProviders,
    mappedFields: struct<MappedFields>({
      id: readText,
      name: readText,
      username: readText,
      avatarURL: readText,
    }),
    enabled: readFlag,
  }),
  passwordAuth: struct<AuthOptions["passwordAuth"]>({
    enabled: readFlag,
    identityFields: readTextList,
  }),
  mfa: struct<AuthOptions["mfa"]>({ enabled: readFlag, duration: readWhole, rule: readText }),
  otp: struct<AuthOptions["otp"]>({
    enabled: readFlag,
    duration: readWhole,
    length: readWhole,
    emailTemplate: readTemplate,
  }),
  authToken: readToken,
  passwordResetToken: readToken,
  emailChangeToken: readToken,
  verificationToken: readToken,
  fileToken: readToken,
  verificationTemplate: readTemplate,
  resetPasswordTemplate: readTemplate,
  confirmEmailChangeTemplate: readTemplate,
});

const NO_TEMPLATE: MailTemplate = { subject: "", body: "" };
const NO_TOKEN: TokenOptions = { secret: "", duration: 0 };

/** Nothing set: what a stored collection leaves out counts as this. */
export const NO_AUTH_OPTIONS: AuthOptions = {
  authRule: null,
  manageRule: null,
  authAlert: { enabled: false, emailTemplate: NO_TEMPLATE },
  oauth2: {
    providers: [],
    mappedFields: { id: "", name: "", username: "", avatarURL: "" },
    enabled: false,
  },
  passwordAuth: { enabled: false, identityFields: [] },
  mfa: { enabled: false, duration: 0, rule: "" },
  otp: { enabled: false, duration: 0, length: 0, emailTemplate: NO_TEMPLATE },
  authToken: NO_TOKEN,
  passwordResetToken: NO_TOKEN,
  emailChangeToken: NO_TOKEN,
  verificationToken: NO_TOKEN,
  fileToken: NO_TOKEN,
  verificationTemplate: NO_TEMPLATE,
  resetPasswordTemplate: NO_TEMPLATE,
  confirmEmailChangeTemplate: NO_TEMPLATE,
};

const SECRET_CHARS = 50;

/** The options of a new auth collection. `secret` makes one of so many characters. */
export function defaultAuthOptions(secret: (length: number) => string): AuthOptions {
  const token = (duration: number): TokenOptions => ({ secret: secret(SECRET_CHARS), duration });
  return {
    ...NO_AUTH_OPTIONS,
    authRule: "",
    authAlert: {
      enabled: true,
      emailTemplate: {
        subject: "New sign-in to your {APP_NAME} account",
        body: "<p>Your account was used from a new place: {ALERT_INFO}</p>",
      },
    },
    passwordAuth: { enabled: true, identityFields: ["email"] },
    mfa: { enabled: false, duration: 1800, rule: "" },
    otp: {
      enabled: false,
      duration: 180,
      length: 8,
      emailTemplate: {
        subject: "Your code for {APP_NAME}",
        body: "<p>Your one-time code is <strong>{OTP}</strong></p>",
      },
    },
    authToken: token(604_800),
    passwordResetToken: token(1800),
    emailChangeToken: token(1800),
    verificationToken: token(259_200),
    fileToken: token(180),
    verificationTemplate: mail("Confirm your address", "confirm-verification"),
    resetPasswordTemplate: mail("Choose a new password", "confirm-password-reset"),
    confirmEmailChangeTemplate: mail("Confirm your new address", "confirm-email-change"),
  };
}

function mail(subject: string, action: string): MailTemplate {
  const link = `{APP_URL}/_/#/auth/${action}/{TOKEN}`;
  return {
    subject: `${subject} for {APP_NAME}`,
    body: `<p>${subject}: <a href="${link}">${link}</a></p>`,
  };
}

/** The options as they may be shown: without secrets. */
export function publicAuthOptions(options: AuthOptions): Json {
  const { oauth2 } = options;
  const tokens = TOKEN_KEYS.map((key) => [key, { duration: options[key].duration }] as const);
  const providers = oauth2.providers.map(({ clientSecret: _, ...shown }) => shown);
  return { ...options, oauth2: { ...oauth2, providers }, ...Object.fromEntries(tokens) };
}
