/** The row of buttons below the grid. */

import type { DeviceState, RoomType, Source, WebRTCClient } from "../client/index.ts";
import { byId, find, make, messageOf } from "./dom.ts";

const REACTIONS = ["👏", "❤️", "😂", "🎉", "👍", "😮"];

type States = Readonly<Record<Source, DeviceState>>;

const WORDS = {
  audio: { id: "mic", on: "Mute microphone", off: "Unmute microphone" },
  video: { id: "camera", on: "Turn camera off", off: "Turn camera on" },
  screen: { id: "screen", on: "Stop sharing", off: "Share screen" },
} as const;

const TROUBLE: Readonly<Record<Exclude<DeviceState, "on" | "off">, string>> = {
  denied: "not allowed",
  missing: "not found",
  busy: "in use by another program",
};

export class Controls {
  readonly #client: WebRTCClient;
  readonly #notice: (text: string) => void;
  #states: States = { audio: "off", video: "off", screen: "off" };

  constructor(client: WebRTCClient, notice: (text: string) => void) {
    this.#client = client;
    this.#notice = notice;
    const tell = (error: unknown) => this.#notice(messageOf(error));
    this.#button("audio").onclick = () =>
      void client.setMicrophone(this.#states.audio !== "on").catch(tell);
    this.#button("video").onclick = () =>
      void client.setCamera(this.#states.video !== "on").catch(tell);
    this.#button("screen").onclick = () => {
      if (this.#states.screen === "on") client.stopScreen();
      else void client.shareScreen();
    };
    this.#fillReactions();
    byId("copy-link", HTMLButtonElement).onclick = () => this.#copyLink();
  }

  /** Only what the room is for; sharing a screen only where the browser can. */
  start(type: RoomType): void {
    const canShare = Boolean(navigator.mediaDevices?.getDisplayMedia);
    this.#button("audio").hidden = type === "data";
    this.#button("video").hidden = type !== "video";
    this.#button("screen").hidden = type !== "video" || !canShare;
    this.show({ audio: "off", video: "off", screen: "off" });
  }

  show(states: States): void {
    const before = this.#states;
    this.#states = states;
    for (const source of ["audio", "video", "screen"] as const) {
      const on = states[source] === "on";
      const button = this.#button(source);
      button.ariaPressed = String(on);
      button.ariaLabel = on ? WORDS[source].on : WORDS[source].off;
      button.title = button.ariaLabel;
      button.classList.toggle("trouble", states[source] in TROUBLE);
    }
    const changed = (["audio", "video"] as const).some((key) => before[key] !== states[key]);
    if (changed) this.#notice(troubleText(states));
  }

  #button(source: Source): HTMLButtonElement {
    return byId(WORDS[source].id, HTMLButtonElement);
  }

  #fillReactions(): void {
    const menu = byId("reactions", HTMLDetailsElement);
    const buttons = REACTIONS.map((emoji) => {
      const button = make("button", "emoji", emoji);
      button.type = "button";
      button.ariaLabel = `React with ${emoji}`;
      button.onclick = () => {
        menu.open = false;
        try {
          this.#client.sendReaction(emoji);
        } catch (error) {
          this.#notice(messageOf(error));
        }
      };
      return button;
    });
    byId("reaction-menu", HTMLElement).replaceChildren(...buttons);
    document.addEventListener("pointerdown", ({ target }) => {
      if (target instanceof Node && !menu.contains(target)) menu.open = false;
    });
    menu.onkeydown = ({ key }) => {
      if (key === "Escape") menu.open = false;
    };
  }

  async #copyLink(): Promise<void> {
    const label = find(byId("copy-link", HTMLElement), "span", HTMLElement);
    try {
      await navigator.clipboard.writeText(location.href);
      label.textContent = "Copied";
    } catch {
      // Not allowed, or no secure context: the user can copy it by hand.
      this.#notice(`The link of this room: ${location.href}`);
    }
    setTimeout(() => {
      label.textContent = "Copy link";
    }, 2_000);
  }
}

/** `The camera is not allowed: the others do not see you.` */
function troubleText({ audio, video }: States): string {
  const [noVoice, noPicture] = [audio, video].map((state) => state !== "on" && state !== "off");
  const kind = (state: DeviceState) => (state === "on" || state === "off" ? "" : TROUBLE[state]);
  if (noVoice && noPicture && audio === video) {
    return `Camera and microphone are ${kind(audio)}: you are here as a listener.`;
  }
  if (noVoice) return `The microphone is ${kind(audio)}: the others do not hear you.`;
  if (noPicture) return `The camera is ${kind(video)}: the others do not see you.`;
  return "";
}
