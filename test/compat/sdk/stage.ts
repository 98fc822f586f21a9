/**
 * What the scenarios of the official client stand on: a compiled server in a process of its own, or
 * the reference where PARVIS_REFERENCE names it (so that the scenarios themselves can be checked),
 * and clients of it.
 */

import PocketBase, { type CollectionModel, type RecordModel } from "pocketbase";
import { drawPort, freshHome, run, startServer } from "../../fixtures/executable.ts";
import { PASSWORD, PUBLIC, SHORT_ID } from "../scripts/stage.ts";

/** As the reference's prepared directory has it. */
export const ROOT = { email: "root@example.com", password: "correct horse" };
export { PASSWORD, PUBLIC, SHORT_ID };

export type Fields = readonly Readonly<Record<string, unknown>>[];
export type More = Readonly<Record<string, unknown>>;

interface Place {
  readonly url: string;
  /** Runs a command of the executable on the server's data. */
  command(...args: string[]): Promise<number>;
  log(): string;
  close(): Promise<void>;
}

async function ours(flags: readonly string[]): Promise<Place> {
  const home = freshHome();
  const server = await startServer(home, { flags });
  const command = async (...args: string[]) => {
    return (await run(home, [...args, "--dir", server.dir])).code;
  };
  const made = await command("superuser", "upsert", ROOT.email, ROOT.password);
  if (made !== 0) throw new Error(`No superuser: exit code ${made}.`);
  return {
    url: server.url,
    command,
    log: server.log,
    async close() {
      await server[Symbol.asyncDispose]();
      home[Symbol.dispose]();
    },
  };
}

async function theirs(path: string): Promise<Place> {
  // Loaded only when it is asked for: with it comes this server's source.
  const { Reference } = await import("../reference.ts");
  const reference = new Reference();
  const server = await reference.start();
  return {
    url: server.url,
    async command(...args) {
      const dirs = ["--dir", server.dir, "--migrationsDir", `${server.dir}/none`];
      return await Bun.spawn([path, ...args, ...dirs], { stdout: "ignore" }).exited;
    },
    log: () => "",
    async close() {
      await server[Symbol.asyncDispose]();
      reference[Symbol.dispose]();
    },
  };
}

export interface Person {
  readonly id: string;
  readonly email: string;
  /** Signed in. */
  readonly client: PocketBase;
}

/** One server, shared by the scenarios of a file. */
export class Stage implements AsyncDisposable {
  readonly #place: Place;
  readonly url: string;
  /** Signed in as the first superuser. */
  readonly root: PocketBase;
  #people = 0;

  private constructor(place: Place) {
    this.#place = place;
    this.url = place.url;
    this.root = this.client();
  }

  /** With these features on (a list of names, `none` or `all`). */
  static async start(features = "none"): Promise<Stage> {
    const reference = process.env.PARVIS_REFERENCE;
    // A server that starts itself again after a restore has to be found where it was.
    const flags = ["--features", features, "--http", `127.0.0.1:${drawPort()}`];
    const stage = new Stage(await (reference ? theirs(reference) : ours(flags)));
    await stage.root.collection("_superusers").authWithPassword(ROOT.email, ROOT.password);
    return stage;
  }

  /** A guest's client, of this server or of what stands before it. */
  client(url = this.url): PocketBase {
    return new PocketBase(url).autoCancellation(false);
  }

  command(...args: string[]): Promise<number> {
    return this.#place.command(...args);
  }

  log(): string {
    return this.#place.log();
  }

  /** A public collection with ids of any length, or as `more` says. */
  collection(name: string, fields: Fields = [], more: More = {}): Promise<CollectionModel> {
    const body = { name, type: "base", ...PUBLIC, fields: [SHORT_ID, ...fields], ...more };
    return this.root.collections.create(body);
  }

  /** A record of `users`, or of another collection, and its client. */
  async person(name: string, more: More = {}, collection = "users"): Promise<Person> {
    this.#people += 1;
    const email = `${name.toLowerCase()}${this.#people}@example.com`;
    const given = { name, email, password: PASSWORD, passwordConfirm: PASSWORD, ...more };
    const { id } = await this.root.collection(collection).create(given);
    const client = this.client();
    await client.collection(collection).authWithPassword(given.email, given.password);
    return { id, email: given.email, client };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.root.cancelAllRequests();
    await this.#place.close();
  }
}

/** What a client's error says: its status, and codes by field. */
export async function refusal(
  attempt: Promise<unknown>,
): Promise<readonly [status: number, codes: Readonly<Record<string, string>>]> {
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
  throw new Error("It was not refused.");
}

/** The claims of a token, unchecked. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

/** A token as the server makes it with that key, HS256 (RFC 7519). */
export function minted(claims: More, key: string): string {
  const encode = (value: More) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  const hash = new Bun.CryptoHasher("sha256", key).update(signed).digest("base64url");
  return `${signed}.${hash}`;
}

export function ids(records: readonly RecordModel[]): string {
  return records.map(({ id }) => id).join(" ");
}
