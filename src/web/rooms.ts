/** The list of rooms, and making one. */

import type { RoomSummary } from "../client/index.ts";
import { byId, find, make, messageOf, showView } from "./dom.ts";
import { countPeople } from "./names.ts";
import type { Visitor } from "./visitor.ts";

const REFRESH_MS = 5_000;

export interface RoomsView {
  show(message?: string): void;
  /** Stops looking for news. */
  hide(): void;
}

export function roomsView(visitor: Visitor, onRoom: (roomId: string) => void): RoomsView {
  const form = byId("new-room", HTMLFormElement);
  const error = byId("new-room-error", HTMLElement);
  const hint = byId("rooms-hint", HTMLElement);
  const list = byId("room-list", HTMLUListElement);
  let timer: ReturnType<typeof setInterval> | undefined;
  let shown = "";

  const refresh = async () => {
    try {
      const { items, totalItems } = await visitor.api.listRooms();
      // Drawing again would take the focus from a room that somebody is about to open.
      const now = JSON.stringify(items);
      if (now !== shown) list.replaceChildren(...items.map(roomItem));
      shown = now;
      hint.textContent = hintFor(items.length, totalItems);
    } catch (failure) {
      hint.textContent = messageOf(failure);
    }
  };

  form.onsubmit = async (event) => {
    event.preventDefault();
    error.textContent = "";
    const input = find(form, "input[name=name]", HTMLInputElement);
    const isPrivate = find(form, "input[name=private]", HTMLInputElement).checked;
    const asks = find(form, "input[name=approval]", HTMLInputElement).checked;
    const name = input.value.trim();
    if (!name) {
      error.textContent = "Give the room a name first.";
      input.focus();
      return;
    }
    try {
      // Only who is signed in may say anything about being public; rooms are by themselves.
      const room = await visitor.api.createRoom({
        name,
        ...(isPrivate ? { isPublic: false } : {}),
        ...(asks ? { joinType: "require_approval" as const } : {}),
      });
      form.reset();
      onRoom(room.id);
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
  };

  return {
    show(message = "") {
      showView("view-rooms");
      error.textContent = message;
      // A private room needs an owner who can let others in.
      byId("private-field", HTMLElement).hidden = visitor.user === undefined;
      byId("approval-field", HTMLElement).hidden = visitor.user === undefined;
      void refresh();
      clearInterval(timer);
      timer = setInterval(() => document.hidden || void refresh(), REFRESH_MS);
    },
    hide: () => clearInterval(timer),
  };
}

function hintFor(shown: number, total: number): string {
  if (shown === 0) return "No room is open. Make the first one.";
  return total > shown ? `The first ${shown} of ${total} rooms.` : "";
}

/** What stands before an outsider. */
function doors(room: RoomSummary): string[] {
  return [
    ...(room.isPublic ? [] : ["private"]),
    ...(room.joinType === "free" ? [] : ["members only"]),
  ];
}

function roomItem(room: RoomSummary): HTMLLIElement {
  const link = make("a", "room");
  link.href = `#/room/${encodeURIComponent(room.id)}`;
  link.dataset.room = room.id;
  const text = make("span", "room-text");
  const kind = { video: "Video", audio: "Sound only", data: "Chat only" }[room.type];
  text.append(
    make("strong", "", room.name || "Untitled room"),
    make("span", "hint", [kind, ...doors(room)].join(" · ")),
  );
  const live = room.participants > 0;
  const people = live ? countPeople(room.participants) : "Empty";
  link.append(text, make("span", live ? "count live" : "count", people));
  const item = make("li");
  item.append(link);
  return item;
}
