/** The page at `/`: an account or none, the rooms, one room. An example of the library. */

import { ApiClient, type CloseReason, storedTokens } from "../client/index.ts";
import { accountView } from "./account.ts";
import { Call } from "./call.ts";
import { byId, messageOf } from "./dom.ts";
import { lobbyView } from "./lobby.ts";
import { roomsView } from "./rooms.ts";
import { Visitor } from "./visitor.ts";

const ENDINGS: Readonly<Record<CloseReason, string>> = {
  left: "",
  kicked: "You were removed from the room.",
  banned: "You were banned from the room.",
  room_closed: "The room was closed.",
  refused: "The server did not let you in again.",
  lost: "The connection was lost, and every try to come back failed.",
};

async function start(): Promise<void> {
  const visitor = new Visitor(
    new ApiClient(location.origin, storedTokens(localStorage)),
    sessionStorage,
  );
  const rooms = roomsView(visitor, openRoom);
  const showAccount = accountView(visitor, () => route());
  const call = new Call({
    visitor,
    onClosed: (room, reason) => {
      const isElsewhere = roomInAddress() !== room.id;
      if (reason === "left") {
        if (!isElsewhere) location.hash = "#/";
      } else if (reason === "room_closed") showRooms(ENDINGS[reason]);
      else void lobby.show(room.id, ENDINGS[reason]);
    },
  });
  const lobby = lobbyView(visitor, (room, media) => {
    call.join(room, media).catch((error: unknown) => lobby.fail(error));
  });

  function showRooms(message = ""): void {
    history.replaceState(null, "", "#/");
    rooms.show(message);
  }

  /** The address says what is shown, so that links, reload and the back button work. */
  function route(): void {
    const roomId = roomInAddress();
    rooms.hide();
    lobby.hide();
    showWho(visitor);
    void call.leave();
    if (roomId !== undefined) void lobby.show(roomId);
    else if (visitor.known) rooms.show();
    else showAccount();
  }

  byId("sign-out", HTMLButtonElement).onclick = () => {
    visitor.signOut();
    route();
  };
  addEventListener("hashchange", route);
  await visitor.restore().catch((error: unknown) => {
    byId("account-error", HTMLElement).textContent = messageOf(error);
  });
  route();
}

function openRoom(roomId: string): void {
  location.hash = `#/room/${encodeURIComponent(roomId)}`;
}

function roomInAddress(): string | undefined {
  const id = /^#\/room\/([^/]+)$/.exec(location.hash)?.[1];
  return id === undefined ? undefined : decodeURIComponent(id);
}

function showWho(visitor: Visitor): void {
  byId("who", HTMLElement).hidden = !visitor.known;
  byId("who-name", HTMLElement).textContent = visitor.name;
  byId("sign-out", HTMLButtonElement).textContent = visitor.user ? "Sign out" : "Sign in";
}

void start();
