/** Being in a room: the client's events go to the tiles and the chat, the buttons to the client. */

import {
  type CloseReason,
  type DeviceState,
  type JoinMedia,
  type RoomEvent,
  type RoomSummary,
  type SessionState,
  type Source,
  WebRTCClient,
} from "../client/index.ts";
import { Chat } from "./chat.ts";
import { Controls } from "./controls.ts";
import { DeviceMenu } from "./device-menu.ts";
import { byId, messageOf, showView } from "./dom.ts";
import { displayName } from "./names.ts";
import { People } from "./people.ts";
import { type Quality, QualityMeter } from "./quality.ts";
import { Requests } from "./requests.ts";
import { Sounds } from "./sounds.ts";
import { Tiles } from "./tiles.ts";
import type { Visitor } from "./visitor.ts";

const LOOK_MS = 500;
const STATES: Readonly<Record<SessionState, string>> = {
  joining: "Joining…",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  closed: "Left",
};

const QUALITIES: Readonly<Record<Quality, string>> = {
  good: "Good connection",
  fair: "Fair connection",
  poor: "Poor connection",
};

export interface CallOptions {
  readonly visitor: Visitor;
  /** The stay is over; never called for a join that failed. */
  onClosed(room: RoomSummary, reason: CloseReason): void;
}

export class Call {
  readonly #options: CallOptions;
  readonly #client: WebRTCClient;
  readonly #tiles = new Tiles();
  readonly #sounds: Sounds;
  readonly #chat: Chat;
  readonly #controls: Controls;
  readonly #people: People;
  readonly #requests: Requests;
  readonly #quality = new QualityMeter();
  /** One's own ids: after a rejoin there is another one, and old messages keep the old. */
  readonly #selves = new Set<string>();
  #room: RoomSummary | undefined;
  #self: string | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: CallOptions) {
    this.#options = options;
    this.#client = new WebRTCClient(options.visitor.api);
    this.#sounds = new Sounds((text) => this.#notice(text));
    this.#chat = new Chat({
      send: (message) => this.#client.sendChatMessage(message),
      isSelf: (id) => this.#selves.has(id),
      onError: (error) => this.#notice(messageOf(error)),
    });
    const onError = (error: unknown) => this.#notice(messageOf(error));
    this.#people = new People({
      isSelf: (id) => this.#selves.has(id),
      mute: ({ id }, muted) => this.#client.muteParticipant(id, "audio", muted),
      kick: ({ id }) => this.#client.kickParticipant(id),
      onError,
    });
    this.#requests = new Requests({ members: this.#client.members, onError });
    this.#controls = new Controls(this.#client, (text) => this.#notice(text));
    new DeviceMenu(this.#client, (text) => this.#notice(text));
    byId("leave", HTMLButtonElement).onclick = () => void this.leave();
    this.#listen();
  }

  /** Error: what `joinRoom` throws; the view stays where it is then. */
  async join(room: RoomSummary, media: JoinMedia): Promise<void> {
    this.#room = room;
    this.#selves.clear();
    this.#tiles.clear();
    this.#notice("");
    this.#chat.start();
    this.#controls.start(room.type);
    byId("call-name", HTMLElement).textContent = room.name || "Untitled room";
    await this.#client.joinRoom(room.id, media);
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  /** Idempotent. */
  async leave(): Promise<void> {
    await this.#client.leaveRoom();
  }

  #listen(): void {
    const client = this.#client;
    client.onStateChange = (state, reason) => this.#stateChanged(state, reason);
    client.onParticipantJoined = (participant) => {
      this.#tiles.put(participant, participant.id === client.participantId);
      this.#showPeople();
      const isNews = client.state === "connected" && participant.id !== client.participantId;
      if (isNews) this.#chat.note(`${displayName(participant)} joined`);
    };
    client.onParticipantChanged = (participant) => {
      this.#tiles.put(participant, participant.id === client.participantId);
      this.#showPeople();
    };
    client.onParticipantLeft = (participant) => {
      this.#tiles.remove(participant.id);
      this.#sounds.stop(participant.id);
      this.#showPeople();
      if (!this.#selves.has(participant.id)) this.#chat.note(`${displayName(participant)} left`);
    };
    client.onRemoteTrack = (stream, participant, source) => {
      this.#tiles.put(participant, false);
      if (source === "audio") this.#sounds.play(participant.id, stream);
      else if (source === "video") this.#tiles.showVideo(participant.id, stream);
      else this.#tiles.showScreen(participant, stream);
    };
    client.onRemoteTrackEnded = (participantId, source) => this.#trackEnded(participantId, source);
    client.onActiveSpeaker = (participantId) => this.#tiles.lead(participantId);
    client.onDataEvent = (event) => this.#dataEvent(event);
    client.onLocalMedia = (states, stream) => this.#localMedia(states, stream);
  }

  #stateChanged(state: SessionState, reason: CloseReason | undefined): void {
    const status = byId("status", HTMLElement);
    status.textContent = STATES[state];
    status.dataset.state = state;
    if (state === "connected") this.#connected();
    else {
      this.#tiles.hush();
      this.#showQuality(undefined);
    }
    if (state !== "closed") return;
    clearInterval(this.#timer);
    const wasInside = this.#self !== undefined;
    this.#self = undefined;
    this.#tiles.clear();
    this.#sounds.clear();
    this.#requests.stop();
    if (wasInside && this.#room) this.#options.onClosed(this.#room, reason ?? "left");
  }

  #connected(): void {
    const { participantId } = this.#client;
    if (participantId === undefined) return;
    this.#self = participantId;
    this.#selves.add(participantId);
    showView("view-call");
    const known = this.#client.participants.find(({ id }) => id === participantId);
    const { user } = this.#options.visitor;
    const self = known ?? { id: participantId, userId: user?.id ?? null, name: user?.name ?? "" };
    const unknown = { sources: new Set<Source>(), role: "participant" as const, muted: [] };
    this.#tiles.put({ ...unknown, ...self }, true);
    // The devices may have been ready before there was a tile to show them on.
    this.#localMedia(this.#client.devices, this.#client.localStream);
    this.#showPeople();
  }

  #trackEnded(participantId: string, source: Source): void {
    const participant = this.#client.participants.find(({ id }) => id === participantId);
    if (source === "audio") this.#sounds.stop(participantId);
    else if (source === "video") this.#tiles.showVideo(participantId, null);
    else if (participant) this.#tiles.showScreen(participant, null);
  }

  #dataEvent(event: RoomEvent): void {
    const { participant_id: from, type: emoji, message } = event.data;
    if (event.type === "chat") this.#chat.add(event);
    else if (event.type === "reaction" && typeof from === "string" && typeof emoji === "string") {
      this.#tiles.react(from, emoji);
    } else if (event.type === "error") {
      this.#notice(typeof message === "string" ? message : "The server refused a message.");
    }
  }

  #localMedia(states: Readonly<Record<Source, DeviceState>>, stream: MediaStream): void {
    this.#controls.show(states);
    if (this.#self === undefined) return;
    const on = { video: states.video === "on", audio: states.audio === "on" };
    // A fresh stream each time: some browsers do not notice a track added to one that is shown.
    this.#tiles.showVideo(this.#self, on.video ? new MediaStream(stream.getVideoTracks()) : null);
    this.#tiles.showSelf(this.#self, on);
  }

  #showPeople(): void {
    const { participants } = this.#client;
    this.#people.show(participants);
    const own = participants.find(({ id }) => id === this.#self)?.role;
    const decides = own === "owner" || own === "admin";
    if (decides && this.#room) this.#requests.start(this.#room.id);
    else this.#requests.stop();
  }

  async #look(): Promise<void> {
    if (this.#client.state === "connected" && !document.hidden) {
      const stats = await this.#client.stats();
      this.#tiles.observe(stats, this.#self);
      this.#showQuality(this.#quality.look(stats));
    }
  }

  #showQuality(quality: Quality | undefined): void {
    const meter = byId("quality", HTMLElement);
    meter.hidden = quality === undefined;
    if (quality === undefined || meter.dataset.quality === quality) return;
    meter.dataset.quality = quality;
    meter.title = QUALITIES[quality];
    meter.ariaLabel = QUALITIES[quality];
  }

  #notice(text: string): void {
    const notice = byId("notice", HTMLElement);
    notice.textContent = text;
    notice.hidden = text === "";
  }
}
