/**
 * Sends mails: by SMTP (RFC 5321) when the settings say so, else into the outbox directory. A few
 * go at once, more wait in order.
 */

import { join } from "node:path";
import { createTransport } from "nodemailer";
import type { Clock } from "../../base/clock.ts";
import { fail } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { Gate } from "../../tools/gate.ts";
import { compileMail, type Mail, sendOptions } from "./message.ts";
import { Outbox } from "./outbox.ts";

export interface SmtpRoute {
  /** False: mails are kept in the outbox directory. */
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** `PLAIN` (also when empty) or `LOGIN`. */
  readonly authMethod: string;
  /** TLS from the first byte; otherwise STARTTLS where the server offers it. */
  readonly tls: boolean;
  /** What the client calls itself in EHLO; empty: `localhost`. */
  readonly localName: string;
}

export interface MailerOptions {
  /** The data directory. */
  readonly dir: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** In the data directory. */
export const OUTBOX_DIR = "outbox";

export class Mailer {
  readonly #options: MailerOptions;
  readonly #outbox: Outbox;
  readonly #sending = new Gate({
    runningMax: LIMITS.mailsSendingMax,
    waitingMax: LIMITS.mailsWaitingMax,
    refuse: () => fail.unavailable("mail_busy", "Too many mails wait to be sent."),
  });
  // The outbox takes one at a time: its list of names is kept in memory.
  readonly #keeping = new Gate({
    runningMax: 1,
    waitingMax: LIMITS.mailsWaitingMax,
    refuse: () => fail.unavailable("mail_busy", "Too many mails wait to be kept."),
  });

  constructor(options: MailerOptions) {
    this.#options = options;
    this.#outbox = new Outbox(join(options.dir, OUTBOX_DIR));
  }

  /**
   * Resolves when the mail server has taken the mail. Errors: 400 and 413 for the mail itself, 503
   * `mail_failed` or `mail_busy`.
   */
  async send(mail: Mail, route: SmtpRoute): Promise<void> {
    const { clock, ids } = this.#options;
    const stamp = { at: clock.now(), id: ids.secret(20) };
    const options = sendOptions(mail, stamp);
    if (!route.enabled) {
      const path = await this.#keeping.run(async () =>
        this.#outbox.keep(await compileMail(options), stamp),
      );
      const { log } = this.#options;
      log.info("mail kept in the outbox: no mail server is set", { to: mail.to.join(", "), path });
      return;
    }
    await this.#sending.run(() => deliver(options, route));
  }
}

async function deliver(options: ReturnType<typeof sendOptions>, route: SmtpRoute): Promise<void> {
  const hasCredentials = route.username !== "" || route.password !== "";
  const transport = createTransport({
    host: route.host,
    port: route.port,
    secure: route.tls,
    // A password goes over an open line to this machine only.
    requireTLS: !route.tls && hasCredentials && !isLocal(route.host),
    name: route.localName || "localhost",
    ...(hasCredentials ? { auth: { user: route.username, pass: route.password } } : {}),
    ...(route.authMethod === "LOGIN" ? { authMethod: "LOGIN" } : { authMethod: "PLAIN" }),
    connectionTimeout: LIMITS.mailConnectMs,
    greetingTimeout: LIMITS.mailConnectMs,
    socketTimeout: LIMITS.mailSilenceMs,
  });
  try {
    await transport.sendMail(options);
  } catch (cause) {
    throw fail.unavailable("mail_failed", "The mail could not be sent.", { cause });
  } finally {
    transport.close();
  }
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
