/** The mails that accounts get, from the templates of their collections. */

import type { Context } from "../../../core/context.ts";
import type { Mailer } from "../../../infra/mail/mailer.ts";
import {
  fillTemplate,
  type MailTemplate,
  type Placeholders,
} from "../../../infra/mail/template.ts";
import type { Account, Accounts } from "./accounts.ts";

export type MailKind = "alert" | "emailChange" | "otp" | "passwordReset" | "verification";

/** Placeholders beside those of the application and the record: `TOKEN`, `OTP`. */
export type MailValues = Readonly<Record<string, string>>;

export class AccountMails {
  readonly #accounts: Accounts;
  readonly #mailer: Mailer;

  constructor(accounts: Accounts, mailer: Mailer) {
    this.#accounts = accounts;
    this.#mailer = mailer;
  }

  /** Errors: those of the mailer. */
  async send(
    kind: MailKind,
    account: Account,
    { to, values }: { readonly to: string; readonly values: MailValues },
  ): Promise<void> {
    const { meta, smtp } = this.#accounts.records.settings.current;
    const template = this.#template(kind, account);
    const filled = fillTemplate(template, this.#placeholders(account, values));
    const from = { name: meta.senderName, address: meta.senderAddress };
    await this.#mailer.send({ from, to: [to], ...filled }, smtp);
  }

  sendVerification(context: Context, account: Account): Promise<void> {
    const email = String(account.record.email);
    const TOKEN = this.#accounts.issue(context, account, { type: "verification", email });
    return this.send("verification", account, { to: email, values: { TOKEN } });
  }

  sendPasswordReset(context: Context, account: Account): Promise<void> {
    const email = String(account.record.email);
    const TOKEN = this.#accounts.issue(context, account, { type: "passwordReset", email });
    return this.send("passwordReset", account, { to: email, values: { TOKEN } });
  }

  sendEmailChange(context: Context, account: Account, newEmail: string): Promise<void> {
    const claims = { email: String(account.record.email), newEmail };
    const TOKEN = this.#accounts.issue(context, account, { type: "emailChange", ...claims });
    return this.send("emailChange", account, { to: newEmail, values: { TOKEN } });
  }

  #template(kind: MailKind, { collection }: Account): MailTemplate {
    const options = this.#accounts.options(collection);
    switch (kind) {
      case "alert":
        return options.authAlert.emailTemplate;
      case "emailChange":
        return options.confirmEmailChangeTemplate;
      case "otp":
        return options.otp.emailTemplate;
      case "passwordReset":
        return options.resetPasswordTemplate;
      case "verification":
        return options.verificationTemplate;
    }
  }

  #placeholders({ collection, record }: Account, values: MailValues): Placeholders {
    const { meta } = this.#accounts.records.settings.current;
    const fields = collection.fields
      .filter((field) => !field.hidden)
      .map(({ name }) => [`RECORD:${name}`, printed(record[name])] as const);
    return new Map([
      ...fields,
      ["APP_NAME", meta.appName],
      ["APP_URL", meta.appURL],
      ...Object.entries(values),
    ]);
  }
}

function printed(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
