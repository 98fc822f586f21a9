/** Messages, beside the grid or over it on a narrow screen. */

import type { RoomEvent } from "../client/index.ts";
import { byId, make } from "./dom.ts";
import { displayName } from "./names.ts";

const LINES_MAX = 500;
/** Closer to the end than this, the log follows new messages. */
const NEAR_END_PX = 80;

export interface ChatOptions {
  /** Error: shown below the message, which stays in the field. */
  send(message: string): void;
  isSelf(participantId: string): boolean;
  onError(error: unknown): void;
}

export class Chat {
  readonly #options: ChatOptions;
  readonly #log = byId("chat", HTMLOListElement);
  readonly #input = byId("chat-input", HTMLTextAreaElement);
  readonly #panel = byId("panel", HTMLElement);
  readonly #toggle = byId("panel-toggle", HTMLButtonElement);
  readonly #badge = byId("unread", HTMLElement);
  #unread = 0;
  #lastFrom = "";

  constructor(options: ChatOptions) {
    this.#options = options;
    byId("chat-form", HTMLFormElement).onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.#input.onkeydown = (event) => {
      // While a word is being composed, Enter belongs to the input method.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    };
    this.#toggle.onclick = () => this.#open(this.#toggle.ariaExpanded !== "true");
    byId("panel-close", HTMLButtonElement).onclick = () => {
      this.#open(false);
      this.#toggle.focus();
    };
    this.#panel.onkeydown = (event) => {
      if (event.key === "Escape" && isNarrow()) this.#open(false);
    };
  }

  /** Empties the log for another room. */
  start(): void {
    this.#log.replaceChildren();
    this.#lastFrom = "";
    this.#open(!isNarrow());
  }

  /** A `chat` event. */
  add(event: RoomEvent): void {
    const { message, name, participant_id: from } = event.data;
    if (typeof message !== "string") return;
    const id = typeof from === "string" ? from : "";
    const author = displayName({ id, name: typeof name === "string" ? name : "" });
    const self = this.#options.isSelf(id);
    const line = make("li", self ? "line self" : "line");
    if (id !== this.#lastFrom) {
      const head = make("span", "line-head");
      head.append(make("strong", "", self ? "You" : author), time(event.timestamp));
      line.append(head);
    }
    line.append(make("span", "line-text", message));
    this.#append(line, id);
    if (!self && this.#panel.hidden) this.#count(this.#unread + 1);
  }

  /** A word from the page itself: who came, who left. */
  note(text: string): void {
    this.#append(make("li", "line note", text), "");
  }

  #submit(): void {
    const message = this.#input.value.trim();
    if (!message) return;
    try {
      this.#options.send(message);
      this.#input.value = "";
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #append(line: HTMLLIElement, from: string): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    const follows = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.#lastFrom = from;
    this.#log.append(line);
    if (this.#log.childElementCount > LINES_MAX) this.#log.firstElementChild?.remove();
    if (follows) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #open(open: boolean): void {
    this.#panel.hidden = !open;
    this.#toggle.ariaExpanded = String(open);
    if (!open) return;
    this.#count(0);
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #count(unread: number): void {
    this.#unread = unread;
    this.#badge.hidden = unread === 0;
    this.#badge.textContent = unread > 99 ? "99+" : String(unread);
    this.#toggle.ariaLabel = unread ? `Chat and people, ${unread} unread` : "Chat and people";
  }
}

/** Must be the width at which the style sheet lays the panel over the grid. */
const isNarrow = () => matchMedia("(max-width: 860px)").matches;

function time(seconds: number): HTMLTimeElement {
  const date = new Date(seconds * 1_000);
  const element = make("time", "", date.toLocaleTimeString([], { timeStyle: "short" }));
  element.dateTime = date.toISOString();
  return element;
}
