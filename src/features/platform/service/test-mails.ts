/** Mails of the auth collections with made-up contents, so that operators see what arrives. */

import { AppError, fail } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import type { RecordsService } from "../../records/index.ts";
import {
  choiceFault,
  type Faults,
  fault,
  lengthFault,
  requiredWhen,
  throwFaults,
} from "./faults.ts";
import { emailFault } from "./settings-checks.ts";

export interface TestMail {
  readonly email: string;
  readonly template: string;
  /** Name or id; empty: that of the superusers. */
  readonly collection: string;
}

export const TEMPLATES = [
  "verification",
  "password-reset",
  "email-change",
  "otp",
  "login-alert",
] as const;

export type TestTemplate = (typeof TEMPLATES)[number];

/** What sends them: the accounts' own mails. */
export type SendTestMail = (
  context: Context,
  mail: { readonly to: string; readonly template: TestTemplate; readonly collection: string },
) => Promise<void>;

const SUPERUSERS = "_superusers";
const CHARS_MAX = 255;

export class TestMails {
  readonly #records: RecordsService;
  readonly #send: SendTestMail;

  constructor(records: RecordsService, send: SendTestMail) {
    this.#records = records;
    this.#send = send;
  }

  /** Errors: 400 `validation_failed`, `mail_failed`. */
  async send(context: Context, mail: TestMail): Promise<void> {
    const template = TEMPLATES.find((name) => name === mail.template);
    const faults: Faults = {
      collection: lengthFault(mail.collection, 1, CHARS_MAX) ?? this.#collectionFault(mail),
      email:
        requiredWhen(true, mail.email) ??
        lengthFault(mail.email, 1, CHARS_MAX) ??
        emailFault(mail.email),
      template: requiredWhen(true, mail.template) ?? choiceFault(mail.template, TEMPLATES),
    };
    throwFaults(faults, "Failed to send the test email.");
    if (!template) return;
    const collection = mail.collection || SUPERUSERS;
    try {
      await this.#send(context, { to: mail.email, template, collection });
    } catch (cause) {
      const reason = cause instanceof AppError ? cause.message : "";
      throw fail.invalid("mail_failed", `Failed to send the test email. ${reason}`.trim(), {
        cause,
      });
    }
  }

  #collectionFault({ collection }: TestMail) {
    if (collection === "" || this.#records.collection(collection)?.type === "auth")
      return undefined;
    return fault("validation_invalid_auth_collection", "Must be an auth collection's id or name.");
  }
}
