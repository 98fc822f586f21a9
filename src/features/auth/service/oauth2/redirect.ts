/** Where providers send browsers back to: passes on what they brought to the client that waits. */

import type { Clock } from "../../../../base/clock.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Context } from "../../../../core/context.ts";
import type { RedirectAnswer } from "../../../../core/operation.ts";
import type { Realtime } from "../../../records/index.ts";
import { type FormInput, readTexts } from "../forms.ts";
import { bound } from "../throttles.ts";
import { textAt } from "./definition.ts";

/** The topic under which the client waits. */
export const OAUTH2_TOPIC = "@oauth2";
/** Relative, so that they hold behind a proxy that adds to the path. */
const SUCCESS: RedirectAnswer = { location: "../_/#/auth/oauth2-redirect-success" };
const FAILURE: RedirectAnswer = { location: "../_/#/auth/oauth2-redirect-failure" };

interface KeptName {
  readonly name: string;
  readonly endsAt: number;
}

export class OAuth2Redirect {
  readonly #clock: Clock;
  readonly #realtime: Pick<Realtime, "deliverOnce">;
  /** By code: Apple tells a user's name with the redirect only, and only the first time. */
  readonly #names = new Map<string, KeptName>();

  constructor(clock: Clock, realtime: Pick<Realtime, "deliverOnce">) {
    this.#clock = clock;
    this.#realtime = realtime;
  }

  /** The state is the realtime client's id. Always a redirect, to a page that tells how it went. */
  receive(context: Context, input: FormInput): RedirectAnswer {
    const { state, code, error, user } = readTexts(context, input, [
      "state",
      "code",
      "error",
      "user",
    ]);
    if (state === "") return FAILURE;
    const failed = error !== "" || code === "";
    const message = { state, code, ...(error === "" ? {} : { error }) };
    if (!failed && user !== "") this.#keepName(code, user);
    const delivered = this.#realtime.deliverOnce(state, OAUTH2_TOPIC, message);
    return delivered && !failed ? SUCCESS : FAILURE;
  }

  /** The name that came with this code, once; "" where none did a moment ago. */
  takeName(code: string): string {
    const kept = this.#names.get(code);
    this.#names.delete(code);
    return kept && kept.endsAt > this.#clock.monotonic() ? kept.name : "";
  }

  #keepName(code: string, user: string): void {
    const name = nameIn(user);
    if (name === "" || code.length > CODE_CHARS_MAX) return;
    this.#names.delete(code);
    bound(this.#names, LIMITS.oauth2NamesMax);
    this.#names.set(code, { name, endsAt: this.#clock.monotonic() + LIMITS.oauth2NameMs });
  }
}

const CODE_CHARS_MAX = 1_000;

function nameIn(user: string): string {
  try {
    const value: unknown = JSON.parse(user);
    const parts = ["name.firstName", "name.lastName"].map((path) => textAt(value, path));
    return parts.join(" ").slice(0, LIMITS.oauth2NameCharsMax).trim();
  } catch {
    // A name that cannot be read is a name that was not sent.
    return "";
  }
}
