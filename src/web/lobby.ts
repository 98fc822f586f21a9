/** The page before a room: what it is called, who is there, which devices one comes with. */

import { ApiError, type MediaChoice, MembersClient, type RoomSummary } from "../client/index.ts";
import { byId, messageOf, showView } from "./dom.ts";
import { countPeople } from "./names.ts";
import type { Visitor } from "./visitor.ts";

/** How often somebody who waits to be let in looks whether they are. */
const WAIT_MS = 3_000;

/** What stands between the visitor and the room. */
type Door = "open" | "ask" | "sign_in" | "waiting" | "rejected" | "expired" | "banned";

const DOORS: Readonly<Record<Exclude<Door, "open">, { text: string; ask: string }>> = {
  ask: { text: "Somebody inside lets you in.", ask: "Ask to join" },
  sign_in: { text: "This room is for members: sign in to ask.", ask: "" },
  waiting: { text: "You asked to join. Waiting to be let in…", ask: "" },
  rejected: { text: "Your request was turned down.", ask: "Ask again" },
  expired: { text: "Your membership has run out.", ask: "Ask to join" },
  banned: { text: "You are banned from this room.", ask: "" },
};

export interface LobbyView {
  /** `message`: why one is back here. */
  show(roomId: string, message?: string): Promise<void>;
  /** Says why joining failed and lets one try again. */
  fail(error: unknown): void;
  /** Stops looking for news. */
  hide(): void;
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
  const ask = byId("ask", HTMLButtonElement);
  let room: RoomSummary | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const showDoor = (found: RoomSummary) => {
    room = found;
    const door = doorOf(found, visitor);
    const closed = door === "open" ? undefined : DOORS[door];
    join.hidden = door !== "open";
    ask.hidden = !closed?.ask;
    ask.textContent = closed?.ask ?? "";
    say("lobby-who", closed?.text ?? (visitor.user ? `You join as ${visitor.name}.` : GUEST));
    clearTimeout(timer);
    if (door === "waiting") timer = setTimeout(() => void look(found.id), WAIT_MS);
  };
  const look = async (roomId: string) => {
    const news = document.hidden ? room : await visitor.api.getRoom(roomId).catch(() => room);
    if (news && room?.id === roomId) showDoor(news);
  };
  ask.onclick = async () => {
    if (!room) return;
    const { id } = room;
    ask.disabled = true;
    say("lobby-error", "");
    try {
      await new MembersClient(visitor.api).requestJoin(id);
      await look(id);
    } catch (error) {
      say("lobby-error", messageOf(error));
    }
    ask.disabled = false;
  };

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
      ask.hidden = true;
      clearTimeout(timer);
      say("lobby-name", "…");
      say("lobby-kicker", "");
      say("lobby-people", "");
      say("lobby-error", message);
      say("lobby-who", "");
      byId("lobby-devices", HTMLElement).hidden = true;
      try {
        const found = await visitor.api.getRoom(roomId);
        describe(found, devices);
        showDoor(found);
        (join.hidden ? ask : join).focus();
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
    hide() {
      clearTimeout(timer);
      room = undefined;
    },
  };
}

const GUEST = "You join as a guest.";

function doorOf({ joinType, owner, membership }: RoomSummary, { user }: Visitor): Door {
  if (membership?.status === "banned") return "banned";
  if (joinType === "free" || membership?.status === "active") return "open";
  if (!user) return "sign_in";
  if (owner === user.id) return "open";
  switch (membership?.status) {
    case "pending":
      return "waiting";
    case "rejected":
    case "expired":
      return membership.status;
    default:
      return "ask";
  }
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
