/** Who asks to be let in, for the owner and admins while they are in the room. */

import type { Member, MembersClient } from "../client/index.ts";
import { byId, make } from "./dom.ts";
import { displayName } from "./names.ts";

const LOOK_MS = 4_000;

export interface RequestsOptions {
  readonly members: MembersClient;
  onError(error: unknown): void;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #panel = byId("requests", HTMLElement);
  readonly #list = byId("request-list", HTMLUListElement);
  #timer: ReturnType<typeof setInterval> | undefined;
  #roomId = "";
  #shown = "";

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Looks for requests from now on. Called again it changes nothing. */
  start(roomId: string): void {
    if (this.#timer !== undefined) return;
    this.#roomId = roomId;
    this.#timer = setInterval(() => document.hidden || void this.#look(), LOOK_MS);
    void this.#look();
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw([]);
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    try {
      const { items } = await this.#options.members.list(this.#roomId, { status: "pending" });
      if (this.#timer === timer && timer !== undefined) this.#draw(items);
    } catch {
      // No longer one who decides, or no connection: the next look says more than a notice would.
      if (this.#timer === timer) this.#draw([]);
    }
  }

  #draw(requests: readonly Member[]): void {
    // Drawing again would take the focus from a button that somebody is about to press.
    const now = JSON.stringify(requests);
    if (now === this.#shown) return;
    this.#shown = now;
    this.#panel.hidden = requests.length === 0;
    this.#list.replaceChildren(...requests.map((request) => this.#item(request)));
  }

  #item(request: Member): HTMLLIElement {
    const item = make("li");
    const name = displayName({ id: request.userId, name: request.name });
    const { members } = this.#options;
    item.append(
      make("span", "person", name),
      this.#button("Let in", `Let ${name} in`, () => members.approve(request.memberId)),
      this.#button("Decline", `Decline ${name}`, () => members.reject(request.memberId)),
    );
    return item;
  }

  #button(text: string, label: string, act: () => Promise<unknown>): HTMLButtonElement {
    const button = make("button", "quiet", text);
    button.type = "button";
    button.ariaLabel = label;
    button.onclick = async () => {
      button.disabled = true;
      try {
        await act();
      } catch (error) {
        this.#options.onError(error);
      }
      button.disabled = false;
      await this.#look();
    };
    return button;
  }
}
