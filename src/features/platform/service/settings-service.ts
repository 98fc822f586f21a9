/** What superusers do with the platform's settings. */

import { AppError, fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import type { S3Options } from "../../../infra/files/storage-s3.ts";
import { openS3Storage } from "../../../infra/files/storage-s3.ts";
import { appleClientSecret } from "../../auth/index.ts";
import { mergeSettings, type Settings, type SettingsBook } from "../../records/index.ts";
import {
  aboveFault,
  belowFault,
  choiceFault,
  lengthFault,
  patternFault,
  requiredWhen,
  throwFaults,
} from "./faults.ts";
import { checkSettings } from "./settings-checks.ts";

export interface AppleSecretForm {
  readonly clientId: string;
  readonly teamId: string;
  readonly keyId: string;
  readonly privateKey: string;
  /** Seconds. */
  readonly duration: number;
}

const APPLE_ID_CHARS = 10;
/** Half a year, Apple's own bound. */
const APPLE_SECONDS_MAX = 15_777_000;
const PRIVATE_KEY = /-----BEGIN PRIVATE KEY----[\s\S]+-----END PRIVATE KEY-----/;

export class SettingsService {
  readonly #book: SettingsBook;

  constructor(book: SettingsBook) {
    this.#book = book;
  }

  /** As clients see them: without the secrets. */
  show(): Settings {
    return masked(this.#book.current);
  }

  /**
   * Merges what is sent; secrets that are left out or empty stay. Errors: 400 `invalid_settings`,
   * `validation_failed`.
   */
  async update(context: Context, given: unknown): Promise<Settings> {
    const before = this.#book.current;
    const next = keepSecrets(mergeSettings(before, given), before);
    checkSettings(next);
    await this.#book.save(context, next);
    return masked(next);
  }

  /** Writes a file and deletes it again. Errors: 400 `validation_failed`, `s3_failed`. */
  async testS3(context: Context, filesystem: string): Promise<void> {
    const message = "Failed to test the S3 filesystem.";
    const choice =
      requiredWhen(true, filesystem) ?? choiceFault(filesystem, ["storage", "backups"]);
    throwFaults({ filesystem: choice }, message);
    const { s3, backups } = this.#book.current;
    const chosen = filesystem === "backups" ? backups.s3 : s3;
    if (!chosen.enabled) throw fail.invalid("s3_failed", "The S3 storage is not enabled.");
    try {
      await tryStorage(chosen, `pb_settings_test_${context.ids.secret(5)}`);
    } catch (cause) {
      const reason = cause instanceof AppError ? cause.message : "";
      throw fail.invalid("s3_failed", `${message} ${reason}`.trim(), { cause });
    }
  }

  /** A client secret for "Sign in with Apple". Errors: 400. */
  async appleSecret(context: Context, form: AppleSecretForm): Promise<string> {
    const { clientId, teamId, keyId, privateKey, duration } = form;
    const needed = (text: string) => requiredWhen(true, text);
    const faults = {
      clientId: needed(clientId),
      teamId: needed(teamId) ?? lengthFault(teamId, APPLE_ID_CHARS, APPLE_ID_CHARS),
      keyId: needed(keyId) ?? lengthFault(keyId, APPLE_ID_CHARS, APPLE_ID_CHARS),
      privateKey: needed(privateKey) ?? patternFault(privateKey, PRIVATE_KEY),
      duration:
        requiredWhen(true, duration) ??
        belowFault(duration, 1) ??
        aboveFault(duration, APPLE_SECONDS_MAX),
    };
    throwFaults(faults, "Invalid client secret data.");
    return appleClientSecret(form, context.clock.now());
  }
}

async function tryStorage(options: S3Options, folder: string): Promise<void> {
  const storage = openS3Storage(options);
  const content = { kind: "bytes", bytes: new TextEncoder().encode("test") } as const;
  await storage.put(`${folder}/test.txt`, content, { type: "text/plain" });
  // Asks for the right to list too.
  await storage.deletePrefix(`${folder}/`);
}

function masked(settings: Settings): Settings {
  const { smtp, s3, backups } = settings;
  // Left out and not emptied: a client that sends the whole back must not wipe them.
  const { password, ...openSmtp } = smtp;
  return {
    ...settings,
    smtp: openSmtp as Settings["smtp"],
    s3: withoutSecret(s3),
    backups: { ...backups, s3: withoutSecret(backups.s3) },
  };
}

function withoutSecret({ secret, ...open }: Settings["s3"]): Settings["s3"] {
  return open as Settings["s3"];
}

function keepSecrets(next: Settings, before: Settings): Settings {
  const { smtp, s3, backups } = next;
  return {
    ...next,
    smtp: { ...smtp, password: smtp.password || before.smtp.password },
    s3: { ...s3, secret: s3.secret || before.s3.secret },
    backups: {
      ...backups,
      s3: { ...backups.s3, secret: backups.s3.secret || before.backups.s3.secret },
    },
  };
}
