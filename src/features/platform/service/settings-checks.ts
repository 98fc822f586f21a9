/** Which settings the platform accepts. */

import type { FieldError } from "../../../base/errors.ts";
import { parseCron } from "../../../tools/cron.ts";
import { isEmail, isUrl } from "../../../tools/fields/addresses.ts";
import { fullAddress } from "../../../tools/network.ts";
import type { RateLimitRule, S3Settings, Settings, SmtpSettings } from "../../records/index.ts";
import {
  belowFault,
  choiceFault,
  type Faults,
  fault,
  lengthFault,
  patternFault,
  required,
  requiredWhen,
  throwFaults,
} from "./faults.ts";

/** Error: 400 `validation_failed` with every fault under the name of its setting. */
export function checkSettings(settings: Settings): void {
  const { meta, logs, smtp, s3, backups, batch, rateLimits } = settings;
  const faults: Faults = {
    meta: {
      appName: nameFault(meta.appName),
      appURL: requiredWhen(true, meta.appURL) ?? urlFault(meta.appURL),
      senderName: nameFault(meta.senderName),
      senderAddress: requiredWhen(true, meta.senderAddress) ?? emailFault(meta.senderAddress),
    },
    logs: { maxDays: belowFault(logs.maxDays, 0) },
    smtp: smtpFaults(smtp),
    s3: s3Faults(s3),
    backups: {
      s3: s3Faults(backups.s3),
      cron: cronFault(backups.cron),
      cronMaxKeep:
        requiredWhen(backups.cron !== "", backups.cronMaxKeep) ??
        belowFault(backups.cronMaxKeep, 1),
    },
    batch: {
      maxRequests:
        requiredWhen(batch.enabled, batch.maxRequests) ?? belowFault(batch.maxRequests, 0),
      timeout: requiredWhen(batch.enabled, batch.timeout) ?? belowFault(batch.timeout, 0),
      maxBodySize: belowFault(batch.maxBodySize, 0),
    },
    rateLimits: {
      rules:
        requiredWhen(rateLimits.enabled, rateLimits.rules) ??
        conflict(rateLimits.rules) ??
        Object.fromEntries(rateLimits.rules.map((rule, index) => [index, ruleFaults(rule)])),
    },
  };
  throwFaults(faults, "An error occurred while validating the submitted data.");
}

function nameFault(text: string): FieldError | undefined {
  return requiredWhen(true, text) ?? lengthFault(text, 1, 255);
}

function urlFault(text: string): FieldError | undefined {
  if (text === "" || isUrl(text)) return undefined;
  return fault("validation_is_url", "Must be a valid URL.");
}

export function emailFault(text: string): FieldError | undefined {
  if (text === "" || isEmail(text)) return undefined;
  return fault("validation_is_email", "Must be a valid email address.");
}

const LABELS = /^[a-zA-Z0-9_][\w-]{0,62}(?:\.[a-zA-Z0-9_][\w-]{0,62})*[._]?$/;
const HOST_CHARS_MAX = 255;

function hostFault(text: string): FieldError | undefined {
  if (text === "" || fullAddress(text)) return undefined;
  if (text.length <= HOST_CHARS_MAX && LABELS.test(text)) return undefined;
  return fault("validation_is_host", "Must be a valid IP address or DNS name.");
}

function cronFault(text: string): FieldError | undefined {
  if (text === "" || parseCron(text)) return undefined;
  return fault("validation_invalid_cron", "Must be a cron expression of five segments.");
}

function smtpFaults(smtp: SmtpSettings): Faults {
  return {
    host: requiredWhen(smtp.enabled, smtp.host) ?? hostFault(smtp.host),
    port: requiredWhen(smtp.enabled, smtp.port) ?? belowFault(smtp.port, 0),
    authMethod: choiceFault(smtp.authMethod, ["LOGIN", "PLAIN"]),
    localName: hostFault(smtp.localName),
  };
}

function s3Faults(s3: S3Settings): Faults {
  const need = (value: string) => requiredWhen(s3.enabled, value);
  return {
    endpoint: need(s3.endpoint) ?? urlFault(s3.endpoint),
    bucket: need(s3.bucket),
    region: need(s3.region),
    accessKey: need(s3.accessKey),
    secret: need(s3.secret),
  };
}

const LABEL = /^(?:\w+ \/[\w/-]*|\/[\w/-]*|\w+:\w+|\*:\w+|\w+)$/;

function ruleFaults(rule: RateLimitRule): Faults {
  return {
    label: rule.label === "" ? required : patternFault(rule.label, LABEL),
    maxRequests: rule.maxRequests === 0 ? required : belowFault(rule.maxRequests, 1),
    duration: rule.duration === 0 ? required : belowFault(rule.duration, 1),
    audience: choiceFault(rule.audience, ["@guest", "@auth"]),
  };
}

/** Two rules with one label are apart only where both name different audiences. */
function conflict(rules: readonly RateLimitRule[]): Faults | undefined {
  const known: string[] = [];
  for (const [index, { label, audience }] of rules.entries()) {
    const key = `${label}@@${audience}`;
    if (known.some((other) => other.startsWith(key) || key.startsWith(other))) {
      const message = `There is another rule for ${label}.`;
      const entry = fault("validation_conflicting_rate_limit_rule", message, { label });
      return { [index]: { label: entry } };
    }
    known.push(key);
  }
  return undefined;
}
