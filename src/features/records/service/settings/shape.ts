/** The platform's settings as operators read and change them, with what they are at first. */

import type { S3Options } from "../../../../infra/files/storage-s3.ts";
import type { SmtpRoute } from "../../../../infra/mail/mailer.ts";

export interface S3Settings extends S3Options {
  readonly enabled: boolean;
}

export type SmtpSettings = SmtpRoute;

/** Whom a rate limit rule counts: everybody, callers without a record, or those with one. */
export type RateLimitAudience = "" | "@guest" | "@auth";

export interface RateLimitRule {
  /** A tag (`users:create`, `*:auth`), `METHOD /path`, `/path`, or a prefix that ends in `/`. */
  readonly label: string;
  readonly audience: RateLimitAudience;
  /** Seconds. */
  readonly duration: number;
  readonly maxRequests: number;
}

export interface LogsSettings {
  /** 0: no log is kept. */
  readonly maxDays: number;
  /** -4 debug, 0 info, 4 warn, 8 error. */
  readonly minLevel: number;
  readonly logIP: boolean;
  readonly logAuthId: boolean;
}

export interface Settings {
  readonly smtp: SmtpSettings;
  readonly backups: {
    /** Five segments, UTC; empty: no automatic backups. */
    readonly cron: string;
    readonly cronMaxKeep: number;
    readonly s3: S3Settings;
  };
  /** Where uploaded files are kept, when enabled, instead of the data directory. */
  readonly s3: S3Settings;
  readonly meta: {
    readonly appName: string;
    readonly appURL: string;
    readonly senderName: string;
    readonly senderAddress: string;
    readonly hideControls: boolean;
  };
  readonly rateLimits: { readonly rules: readonly RateLimitRule[]; readonly enabled: boolean };
  readonly trustedProxy: { readonly headers: readonly string[]; readonly useLeftmostIP: boolean };
  readonly batch: {
    readonly enabled: boolean;
    readonly maxRequests: number;
    /** Seconds. */
    readonly timeout: number;
    /** Bytes; 0: 128 MiB. */
    readonly maxBodySize: number;
  };
  readonly logs: LogsSettings;
}

const NO_S3: S3Settings = {
  enabled: false,
  bucket: "",
  region: "",
  endpoint: "",
  accessKey: "",
  secret: "",
  forcePathStyle: false,
};

export const DEFAULT_SETTINGS: Settings = {
  smtp: {
    enabled: false,
    port: 587,
    host: "smtp.example.com",
    username: "",
    password: "",
    authMethod: "",
    tls: false,
    localName: "",
  },
  backups: { cron: "", cronMaxKeep: 3, s3: NO_S3 },
  s3: NO_S3,
  meta: {
    appName: "Acme",
    appURL: "http://localhost:8090",
    senderName: "Support",
    senderAddress: "support@example.com",
    hideControls: false,
  },
  rateLimits: {
    rules: [
      { label: "*:auth", audience: "", duration: 3, maxRequests: 2 },
      { label: "*:create", audience: "", duration: 5, maxRequests: 20 },
      { label: "/api/batch", audience: "", duration: 1, maxRequests: 3 },
      { label: "/api/", audience: "", duration: 10, maxRequests: 300 },
    ],
    enabled: false,
  },
  trustedProxy: { headers: [], useLeftmostIP: false },
  batch: { enabled: false, maxRequests: 50, timeout: 3, maxBodySize: 0 },
  logs: { maxDays: 5, minLevel: 0, logIP: true, logAuthId: false },
};
