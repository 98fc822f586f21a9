/** Mails of a server without a mail server: files that a developer reads. */

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../base/limits.ts";

const EXTENSION = ".eml";

/** A bounded directory; the oldest mails go first. Names begin with the time and sort by it. */
export class Outbox {
  readonly #dir: string;
  /** Names of the mails there are, oldest first; undefined before the first mail. */
  #names: string[] | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Returns the file's path. */
  async keep(mail: Buffer, stamp: { readonly at: number; readonly id: string }): Promise<string> {
    this.#names ??= await this.#list();
    const time = new Date(stamp.at).toISOString().replaceAll(":", "-");
    const name = `${time}-${stamp.id}${EXTENSION}`;
    const path = join(this.#dir, name);
    // Links in mails sign people in: nobody but the server's user reads them.
    await writeFile(path, mail, { mode: 0o600 });
    this.#names.push(name);
    while (this.#names.length > LIMITS.outboxFilesMax) {
      const oldest = this.#names.shift();
      if (oldest !== undefined) await rm(join(this.#dir, oldest), { force: true });
    }
    return path;
  }

  async #list(): Promise<string[]> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const names = await readdir(this.#dir);
    return names.filter((name) => name.endsWith(EXTENSION)).sort();
  }
}
