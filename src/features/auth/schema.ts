/**
 * The collections of a new data directory: `_superusers`, `users`, and what belongs to accounts of
 * every auth collection.
 */

import type { Ids } from "../../base/ids.ts";
import {
  type CollectionDefinition,
  defaultAuthOptions,
  type Field,
  fields,
  timestamps,
} from "../records/index.ts";

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
/** Low, because a one-time password is good for minutes and has few tries. */
export const OTP_COST = 8;

export const EXTERNAL_AUTHS = "_externalAuths";
export const AUTH_ORIGINS = "_authOrigins";
export const MFAS = "_mfas";
export const OTPS = "_otps";
/** Rows of these name an account and go with it. */
export const BELONGINGS = [MFAS, OTPS, EXTERNAL_AUTHS, AUTH_ORIGINS] as const;

const SUPERUSER_SECONDS = 86_400;
const MAPPED_FIELDS = { id: "", name: "name", username: "", avatarURL: "avatar" };

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

export function authCollections(ids: Ids): CollectionDefinition[] {
  const secret = (chars: number) => ids.secret(chars);
  const [superusers, users] = [defaultAuthOptions(secret), defaultAuthOptions(secret)];
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
      options: {
        ...superusers,
        authToken: { ...superusers.authToken, duration: SUPERUSER_SECONDS },
      },
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
      options: {
        ...users,
        oauth2: { ...users.oauth2, mappedFields: MAPPED_FIELDS },
      },
    },
  ];
}

const OWNERS =
  "@request.auth.id != '' && recordRef = @request.auth.id && collectionRef = @request.auth.collectionId";

/** What belongs to accounts: half sign-ins, one-time passwords, accounts elsewhere, places. */
export function belongingCollections(): CollectionDefinition[] {
  const text = (name: string) => fields.text(name, { required: true, ...SYSTEM });
  const owned = (name: string, own: readonly Field[], indexes: readonly string[]) => ({
    name,
    system: true,
    listRule: OWNERS,
    viewRule: OWNERS,
    fields: [fields.id(), text("collectionRef"), text("recordRef"), ...own, ...timestamps(SYSTEM)],
    indexes,
  });
  // The statements are as the reference writes them, so that exported collections compare equal.
  const index = (name: string, on: string) => `CREATE INDEX \`${name}\` ON ${on}`;
  const unique = (name: string, on: string) => `CREATE UNIQUE INDEX \`${name}\` ON ${on}`;
  return [
    owned(
      MFAS,
      [text("method")],
      [index("idx_mfas_collectionRef_recordRef", "`_mfas` (collectionRef,recordRef)")],
    ),
    owned(
      OTPS,
      [
        fields.password("password", { cost: OTP_COST }),
        fields.text("sentTo", { hidden: true, ...SYSTEM }),
      ],
      [index("idx_otps_collectionRef_recordRef", "`_otps` (collectionRef, recordRef)")],
    ),
    {
      ...owned(
        EXTERNAL_AUTHS,
        [text("provider"), text("providerId")],
        [
          unique(
            "idx_externalAuths_record_provider",
            "`_externalAuths` (collectionRef, recordRef, provider)",
          ),
          unique(
            "idx_externalAuths_collection_provider",
            "`_externalAuths` (collectionRef, provider, providerId)",
          ),
        ],
      ),
      deleteRule: OWNERS,
    },
    {
      ...owned(
        AUTH_ORIGINS,
        [text("fingerprint")],
        [
          unique(
            "idx_authOrigins_unique_pairs",
            "`_authOrigins` (collectionRef, recordRef, fingerprint)",
          ),
        ],
      ),
      deleteRule: OWNERS,
    },
  ];
}
