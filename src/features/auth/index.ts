/** Accounts: users and superusers, their ways to sign in, their tokens, what belongs to them. */

import type { Ids } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Feature, FeatureHost, ServiceKey } from "../../core/registry.ts";
import { Mailer } from "../../infra/mail/mailer.ts";
import { OAuth2Client } from "../../infra/oauth2/client.ts";
import { collectionsMigration, RecordPipeline } from "../records/index.ts";
import { accountOperations } from "./operations/accounts.ts";
import { signInOperations } from "./operations/sign-in.ts";
import { authCollections, belongingCollections } from "./schema.ts";
import { AccountMails } from "./service/account-mails.ts";
import { Accounts } from "./service/accounts.ts";
import { Answers } from "./service/answers.ts";
import { Background } from "./service/background.ts";
import { EmailChange } from "./service/email-change.ts";
import { scheduleExpiry } from "./service/expiry.ts";
import { Mfa } from "./service/mfa.ts";
import { AccountLinks } from "./service/oauth2/link.ts";
import { OAuth2Redirect } from "./service/oauth2/redirect.ts";
import { OAuth2SignIn } from "./service/oauth2/sign-in.ts";
import { Origins } from "./service/origins.ts";
import { Otps } from "./service/otp.ts";
import { PasswordSignIn } from "./service/password.ts";
import { PasswordReset } from "./service/password-reset.ts";
import { RequestedMails } from "./service/requested-mails.ts";
import { bindAccounts } from "./service/rings.ts";
import { AuthService } from "./service/sign-in.ts";
import { bindSuperusers } from "./service/superusers.ts";
import { Pauses, Windows } from "./service/throttles.ts";
import { Verification } from "./service/verification.ts";

export { SUPERUSERS, USERS, USERS_ID } from "./schema.ts";
export type { AccountMails, MailKind } from "./service/account-mails.ts";
export { type AppleClient, appleClientSecret } from "./service/oauth2/apple.ts";
export { OPERATOR_PREFIX, operatorScheme } from "./service/operator.ts";
export type { AuthService } from "./service/sign-in.ts";

export const Auth: ServiceKey<AuthService> = { feature: "auth" };

export interface AuthOptions {
  /** For the signing secrets of a new data directory. */
  readonly ids: Ids;
  readonly signInPerMinute: number;
  /** The data directory: the outbox is in it. */
  readonly dir: string;
}

export function auth(options: AuthOptions): Feature {
  return {
    name: "auth",
    needs: ["records"],
    collections: [],
    migrations: [
      collectionsMigration("parvis/0002_auth", () => authCollections(options.ids)),
      collectionsMigration("parvis/0003_auth_records", belongingCollections),
    ],
    create(host) {
      const accounts = new Accounts(host);
      const mails = new AccountMails(accounts, new Mailer({ ...host, dir: options.dir }));
      const background = new Background(host);
      const origins = new Origins(accounts, { mails, background });
      const answers = new Answers(host, { accounts, mfa: new Mfa(accounts), origins });
      const service = new AuthService(host, { accounts, answers, mails, background });
      bindAccounts(host);
      bindSuperusers(host, service);
      scheduleExpiry(accounts, () => host.context());
      const shared = { accounts, answers, mails, background };
      return {
        operations: [
          ...signInOperations(waysIn(host, { ...shared, perMinute: options.signInPerMinute })),
          ...accountOperations({ auth: service, ...confirmations(host, shared) }),
        ],
        service,
        tokens: [service.tokenScheme],
        stop: () => background.stop(),
      };
    },
  };
}

interface Shared {
  readonly accounts: Accounts;
  readonly answers: Answers;
  readonly mails: AccountMails;
  readonly background: Background;
}

function waysIn(host: FeatureHost, shared: Shared & { readonly perMinute: number }) {
  const { accounts, answers } = shared;
  const client = new OAuth2Client(host.clock);
  const pipeline = new RecordPipeline(accounts.records);
  const links = new AccountLinks(host, { accounts, client, pipeline });
  const redirect = new OAuth2Redirect(host.clock, accounts.records.realtime);
  const window = { max: LIMITS.otpTriesMax, windowMs: LIMITS.otpTriesWindowMs };
  const tries = new Windows(host.clock, window);
  return {
    accounts,
    password: new PasswordSignIn(accounts, shared),
    otps: new Otps(accounts, { ...shared, log: host.log, tries }),
    oauth2: new OAuth2SignIn(accounts, { answers, client, links, redirect }),
    redirect,
  };
}

function confirmations({ clock }: FeatureHost, { accounts, mails, background }: Shared) {
  const requested = new RequestedMails(background, new Pauses(clock, LIMITS.authMailPauseMs));
  return {
    verification: new Verification(accounts, { mails, requested }),
    passwordReset: new PasswordReset(accounts, { mails, requested }),
    emailChange: new EmailChange(accounts, { mails }),
  };
}
