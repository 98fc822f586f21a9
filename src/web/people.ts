/** Who is in the room and what they are there; for those who may: silencing, removing. */

import { type MemberRole, mayModerate, type Participant } from "../client/index.ts";
import { byId, make } from "./dom.ts";
import { countPeople, displayName, hueOf, initials } from "./names.ts";

const ROLES: Readonly<Record<MemberRole, string>> = {
  owner: "Owner",
  admin: "Admin",
  participant: "",
};

export interface PeopleOptions {
  isSelf(participantId: string): boolean;
  mute(participant: Participant, muted: boolean): Promise<void>;
  kick(participant: Participant): Promise<void>;
  onError(error: unknown): void;
}

export class People {
  readonly #options: PeopleOptions;
  readonly #list = byId("people", HTMLUListElement);
  #shown = "";

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  show(list: readonly Participant[]): void {
    byId("people-count", HTMLElement).textContent = countPeople(list.length);
    const self = list.find(({ id }) => this.#options.isSelf(id));
    const own = self?.role;
    // Drawing again would take the focus from a button that somebody is about to press.
    const parts = list.map(({ id, name, role, muted }) => [id, name, role, muted]);
    const now = JSON.stringify([self?.id, parts]);
    if (now === this.#shown) return;
    this.#shown = now;
    this.#list.replaceChildren(...list.map((participant) => this.#item(participant, own)));
  }

  #item(participant: Participant, own: MemberRole | undefined): HTMLLIElement {
    const { id, userId, role } = participant;
    const name = displayName(participant);
    const picture = make("span", "avatar small", initials(name));
    picture.ariaHidden = "true";
    picture.style.setProperty("--hue", String(hueOf(userId ?? id)));
    const self = this.#options.isSelf(id);
    const item = make("li");
    item.append(picture, make("span", "person", self ? `${name} (you)` : name));
    if (ROLES[role]) item.append(make("span", "role", ROLES[role]));
    if (!self && mayModerate(own, role)) item.append(...this.#actions(participant, name));
    return item;
  }

  #actions(participant: Participant, name: string): HTMLButtonElement[] {
    const muted = participant.muted.includes("audio");
    const { mute, kick } = this.#options;
    return [
      this.#button({
        icon: muted ? "mic-off" : "mic",
        label: muted ? `Unmute ${name}` : `Mute ${name}`,
        act: () => mute(participant, !muted),
      }),
      this.#button({ icon: "close", label: `Remove ${name}`, act: () => kick(participant) }),
    ];
  }

  #button(of: { icon: string; label: string; act: () => Promise<void> }): HTMLButtonElement {
    const button = make("button", "quiet small-button");
    button.type = "button";
    button.ariaLabel = of.label;
    button.title = of.label;
    button.append(icon(of.icon));
    button.onclick = () => {
      button.disabled = true;
      of.act()
        .catch(this.#options.onError)
        .finally(() => {
          button.disabled = false;
        });
    };
    return button;
  }
}

function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.ariaHidden = "true";
  svg.append(use);
  return svg;
}
