/** The choice of camera and microphone, below the grid. */

import type { WebRTCClient } from "../client/index.ts";
import { byId, make, messageOf } from "./dom.ts";

const KINDS = [
  { source: "audio", kind: "audioinput", id: "choose-mic" },
  { source: "video", kind: "videoinput", id: "choose-camera" },
] as const;

export class DeviceMenu {
  readonly #client: WebRTCClient;
  readonly #notice: (text: string) => void;

  constructor(client: WebRTCClient, notice: (text: string) => void) {
    this.#client = client;
    this.#notice = notice;
    const menu = byId("devices", HTMLDetailsElement);
    menu.ontoggle = () => menu.open && void this.#fill();
    menu.onkeydown = ({ key }) => {
      if (key === "Escape") menu.open = false;
    };
    document.addEventListener("pointerdown", ({ target }) => {
      if (target instanceof Node && !menu.contains(target)) menu.open = false;
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      if (menu.open) void this.#fill();
    });
    for (const { id, source } of KINDS) {
      const select = byId(id, HTMLSelectElement);
      select.onchange = () => void this.#choose(source, select.value);
    }
  }

  /** Names are told only where the user has let the page use a device. */
  async #fill(): Promise<void> {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    for (const { id, kind, source } of KINDS) {
      const select = byId(id, HTMLSelectElement);
      const known = devices.filter((device) => device.kind === kind && device.deviceId !== "");
      const chosen = this.#client.deviceId(source);
      const options = known.map(({ deviceId, label }, index) => {
        const option = make("option", "", label || `Device ${index + 1}`);
        option.value = deviceId;
        option.selected = deviceId === chosen;
        return option;
      });
      select.disabled = options.length === 0;
      select.replaceChildren(...options);
    }
  }

  async #choose(source: "audio" | "video", deviceId: string): Promise<void> {
    try {
      await this.#client.useDevice(source, deviceId);
    } catch (error) {
      this.#notice(messageOf(error));
    }
  }
}
