/** A mail as the server composes it, and as bytes (RFC 5322). */

import { createTransport, type SendMailOptions } from "nodemailer";
import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { htmlToText } from "./text.ts";

export interface Mail {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: readonly string[];
  readonly subject: string;
  readonly html: string;
  /** Made from the HTML where absent. */
  readonly text?: string;
}

/** What the mailer adds to a mail: nothing in it reads a clock or randomness. */
export interface MailStamp {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Unique; the part of Message-ID before the `@`. */
  readonly id: string;
}

/** Errors: 400 `too_many_recipients` or `no_recipient`, 413 `mail_too_large`. */
export function sendOptions(mail: Mail, stamp: MailStamp): SendMailOptions {
  if (mail.to.length === 0) throw fail.invalid("no_recipient", "The mail has no recipient.");
  if (mail.to.length > LIMITS.mailRecipientsMax) {
    throw fail.invalid("too_many_recipients", "The mail has too many recipients.");
  }
  const text = mail.text ?? htmlToText(mail.html);
  const bytes = Buffer.byteLength(mail.html) + Buffer.byteLength(text);
  if (bytes > LIMITS.mailBytesMax) throw fail.too_large("mail_too_large", "The mail is too large.");
  const domain = mail.from.address.split("@")[1] ?? "localhost";
  return {
    from: { ...mail.from },
    to: mail.to.map((address) => ({ name: "", address })),
    subject: mail.subject,
    html: mail.html,
    text,
    date: new Date(stamp.at),
    messageId: `<${stamp.id}@${domain}>`,
    // A mail names no files and no addresses to fetch: everything is in it.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** The mail as it would go over the wire, lines ending in CR LF. */
export async function compileMail(options: SendMailOptions): Promise<Buffer> {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
  const { message } = await transport.sendMail(options);
  return Buffer.isBuffer(message) ? message : Buffer.from(await new Response(message).bytes());
}
