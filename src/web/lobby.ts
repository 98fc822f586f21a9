/** The page before a room: what it is called, who is there, which devices one comes with. */

import { ApiError, type MediaChoice, type RoomSummary } from "../client/index.ts";
import { byId, messageOf, showView } from "./dom.ts";
import { countPeople } from "./names.ts";
import type { Visitor } from "./visitor.ts";

export interface LobbyView {
  /** `message`: why one is back here. */
  show(roomId: string, message?: string): Promise<void>;
  /** Says why joining failed and lets one try again. */
  fail(error: unknown): void;
}

export function lobbyView(
  visitor: Visitor,
  onJoin: (room: RoomSummary, media: MediaChoice) => void,
): LobbyView {
  const join = byId("join", HTMLButtonElement);
  const devices = {
    audio: byId("lobby-mic", HTMLButtonElement),
    video: byId("lobby-camera", HTMLButtonElement),
  };
  let room: RoomSummary | undefined;

  for (const button of Object.values(devices)) {
    button.onclick = () => {
      button.ariaPressed = String(button.ariaPressed !== "true");
    };
  }
  const wants = (device: HTMLButtonElement) => !device.hidden && device.ariaPressed === "true";
  join.onclick = () => {
    if (!room) return;
    setBusy(join, true);
    say("lobby-error", "");
    onJoin(room, { audio: wants(devices.audio), video: wants(devices.video) });
  };

  return {
    async show(roomId, message = "") {
      showView("view-lobby");
      room = undefined;
      setBusy(join, false);
      join.hidden = true;
      say("lobby-name", "…");
      say("lobby-kicker", "");
      say("lobby-people", "");
      say("lobby-error", message);
      say("lobby-who", "");
      byId("lobby-devices", HTMLElement).hidden = true;
      try {
        const found = await visitor.api.getRoom(roomId);
        room = found;
        describe(found, devices);
        say("lobby-who", visitor.user ? `You join as ${visitor.name}.` : "You join as a guest.");
        join.hidden = false;
        join.focus();
      } catch (error) {
        const gone = error instanceof ApiError && error.status === 404;
        say("lobby-name", gone ? "There is no such room" : "This room cannot be opened");
        say("lobby-error", gone ? "It may be closed, or private." : messageOf(error));
      }
    },
    fail(error) {
      setBusy(join, false);
      say("lobby-error", messageOf(error));
    },
  };
}

function describe(
  room: RoomSummary,
  devices: { readonly audio: HTMLElement; readonly video: HTMLElement },
): void {
  say("lobby-kicker", { video: "Video room", audio: "Sound room", data: "Chat room" }[room.type]);
  say("lobby-name", room.name || "Untitled room");
  const people = countPeople(room.participants);
  say("lobby-people", room.participants > 0 ? `${people} inside` : "Nobody is inside yet");
  devices.audio.hidden = room.type === "data";
  devices.video.hidden = room.type !== "video";
  byId("lobby-devices", HTMLElement).hidden = room.type === "data";
}

function setBusy(join: HTMLButtonElement, busy: boolean): void {
  join.disabled = busy;
  join.textContent = busy ? "Joining…" : "Join";
}

function say(id: string, text: string): void {
  byId(id, HTMLElement).textContent = text;
}
