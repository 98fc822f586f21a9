/** All areas in the order in which they are built. */

import type { Area } from "../script.ts";
import { AUTH, FLOWS } from "./auth.ts";
import { BATCH } from "./batch.ts";
import { COLLECTIONS } from "./collections.ts";
import { FILES } from "./files.ts";
import { FILTERS } from "./filters.ts";
import { HTTP } from "./http.ts";
import { EXPAND, LISTS } from "./lists.ts";
import { OAUTH2 } from "./oauth2.ts";
import { ORIGINS_AREA } from "./origins.ts";
import { BACKUPS_AREA, CRONS_AREA, LOGS_AREA, RATE_LIMITS } from "./platform.ts";
import { REALTIME } from "./realtime.ts";
import { FIELDS, MODIFIERS, RECORDS } from "./records.ts";
import { CASCADES, RULES } from "./rules.ts";
import { SCHEMA } from "./schema.ts";
import { MFA, OTP } from "./second-steps.ts";
import { SETTINGS_AREA } from "./settings.ts";
import { SUPERUSERS } from "./superusers.ts";
import { ACCOUNT_RECORDS } from "./users.ts";

export const AREAS: readonly Area[] = [
  RECORDS,
  FIELDS,
  MODIFIERS,
  LISTS,
  FILTERS,
  EXPAND,
  RULES,
  CASCADES,
  COLLECTIONS,
  SCHEMA,
  ACCOUNT_RECORDS,
  AUTH,
  FLOWS,
  OTP,
  MFA,
  OAUTH2,
  ORIGINS_AREA,
  SUPERUSERS,
  HTTP,
  FILES,
  REALTIME,
  BATCH,
  SETTINGS_AREA,
  LOGS_AREA,
  CRONS_AREA,
  BACKUPS_AREA,
  RATE_LIMITS,
];
