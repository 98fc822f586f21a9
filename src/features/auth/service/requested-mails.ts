/** Mails that anybody may ask for by an address: in the background, and not again and again. */

import type { Context } from "../../../core/context.ts";
import type { Background } from "./background.ts";
import type { Pauses } from "./throttles.ts";

export class RequestedMails {
  readonly #background: Pick<Background, "run">;
  readonly #pauses: Pauses;

  constructor(background: Pick<Background, "run">, pauses: Pauses) {
    this.#background = background;
    this.#pauses = pauses;
  }

  /**
   * Runs `send` soon, unless one for the same key went out a moment ago: nobody waits for a mail
   * that did not go out. `what` names it in the log.
   */
  send(what: string, key: string, send: (context: Context) => Promise<void>): void {
    if (!this.#pauses.begin(key)) return;
    const begun = this.#background.run(what, async (context) => {
      try {
        await send(context);
      } catch (error) {
        this.#pauses.end(key);
        throw error;
      }
    });
    if (!begun) this.#pauses.end(key);
  }

  /** It was made use of: the next may be asked for at once. */
  used(key: string): void {
    this.#pauses.end(key);
  }
}
