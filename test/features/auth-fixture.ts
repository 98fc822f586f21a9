/** Signing in under test: a server whose collections are set up, its mails, the official client. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import PocketBase from "pocketbase";
import { Auth } from "../../src/features/auth/index.ts";
import { until } from "../fixtures/until.ts";
import { type AppFixture, freshApp, PASSWORD } from "./app-fixture.ts";

export const USERS = "/api/collections/users";

export interface AuthFixture extends AppFixture {
  /** Changes options of a collection as its superuser would. */
  configure(collection: string, options: Readonly<Record<string, unknown>>): Promise<void>;
  /** The official client, its calls going into this process. */
  client(): PocketBase;
  /** For calls of the client that begin with a client of their own. */
  fetch(url: unknown, init?: RequestInit): Promise<Response>;
  /** The mail in the outbox after those already taken. */
  mail(): Promise<ReadMail>;
  /** How many mails lie in the outbox once all work in the background is done. */
  mailCount(): Promise<number>;
  rows(table: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export interface ReadMail {
  readonly to: string;
  readonly subject: string;
  /** Of the part in plain text. */
  readonly text: string;
  readonly html: string;
}

export async function authApp(): Promise<AuthFixture> {
  const app = await freshApp({ features: "none" });
  const admin = await app.superuser();
  const send: AuthFixture["fetch"] = (to, init) => app.raw(new Request(String(to), init));
  let taken = 0;
  const outbox = () => {
    try {
      return readdirSync(join(app.dir, "outbox")).sort();
    } catch {
      return [];
    }
  };
  return {
    ...app,
    async configure(collection, options) {
      const path = `/api/collections/${collection}`;
      const answer = await app.request("PATCH", path, { token: admin, body: options });
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    },
    client() {
      const client = new PocketBase("http://localhost");
      client.autoCancellation(false);
      client.beforeSend = (url, options) => {
        return { url, options: { ...options, fetch: send } };
      };
      return client;
    },
    fetch: send,
    async mail() {
      const name = await until("a mail in the outbox", 5_000, () => outbox()[taken]);
      taken += 1;
      // The name is there before the content is.
      const path = join(app.dir, "outbox", name);
      const content = await until("its content", 5_000, () => readFileSync(path, "utf8"));
      return readMail(content);
    },
    async mailCount() {
      await app.app.kernel.registry.service(Auth).idle();
      return outbox().length;
    },
    rows: (table) => app.app.context().db.all(`SELECT * FROM \`${table}\``),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

/** Head and the two parts of a mail (RFC 2045), decoded. */
export function readMail(mail: string): ReadMail {
  const head = mail.slice(0, mail.indexOf("\r\n\r\n")).replace(/\r\n[ \t]+/g, " ");
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
  const boundary = /boundary="([^"]+)"/.exec(head)?.[1] ?? "";
  const parts = mail.split(`--${boundary}`);
  const part = (type: string) => {
    const found = parts.find((each) => each.includes(`Content-Type: ${type}`)) ?? "";
    const at = found.indexOf("\r\n\r\n");
    return decode(found.slice(at + 4), found.slice(0, at));
  };
  return {
    to: field("To"),
    subject: field("Subject"),
    text: part("text/plain"),
    html: part("text/html"),
  };
}

function decode(body: string, head: string): string {
  if (/base64/i.test(head)) return Buffer.from(body, "base64").toString();
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body
    .replaceAll("=\r\n", "")
    .replace(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** The token of the link in a mail. */
export function tokenIn({ text }: ReadMail): string {
  return /\/_\/#\/auth\/[a-z-]+\/([\w.-]+)/.exec(text)?.[1] ?? "";
}

export function codeIn({ text }: ReadMail): string {
  return /\b(\d{6,8})\b/.exec(text)?.[1] ?? "";
}

/** What a client's error says: its status, and codes by field. */
export async function refusal(
  attempt: Promise<unknown>,
): Promise<readonly [number, Readonly<Record<string, string>>]> {
  try {
    await attempt;
  } catch (error) {
    const { status, response } = error as {
      status: number;
      response: { data?: Record<string, { code: string }> };
    };
    const entries = Object.entries(response.data ?? {});
    return [status, Object.fromEntries(entries.map(([name, { code }]) => [name, code]))];
  }
  throw new Error("it was not refused");
}

export { PASSWORD };
