/** The auth collections of a new data directory: `_superusers` and `users`. */

import type { Ids } from "../../base/ids.ts";
import { type CollectionDefinition, type Field, fields, timestamps } from "../records/index.ts";

export const USERS = "users";
export const USERS_ID = "_pb_users_auth_";
export const SUPERUSERS = "_superusers";
/** Clients of the records API know superusers by this collection id. */
export const SUPERUSERS_ID = "pbc_3142635823";
/** Exists only until the first real superuser does; its token is the set-up link. */
export const INSTALLER_EMAIL = "__pbinstaller@example.com";

export const PASSWORD_CHARS_MIN = 8;
/** bcrypt looks at no more than 72 bytes. */
export const PASSWORD_CHARS_MAX = 71;
export const PASSWORD_COST = 10;
export const TOKEN_KEY_CHARS = 50;

const SYSTEM = { system: true };

function authFields(): Field[] {
  return [
    fields.id(),
    fields.password("password", { min: PASSWORD_CHARS_MIN }),
    fields.text("tokenKey", {
      autogeneratePattern: "[a-zA-Z0-9]{50}",
      hidden: true,
      max: 60,
      min: 30,
      required: true,
      ...SYSTEM,
    }),
    fields.email("email", { required: true, ...SYSTEM }),
    fields.bool("emailVisibility", SYSTEM),
    fields.bool("verified", SYSTEM),
  ];
}

function authIndexes(name: string, id: string): string[] {
  return [
    `CREATE UNIQUE INDEX \`idx_tokenKey_${id}\` ON \`${name}\` (\`tokenKey\`)`,
    `CREATE UNIQUE INDEX \`idx_email_${id}\` ON \`${name}\` (\`email\`) WHERE \`email\` != ''`,
  ];
}

/** Token durations in seconds, each with a signing secret of its own. */
function authOptions(ids: Ids, authTokenSeconds: number): Record<string, unknown> {
  const token = (duration: number) => ({ duration, secret: ids.secret(50) });
  return {
    authRule: "",
    manageRule: null,
    authAlert: {
      enabled: true,
      emailTemplate: {
        subject: "New sign-in to your {APP_NAME} account",
        body: "<p>Your account was used from a new place: {ALERT_INFO}</p>",
      },
    },
    oauth2: {
      mappedFields: { id: "", name: "name", username: "", avatarURL: "avatar" },
      enabled: false,
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
    authToken: token(authTokenSeconds),
    passwordResetToken: token(1800),
    emailChangeToken: token(1800),
    verificationToken: token(259_200),
    fileToken: token(180),
    verificationTemplate: mail("Confirm your address", "confirm-verification"),
    resetPasswordTemplate: mail("Choose a new password", "confirm-password-reset"),
    confirmEmailChangeTemplate: mail("Confirm your new address", "confirm-email-change"),
  };
}

function mail(subject: string, action: string): Record<string, string> {
  const link = `{APP_URL}/_/#/auth/${action}/{TOKEN}`;
  return {
    subject: `${subject} for {APP_NAME}`,
    body: `<p>${subject}: <a href="${link}">${link}</a></p>`,
  };
}

export function authCollections(ids: Ids): CollectionDefinition[] {
  const own = "id = @request.auth.id";
  const images = ["image/jpeg", "image/png", "image/svg+xml", "image/gif", "image/webp"];
  return [
    {
      id: SUPERUSERS_ID,
      name: SUPERUSERS,
      type: "auth",
      system: true,
      fields: [...authFields(), ...timestamps(SYSTEM)],
      indexes: authIndexes(SUPERUSERS, SUPERUSERS_ID),
      options: { ...authOptions(ids, 86_400), oauth2: { enabled: false } },
    },
    {
      id: USERS_ID,
      name: USERS,
      type: "auth",
      listRule: own,
      viewRule: own,
      createRule: "",
      updateRule: own,
      deleteRule: own,
      fields: [
        ...authFields(),
        fields.text("name", { max: 255 }),
        fields.file("avatar", { mimeTypes: images }),
        ...timestamps(),
      ],
      indexes: authIndexes(USERS, USERS_ID),
      options: authOptions(ids, 604_800),
    },
  ];
}
